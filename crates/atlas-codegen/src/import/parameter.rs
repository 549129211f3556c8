//! Reads the facts of parameters, and compares them with the names in the path.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::operation::Source;
use super::report::Report;
use super::{dangling, flag, keywords, object, prose, schema, text};
use crate::canonical::Kind;
use crate::error::{Error, shown};
use crate::facts::{Operation, resolved};
use crate::keys::one_of;

/// Returns the parameters of an operation and of its path, unordered.
pub(super) fn parameters(
    source: &Source<'_>,
    map: &Map<String, Value>,
    shared: &BTreeMap<String, Value>,
    report: &mut Report,
) -> Result<Vec<Value>, Error> {
    let mut taken: Vec<Value> = Vec::new();
    let mut own = BTreeSet::new();
    // An operation's own parameters come first, since they override those of its path.
    for (level, parameters) in [map.get("parameters"), source.item.get("parameters")]
        .into_iter()
        .enumerate()
    {
        let Some(parameters) = parameters else {
            continue;
        };
        let place = format!("{}.parameters", source.place);
        let list = parameters
            .as_array()
            .ok_or_else(|| Error::at(&place, "expected a list"))?;
        for (index, value) in list.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let parameter = if let Some(reference) = value.get("$ref") {
                let name = schema::reference_name(reference, "parameters", &place)?;
                if !shared.contains_key(&name) {
                    return Err(dangling(&place, "parameters", &name));
                }
                Value::Object([("$ref".to_owned(), name.into())].into_iter().collect())
            } else {
                parameter(value, &place, report)?
            };
            let target = resolved(shared, &parameter);
            let key = (target["in"].to_string(), target["name"].to_string());
            if own.insert(key) {
                taken.push(parameter);
            } else if level == 0 {
                let name = shown(target["name"].as_str().unwrap_or_default());
                return Err(Error::at(
                    place,
                    format!("parameter \"{name}\" is named twice"),
                ));
            }
        }
    }
    Ok(taken)
}

/// Reads a parameter of an operation or a shared one.
pub(super) fn parameter(value: &Value, place: &str, report: &mut Report) -> Result<Value, Error> {
    let map = object(value, place)?;
    keywords(map, PARAMETER, place, report);
    let mut taken = Map::new();
    for (key, value) in map
        .iter()
        .filter(|(key, _)| PARAMETER.contains(&key.as_str()))
    {
        let value = if key == "schema" {
            schema::take(value, Kind::Schema, &format!("{place}.schema"), report)?
        } else {
            value.clone()
        };
        taken.insert(key.clone(), value);
    }
    let place_of = text(map, "in", place)?.unwrap_or_default();
    if !["header", "path", "query"].contains(&place_of.as_str()) {
        let what = format!(
            "invalid \"{}\": expected header, path or query",
            shown(&place_of)
        );
        return Err(Error::at(format!("{place}.in"), what));
    }
    match text(map, "name", place)? {
        Some(name) if !name.is_empty() => prose::name(&name, &format!("{place}.name"))?,
        _ => return Err(Error::at(format!("{place}.name"), "missing")),
    }
    for key in ["required", "deprecated", "explode"] {
        flag(map, key, place)?;
    }
    if let Some(style) = text(map, "style", place)?
        && !STYLES.contains(&style.as_str())
    {
        let what = format!(
            "invalid style \"{}\": expected {}",
            shown(&style),
            one_of(STYLES)
        );
        return Err(Error::at(format!("{place}.style"), what));
    }
    if place_of == "path" && map.get("required") != Some(&Value::Bool(true)) {
        return Err(Error::at(
            format!("{place}.required"),
            "a path parameter must be required",
        ));
    }
    if !map.contains_key("schema") {
        return Err(Error::at(format!("{place}.schema"), "missing"));
    }
    Ok(taken.into())
}

/// Checks that each name in the path has a parameter, and each path parameter a name in the path.
pub(super) fn path_names(
    operation: &Operation,
    shared: &BTreeMap<String, Value>,
    place: &str,
) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    let mut rest = operation.path.as_str();
    if !rest.starts_with('/') {
        return Err(Error::at(
            place,
            "invalid path: expected a slash at its start",
        ));
    }
    while let Some(start) = rest.find(['{', '}']) {
        let name = rest[start..]
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let Some((name, after)) = name.filter(|(name, _)| !name.is_empty() && !name.contains('{'))
        else {
            return Err(Error::at(place, "invalid path: braces do not match"));
        };
        if !names.insert(name) {
            return Err(Error::at(
                place,
                format!("path names {{{}}} twice", shown(name)),
            ));
        }
        rest = after;
    }
    for parameter in &operation.parameters {
        let parameter = resolved(shared, parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["in"] == "path" && !names.remove(name) {
            let what = format!("path parameter \"{}\" is not in the path", shown(name));
            return Err(Error::at(place, what));
        }
    }
    match names.first() {
        Some(name) => {
            let what = format!(
                "{{{}}} in the path has no parameter: declare it",
                shown(name)
            );
            Err(Error::at(place, what))
        }
        None => Ok(()),
    }
}

/// The styles of OpenAPI 3.0.
const STYLES: &[&str] = &[
    "deepObject",
    "form",
    "label",
    "matrix",
    "pipeDelimited",
    "simple",
    "spaceDelimited",
];

/// The keywords of a parameter that contain facts.
pub(crate) const PARAMETER: &[&str] = &[
    "deprecated",
    "explode",
    "in",
    "name",
    "required",
    "schema",
    "style",
];
