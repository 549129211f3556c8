//! Reads the facts of a schema or parameter, with an allow-list of keywords.

use serde_json::{Map, Value};

use super::prose::{self, holds_prose, is_identifier, is_long_pattern};
use super::report::Report;
use crate::canonical::Kind;
use crate::error::{Error, shown};
use crate::keys::one_of;

/// Copies the allowed keywords of `value`, which is of `kind`, and reports the others.
///
/// References lose the prefix `#/components/schemas/`; other keywords next to a reference are
/// dropped, as in OpenAPI 3.0.
pub(super) fn take(
    value: &Value,
    kind: Kind,
    place: &str,
    report: &mut Report,
) -> Result<Value, Error> {
    match (kind, value) {
        (Kind::Union, Value::Array(list)) => {
            let mut taken = Vec::with_capacity(list.len());
            for (index, value) in list.iter().enumerate() {
                taken.push(take(
                    value,
                    Kind::Schema,
                    &format!("{place}[{index}]"),
                    report,
                )?);
            }
            Ok(Value::Array(taken))
        }
        (Kind::Schema, Value::Bool(_)) if place.ends_with(".additionalProperties") => {
            Ok(value.clone())
        }
        (Kind::Schema, Value::Object(map)) => schema(map, place, report),
        (Kind::Schemas, Value::Object(map)) => {
            let mut taken = Map::new();
            for (name, value) in map {
                prose::name(name, place)?;
                let value = take(value, Kind::Schema, &format!("{place}.{name}"), report)?;
                taken.insert(name.clone(), value);
            }
            Ok(Value::Object(taken))
        }
        (Kind::Schema | Kind::Schemas, _) => Err(Error::at(place, "expected an object")),
        (Kind::Union, _) => Err(Error::at(place, "expected a list")),
        _ => Ok(value.clone()),
    }
}

fn schema(map: &Map<String, Value>, place: &str, report: &mut Report) -> Result<Value, Error> {
    if let Some(reference) = map.get("$ref") {
        for key in map.keys().filter(|key| *key != "$ref") {
            report.keyword(key, place);
        }
        let name = reference_name(reference, "schemas", place)?;
        return Ok(Value::Object(
            [("$ref".to_owned(), name.into())].into_iter().collect(),
        ));
    }
    let mut taken = Map::new();
    for (key, value) in map {
        if !KEYWORDS.contains(&key.as_str()) {
            report.keyword(key, place);
            continue;
        }
        let inner = format!("{place}.{key}");
        if let Some(value) = keyword(key, value, &inner, report)? {
            taken.insert(key.clone(), value);
        }
    }
    Ok(Value::Object(taken))
}

fn keyword(
    key: &str,
    value: &Value,
    place: &str,
    report: &mut Report,
) -> Result<Option<Value>, Error> {
    let left_out = |name: &str, report: &mut Report| {
        report.note(
            place,
            &format!("{name} of many words was left out as prose"),
        );
        Ok(None)
    };
    let wrong = |expected: &str| Err(Error::at(place, format!("expected {expected}")));
    Ok(Some(match key {
        "properties" | "items" | "additionalProperties" | "not" | "oneOf" | "anyOf" | "allOf" => {
            take(value, Kind::Schema.child(key), place, report)?
        }
        "discriminator" => discriminator(value, place, report)?,
        "required" => {
            let mut names = strings(value, place)?;
            names.iter().try_for_each(|name| prose::name(name, place))?;
            names.sort();
            names.dedup();
            names.into()
        }
        "enum" => match value {
            _ if holds_prose(value) => return left_out("an enum", report),
            Value::Array(list) => Value::Array(list.iter().map(plain_number).collect()),
            _ => return wrong("a list"),
        },
        "default" => {
            if holds_prose(value) {
                return left_out("a default", report);
            }
            plain_number(value)
        }
        "minimum" | "maximum" | "multipleOf" => {
            if !value.is_number() {
                return wrong("a number");
            }
            plain_number(value)
        }
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            let whole = value.as_u64().or_else(|| whole(value));
            match whole {
                Some(whole) => whole.into(),
                None => return wrong("a whole number"),
            }
        }
        "type" => {
            check_type(value, place)?;
            value.clone()
        }
        "format" | "pattern" => {
            let Some(text) = value.as_str() else {
                return wrong("a string");
            };
            let long = if key == "pattern" {
                is_long_pattern(text)
            } else {
                !is_identifier(text)
            };
            if long {
                return left_out(&format!("a {key}"), report);
            }
            value.clone()
        }
        _ => {
            if !value.is_boolean() {
                return wrong("true or false");
            }
            value.clone()
        }
    }))
}

