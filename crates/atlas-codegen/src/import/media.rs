//! Reads the versions, formats and schemas of bodies from their media types.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::report::Report;
use super::{flag, keywords, object, prose, schema, text};
use crate::canonical::Kind;
use crate::error::{Error, shown};
use crate::facts::Version;

/// A body under one versioned media type.
pub(super) struct Media<'a> {
    version: String,
    format: String,
    map: &'a Map<String, Value>,
    place: String,
}

/// The bodies that have a version.
pub(super) fn media_types<'a>(
    body: &'a Map<String, Value>,
    place: &str,
    report: &mut Report,
) -> Result<Vec<Media<'a>>, Error> {
    let Some(content) = body.get("content") else {
        return Ok(Vec::new());
    };
    let mut list = Vec::new();
    for (name, value) in object(content, &format!("{place}.content"))? {
        let place = format!("{place}.content.{name}");
        let map = object(value, &place)?;
        let Some(rest) = name.strip_prefix("application/vnd.atlas.") else {
            report.note(&place, "a media type without a version: left out");
            continue;
        };
        let Some((version, format)) = rest.split_once('+') else {
            return Err(Error::at(
                place,
                "invalid media type: expected VERSION+FORMAT at its end",
            ));
        };
        if version.ends_with(".upcoming") {
            report.note(&place, "an upcoming version: left out");
            continue;
        }
        if version != "preview" {
            date(version, &place, "preview or a date")?;
        }
        if !FORMATS.contains(&format) {
            let what = format!(
                "invalid format \"{}\": expected json, gzip or csv",
                shown(format)
            );
            return Err(Error::at(place, what));
        }
        list.push(Media {
            version: version.to_owned(),
            format: format.to_owned(),
            map,
            place,
        });
    }
    Ok(list)
}

impl Media<'_> {
    /// The version it belongs to, its format, and its schema or null.
    pub(super) fn take<'v>(
        self,
        versions: &'v mut BTreeMap<String, Version>,
        report: &mut Report,
    ) -> Result<(&'v mut Version, String, Value), Error> {
        let Self {
            version,
            format,
            map,
            place,
        } = self;
        keywords(map, MEDIA, &place, report);
        let schema = match map.get("schema") {
            Some(value) => schema::take(value, Kind::Schema, &format!("{place}.schema"), report)?,
            None => Value::Null,
        };
        // The original edition of the description writes a date as its midnight.
        let sunset = text(map, "x-sunset", &place)?
            .map(|text| text.strip_suffix("T00:00:00Z").unwrap_or(&text).to_owned());
        if let Some(sunset) = &sunset {
            date(sunset, &format!("{place}.x-sunset"), "a date")?;
        }
        let preview = preview(map, &place, report)?;
        let entry = versions.entry(version.clone()).or_insert_with(|| Version {
            name: version,
            responses: BTreeMap::new(),
            sunset: None,
            preview: None,
            request: None,
        });
        if let (Some(new), Some(old)) = (&sunset, &entry.sunset)
            && new != old
        {
            report.note(
                &place,
                &format!("sunset {new}, but {old} elsewhere: took the earlier"),
            );
        }
        entry.sunset = match (sunset, entry.sunset.take()) {
            (Some(new), Some(old)) => Some(new.min(old)),
            (new, old) => new.or(old),
        };
        entry.preview = entry.preview.take().or(preview);
        Ok((entry, format, schema))
    }
}

/// Returns the name of a private preview, and whether it is public; the source writes both as
/// strings.
fn preview(
    map: &Map<String, Value>,
    place: &str,
    report: &mut Report,
) -> Result<Option<Value>, Error> {
    let Some(value) = map.get(PREVIEW) else {
        return Ok(None);
    };
    let place = format!("{place}.{PREVIEW}");
    let map = object(value, &place)?;
    keywords(map, &["name", "public"], &place, report);
    let mut taken = Map::new();
    if let Some(name) = text(map, "name", &place)? {
        prose::name(&name, &format!("{place}.name"))?;
        taken.insert("name".to_owned(), name.into());
    }
    if let Some(public) = flag(map, "public", &place)? {
        taken.insert("public".to_owned(), public.to_string().into());
    }
    Ok(Some(taken.into()))
}

fn date(text: &str, place: &str, expected: &str) -> Result<(), Error> {
    if prose::is_date(text) {
        return Ok(());
    }
    let what = format!(
        "invalid version or date \"{}\": expected {expected}, such as 2025-03-12",
        shown(text)
    );
    Err(Error::at(place, what))
}

/// The formats of bodies.
const FORMATS: [&str; 3] = ["csv", "gzip", "json"];

const PREVIEW: &str = "x-xgen-preview";
const MEDIA: &[&str] = &["schema", "x-sunset", PREVIEW, "x-xgen-version"];
