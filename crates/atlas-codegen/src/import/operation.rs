//! Reads the facts of one operation: parameters, bodies, versions, statuses and roles.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::media::media_types;
use super::parameter::{parameters, path_names};
use super::report::Report;
use super::{Description, flag, keywords, object, prose, roles, schema, text};
use crate::error::{Error, shown};
use crate::facts::{Operation, Verb, Version};

/// The location of an operation.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) item: &'a Map<String, Value>,
    pub(super) place: &'a str,
}

impl<'a> Description<'a> {
    /// Reads the operation, unless it cannot be called because no body of it has a version.
    pub(super) fn operation(
        &self,
        source: &Source<'a>,
        value: &'a Value,
        shared: &BTreeMap<String, Value>,
        report: &mut Report,
    ) -> Result<Option<Operation>, Error> {
        let place = source.place;
        let map = object(value, place)?;
        keywords(map, OPERATION, place, report);
        let id = text(map, "operationId", place)?
            .ok_or_else(|| Error::at(format!("{place}.operationId"), "missing"))?;
        if !prose::is_identifier(&id) {
            let what = format!(
                "invalid operationId \"{}\": expected letters and digits",
                shown(&id)
            );
            return Err(Error::at(format!("{place}.operationId"), what));
        }
        let (verb, custom) = verb(map, place, report)?;
        let mut operation = Operation {
            tag: tag(map, place, report)?,
            method: source.method.to_uppercase(),
            path: source.path.to_owned(),
            short: identifier(map, "x-xgen-operation-id-override", place)?,
            verb,
            custom,
            deprecated: flag(map, "deprecated", place)?.unwrap_or_default(),
            security: security(map, place, report),
            roles: self.roles(map, place, report),
            parameters: parameters(source, map, shared, report)?,
            body: None,
            errors: Vec::new(),
            bare: Vec::new(),
            versions: Vec::new(),
            id,
        };
        path_names(&operation, shared, place)?;
        let mut versions = BTreeMap::new();
        self.request(map, place, &mut operation, &mut versions, report)?;
        self.responses(map, place, &mut operation, &mut versions, report)?;
        if versions.is_empty() {
            report.note(
                place,
                "no body has a versioned media type: the operation was left out",
            );
            return Ok(None);
        }
        operation.versions = versions.into_values().collect();
        Ok(Some(operation))
    }

    fn roles(&self, map: &Map<String, Value>, place: &str, report: &mut Report) -> Vec<String> {
        let description = map
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let (roles, unknown) = roles::find(description, &self.options.roles);
        for role in unknown {
            let what = format!(
                "unknown role \"{}\": add it to \"roles\" in overrides.json if it is one",
                shown(&role)
            );
            report.note(place, &what);
        }
        roles
    }

    fn request(
        &self,
        map: &'a Map<String, Value>,
        place: &str,
        operation: &mut Operation,
        versions: &mut BTreeMap<String, Version>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let Some(body) = map.get("requestBody") else {
            return Ok(());
        };
        let place = format!("{place}.requestBody");
        let body = object(self.resolve(body, "requestBodies", &place)?, &place)?;
        keywords(body, &["content", "required"], &place, report);
        let required = flag(body, "required", &place)?.unwrap_or_default();
        operation.body = Some(if required { "required" } else { "optional" }.to_owned());
        for media in media_types(body, &place, report)? {
            let (version, format, schema) = media.take(versions, report)?;
            version
                .request
                .get_or_insert_default()
                .insert(format, schema);
        }
        Ok(())
    }

    fn responses(
        &self,
        map: &'a Map<String, Value>,
        place: &str,
        operation: &mut Operation,
        versions: &mut BTreeMap<String, Version>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let place = format!("{place}.responses");
        let responses = map
            .get("responses")
            .ok_or_else(|| Error::at(&place, "missing"))?;
        for (key, value) in object(responses, &place)? {
            let place = format!("{place}.{key}");
            let status = key
                .parse::<u16>()
                .ok()
                .filter(|status| (100..600).contains(status));
            let Some(status) = status.filter(|_| key.len() == 3) else {
                report.note(&place, "not a status of three digits: left out");
                continue;
            };
            let value = object(self.resolve(value, "responses", &place)?, &place)?;
            match status {
                // One operation documents 102 in addition to its response.
                100..200 | 300.. => {
                    keywords(value, &[], &place, report);
                    operation.errors.push(status);
                }
                _ => {
                    keywords(value, &["content"], &place, report);
                    let media = media_types(value, &place, report)?;
                    if media.is_empty() {
                        operation.bare.push(status);
                    }
                    for media in media {
                        let (version, format, schema) = media.take(versions, report)?;
                        version
                            .responses
                            .entry(key.clone())
                            .or_default()
                            .insert(format, schema);
                    }
                }
            }
        }
        Ok(())
    }
}

fn tag(map: &Map<String, Value>, place: &str, report: &mut Report) -> Result<String, Error> {
    let place = format!("{place}.tags");
    let tags = match map.get("tags") {
        Some(tags) => schema::strings(tags, &place)?,
        None => Vec::new(),
    };
    if tags.len() > 1 {
        report.note(&place, "more than one tag: took the first");
    }
    let first = tags.into_iter().next();
    let tag = first.ok_or_else(|| Error::at(&place, "missing: expected one tag"))?;
    prose::tag(&tag, &place)?;
    Ok(tag)
}

/// Reads the security: `[]` means that no login is needed; any other value is that of all
/// operations.
fn security(map: &Map<String, Value>, place: &str, report: &mut Report) -> Option<Value> {
    let security = map.get("security")?;
    if security.as_array().is_some_and(Vec::is_empty) {
        return Some(security.clone());
    }
    report.keyword("security", place);
    None
}

fn verb(map: &Map<String, Value>, place: &str, report: &mut Report) -> Result<(Verb, bool), Error> {
    let place = format!("{place}.{VERB}");
    let Some(value) = map.get(VERB) else {
        return Ok((Verb::Absent, false));
    };
    let map = object(value, &place)?;
    keywords(map, &["customMethod", "verb"], &place, report);
    let custom = flag(map, "customMethod", &place)?.unwrap_or_default();
    Ok((identifier(map, "verb", &place)?.into(), custom))
}

fn identifier(map: &Map<String, Value>, key: &str, place: &str) -> Result<Option<String>, Error> {
    let text = text(map, key, place)?;
    if let Some(text) = &text {
        prose::identifier(text, &format!("{place}.{key}"))?;
    }
    Ok(text)
}

const VERB: &str = "x-xgen-method-verb-override";

/// Reads only the roles from `description`; the facts contain none of its text.
const OPERATION: &[&str] = &[
    "deprecated",
    "description",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "tags",
    VERB,
    "x-xgen-operation-id-override",
];