fn discriminator(value: &Value, place: &str, report: &mut Report) -> Result<Value, Error> {
    let Value::Object(map) = value else {
        return Err(Error::at(place, "expected an object"));
    };
    let mut taken = Map::new();
    for (key, value) in map {
        match (key.as_str(), value) {
            ("propertyName", Value::String(name)) => {
                prose::name(name, place)?;
                taken.insert(key.clone(), value.clone());
            }
            ("mapping", Value::Object(mapping)) => {
                let mut names = Map::new();
                for (value, reference) in mapping {
                    prose::name(value, &format!("{place}.mapping"))?;
                    let inner = format!("{place}.mapping.{value}");
                    let name = reference_name(reference, "schemas", &inner)?;
                    names.insert(value.clone(), name.into());
                }
                taken.insert(key.clone(), names.into());
            }
            ("propertyName" | "mapping", _) => {
                return Err(Error::at(format!("{place}.{key}"), "has the wrong type"));
            }
            _ => report.keyword(key, place),
        }
    }
    Ok(taken.into())
}

/// Returns the name in `#/components/<section>/<name>`.
pub(super) fn reference_name(
    reference: &Value,
    section: &str,
    place: &str,
) -> Result<String, Error> {
    let text = reference.as_str().unwrap_or_default();
    let name = text
        .strip_prefix("#/components/")
        .and_then(|rest| rest.strip_prefix(section));
    match name.and_then(|rest| rest.strip_prefix('/')) {
        Some(name) if !name.is_empty() && !name.contains('/') => Ok(name.to_owned()),
        _ => {
            let what = format!(
                "invalid reference \"{}\": expected #/components/{section}/NAME",
                shown(text)
            );
            Err(Error::at(place, what))
        }
    }
}

/// Refuses a type that OpenAPI 3.0 lacks, such as a list of types.
pub(crate) fn check_type(value: &Value, place: &str) -> Result<(), Error> {
    let expected = one_of(TYPES);
    let what = match value.as_str() {
        Some(name) if TYPES.contains(&name) => return Ok(()),
        Some(name) => format!("invalid type \"{}\": expected {expected}", shown(name)),
        None => format!("expected a string: {expected}"),
    };
    Err(Error::at(place, what))
}

/// Visits each reference in a schema, with its place.
pub(crate) fn references<'a>(
    value: &'a Value,
    kind: Kind,
    place: &str,
    found: &mut dyn FnMut(&'a str, &str),
) {
    match (kind, value) {
        (_, Value::Array(list)) => {
            for (index, value) in list.iter().enumerate() {
                references(value, kind.element(), &format!("{place}[{index}]"), found);
            }
        }
        (Kind::Discriminator, Value::Object(map)) => {
            for (value, name) in map
                .get("mapping")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                found(
                    name.as_str().unwrap_or_default(),
                    &format!("{place}.mapping.{value}"),
                );
            }
        }
        (Kind::Schema, Value::Object(map)) if map.contains_key("$ref") => {
            found(map["$ref"].as_str().unwrap_or_default(), place);
        }
        (Kind::Schema | Kind::Schemas | Kind::Parameter, Value::Object(map)) => {
            for (key, value) in map {
                let child = kind.child(key);
                if child != Kind::Plain {
                    references(value, child, &format!("{place}.{key}"), found);
                }
            }
        }
        _ => {}
    }
}

/// Reads a list of strings.
pub(super) fn strings(value: &Value, place: &str) -> Result<Vec<String>, Error> {
    let list = value
        .as_array()
        .ok_or_else(|| Error::at(place, "expected a list of strings"))?;
    list.iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect::<Option<Vec<String>>>()
        .ok_or_else(|| Error::at(place, "expected a list of strings"))
}

/// Keeps integers unchanged, and writes floating-point integers below a million as integers (`1.0`
/// is `1`).
///
/// The YAML edition of the description writes numbers from a million on with an exponent, which
/// makes them floating-point; they stay unchanged.
fn plain_number(value: &Value) -> Value {
    let float = value.as_f64().filter(|_| value.is_f64());
    match float {
        Some(float) if float.fract() == 0.0 && float.abs() < 1e6 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below a million")]
            Value::from(float as i64)
        }
        _ => value.clone(),
    }
}

fn whole(value: &Value) -> Option<u64> {
    let float = value.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked"
    )]
    (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64)
}

/// The types of OpenAPI 3.0.
const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// The keywords of a schema that contain facts.
pub(crate) const KEYWORDS: &[&str] = &[
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "discriminator",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "type",
    "uniqueItems",
    "writeOnly",
];
