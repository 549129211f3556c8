//! Refuses unknown keys in the sources, so that a misspelt key is not ignored.

use serde_json::{Map, Value};

use crate::canonical::Kind;
use crate::error::Error;
use crate::import::{PARAMETER_KEYS, SCHEMA_KEYS, check_type};

/// Refuses unknown keys in `facts.json`, including parameters and schemas, and unknown types.
pub(crate) fn facts(facts: &Value) -> Result<(), Error> {
    keys(facts, FACTS, "")?;
    for (name, value) in entries(facts, "parameters") {
        schema(value, Kind::Parameter, &format!("parameters.{name}"))?;
    }
    for (index, operation) in list(facts, "operations") {
        let place = format!("operations[{index}]");
        keys(operation, OPERATION, &place)?;
        for (index, value) in list(operation, "parameters") {
            schema(
                value,
                Kind::Parameter,
                &format!("{place}.parameters[{index}]"),
            )?;
        }
        for (index, version) in list(operation, "versions") {
            let place = format!("{place}.versions[{index}]");
            keys(version, VERSION, &place)?;
            keys(&version["preview"], PREVIEW, &format!("{place}.preview"))?;
            let place_of = |body: &str, format: &str| format!("{place}.{body}.{format}");
            for (format, value) in entries(version, "request") {
                schema(value, Kind::Schema, &place_of("request", format))?;
            }
            for (status, formats) in entries(version, "responses") {
                for (format, value) in formats.as_object().into_iter().flatten() {
                    let body = format!("responses.{status}");
                    schema(value, Kind::Schema, &place_of(&body, format))?;
                }
            }
        }
    }
    for (name, value) in entries(facts, "schemas") {
        schema(value, Kind::Schema, &format!("schemas.{name}"))?;
    }
    Ok(())
}

/// Refuses unknown keys in `names.json`.
pub(crate) fn names(names: &Value) -> Result<(), Error> {
    keys(names, NAMES, "")?;
    for (line, lock) in entries(names, "operations") {
        keys(lock, LOCK, &format!("operations.{line}"))?;
    }
    Ok(())
}

/// Refuses unknown keys in `overrides.json`.
pub(crate) fn overrides(overrides: &Value) -> Result<(), Error> {
    keys(overrides, OVERRIDES, "")?;
    keys(&overrides["security"], SECURITY, "security")?;
    for (index, row) in list(overrides, "patterns") {
        keys(row, PATTERN, &format!("patterns[{index}]"))?;
    }
    for (table, allowed) in [
        ("roles", ROLE),
        ("successors", SUCCESSOR),
        ("types", TYPE),
        ("values", VALUES),
    ] {
        for (name, row) in entries(overrides, table) {
            keys(row, allowed, &format!("{table}.{name}"))?;
        }
    }
    Ok(())
}

/// Refuses unknown keys in `watch.json`.
pub(crate) fn watch(watch: &Value) -> Result<(), Error> {
    for (index, entry) in watch.as_array().into_iter().flatten().enumerate() {
        keys(entry, &WATCH, &format!("[{index}]"))?;
        keys(&entry["until"], UNTIL, &format!("[{index}].until"))?;
    }
    Ok(())
}

fn schema(value: &Value, kind: Kind, place: &str) -> Result<(), Error> {
    match value {
        Value::Object(map) => {
            match kind {
                Kind::Plain => return Ok(()),
                Kind::Parameter | Kind::Schema if map.contains_key("$ref") => {
                    keys(value, &["$ref"], place)?;
                }
                Kind::Parameter => keys(value, PARAMETER_KEYS, place)?,
                Kind::Schema => {
                    keys(value, SCHEMA_KEYS, place)?;
                    if let Some(value) = map.get("type") {
                        check_type(value, &format!("{place}.type"))?;
                    }
                }
                Kind::Discriminator => keys(value, DISCRIMINATOR, place)?,
                Kind::Union | Kind::Schemas => {}
            }
            for (key, value) in map {
                schema(value, kind.child(key), &format!("{place}.{key}"))?;
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                schema(value, kind.element(), &format!("{place}[{index}]"))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn keys(value: &Value, allowed: &[&str], place: &str) -> Result<(), Error> {
    let unknown = value
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|key| !allowed.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| {
        let separator = if place.is_empty() { "" } else { "." };
        let what = format!("unknown key: expected {}", one_of(allowed));
        Err(Error::at(format!("{place}{separator}{key}"), what))
    })
}

/// Formats a list: `a`, `a or b`, `a, b or c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value[key].as_object().into_iter().flatten()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value[key].as_array().into_iter().flatten().enumerate()
}

const FACTS: &[&str] = &[
    "openapi",
    "source",
    "date",
    "servers",
    "tags",
    "parameters",
    "operations",
    "schemas",
];
const OPERATION: &[&str] = &[
    "id",
    "tag",
    "method",
    "path",
    "short",
    "verb",
    "custom",
    "deprecated",
    "security",
    "roles",
    "parameters",
    "body",
    "errors",
    "bare",
    "versions",
];
const VERSION: &[&str] = &["version", "responses", "sunset", "preview", "request"];
const PREVIEW: &[&str] = &["name", "public"];
const DISCRIMINATOR: &[&str] = &["propertyName", "mapping"];

const NAMES: &[&str] = &[
    "formerly",
    "formerSchemas",
    "kept",
    "operations",
    "retired",
    "types",
];
const LOCK: &[&str] = &["id", "rust", "cli", "schemas"];

const OVERRIDES: &[&str] = &[
    "patterns",
    "roles",
    "security",
    "successors",
    "types",
    "values",
];
const PATTERN: &[&str] = &["pattern", "enforced", "reason", "expected"];
const ROLE: &[&str] = &["includes", "reason"];
const SECURITY: &[&str] = &["absent", "empty", "noRoles", "roles"];
const SUCCESSOR: &[&str] = &["successor", "reason"];
const TYPE: &[&str] = &["type", "reason"];
const VALUES: &[&str] = &["values", "relax", "reason"];

/// The keys of an entry of `watch.json`, in their written order.
pub(crate) const WATCH: [&str; 6] = ["id", "get", "version", "params", "until", "fail"];
const UNTIL: &[&str] = &["status", "path", "values"];
