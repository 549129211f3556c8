//! Compares two schemas, keyword by keyword.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::members::members;
use super::number::{self, same};
use super::required::required;
use super::{Class, Diff, Direction};
use crate::canonical::{self, Kind};
use crate::facts::Facts;

/// The location of a schema, its directions, and the schemas to resolve its references.
#[derive(Clone, Debug)]
pub(super) struct Side<'a> {
    pub(super) place: String,
    pub(super) direction: Direction,
    pub(super) old: &'a Facts,
    pub(super) new: &'a Facts,
}

impl Side<'_> {
    pub(super) fn inner(&self, step: &str) -> Self {
        Self {
            place: format!("{}{step}", self.place),
            ..self.clone()
        }
    }
}

/// Compares two schemas at the same place.
pub(super) fn walk(diff: &mut Diff, side: &Side<'_>, left: &Value, right: &Value) {
    let (Value::Object(before), Value::Object(after)) = (left, right) else {
        if left != right {
            // A body without schema is null; a response may gain content.
            let class = if left.is_null() && !side.direction.request {
                Class::Behavioural
            } else {
                Class::Breaking
            };
            diff.add(
                class,
                &side.place,
                format!("{} is now {}", show(Some(left)), show(Some(right))),
            );
        }
        return;
    };
    required(diff, side, left, right);
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        match key.as_str() {
            "required" => {}
            "properties" => properties(diff, side, old, new),
            "additionalProperties" => additional(diff, side, old, new),
            "oneOf" | "anyOf" | "allOf" => members(diff, side, key, old, new),
            "items" | "not" if old.is_some() && new.is_some() => {
                let step = if key == "items" { "[]" } else { ".not" };
                let null = &Value::Null;
                let (old, new) = (old.unwrap_or(null), new.unwrap_or(null));
                walk(diff, &side.inner(step), old, new);
            }
            "type" if old != new => kind(diff, side, before, after),
            _ if same(old, new)
                || (FLAGS.contains(&key.as_str()) && is_set(old) == is_set(new)) => {}
            _ => keyword(diff, side, key, old, new),
        }
    }
}

fn keyword(diff: &mut Diff, side: &Side<'_>, key: &str, old: Option<&Value>, new: Option<&Value>) {
    let place = &side.place;
    let request = side.direction.request;
    let changed = format!("{key} changed from {} to {}", show(old), show(new));
    match key {
        "enum" => enumeration(diff, side, old, new),
        "discriminator" => discriminator(diff, side, old, new),
        "format" | "items" | "not" | "$ref" => diff.add(Class::Breaking, place, changed),
        "minLength" | "minItems" | "minProperties" => {
            let zero = Value::from(0);
            let tighter = number::is_above(new, old.or(Some(&zero)));
            diff.add(bound(request, tighter), place, changed);
        }
        "minimum" => {
            diff.add(bound(request, number::is_above(new, old)), place, changed);
        }
        "maximum" | "maxLength" | "maxItems" | "maxProperties" => {
            let tighter = new.is_some() && (old.is_none() || number::is_above(old, new));
            diff.add(bound(request, tighter), place, changed);
        }
        "pattern" | "uniqueItems" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
            let tighter = new.is_some_and(|new| *new != Value::Bool(false));
            diff.add(bound(request, tighter), place, changed);
        }
        "readOnly" => {
            let now = new == Some(&Value::Bool(true));
            let class = if request && now {
                Class::Breaking
            } else {
                Class::Behavioural
            };
            diff.add(class, place, changed);
        }
        "writeOnly" => {
            let now = new == Some(&Value::Bool(true));
            let class = if side.direction.response && now {
                Class::Breaking
            } else {
                Class::Behavioural
            };
            diff.add(class, place, changed);
        }
        "nullable" => {
            let now = new == Some(&Value::Bool(true));
            let class = if (request && !now) || (side.direction.response && now) {
                Class::Breaking
            } else {
                Class::Behavioural
            };
            diff.add(class, place, changed);
        }
        // "default", "deprecated"
        _ => diff.add(Class::Behavioural, place, changed),
    }
}

/// Compares bounds. A tighter bound breaks requests; in responses no bound is enforced.
fn bound(request: bool, tighter: bool) -> Class {
    if request && tighter {
        Class::Breaking
    } else {
        Class::Behavioural
    }
}

fn properties(diff: &mut Diff, side: &Side<'_>, old: Option<&Value>, new: Option<&Value>) {
    let (old, new) = (entries(old), entries(new));
    for (name, left) in &old {
        match new.get(name) {
            Some(right) => walk(diff, &side.inner(&format!(".{name}")), left, right),
            None => diff.add(
                Class::Breaking,
                side.inner(&format!(".{name}")).place,
                "field removed",
            ),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        diff.add(
            Class::Added,
            side.inner(&format!(".{name}")).place,
            "field added",
        );
    }
}

/// Compares schemas of additional fields; none, true and `{}` all mean any.
fn additional(diff: &mut Diff, side: &Side<'_>, old: Option<&Value>, new: Option<&Value>) {
    let key = "additionalProperties";
    let any = |value: Option<&Value>| {
        value.is_none_or(|value| *value == true || value.as_object().is_some_and(Map::is_empty))
    };
    let none = |value: Option<&Value>| value == Some(&Value::Bool(false));
    if old == new && !old.is_some_and(Value::is_object) {
        return;
    }
    if let (Some(Value::Object(_)), Some(Value::Object(_)), false, false) =
        (old, new, any(old), any(new))
    {
        let null = &Value::Null;
        let (old, new) = (old.unwrap_or(null), new.unwrap_or(null));
        walk(diff, &side.inner(".additionalProperties"), old, new);
        return;
    }
    if old == new {
        return;
    }
    let Direction { request, response } = side.direction;
    let class = match (any(old), any(new)) {
        (true, true) => Class::Behavioural,
        // Refused fields are now allowed, or untyped ones have a schema.
        (_, _) if none(old) => Class::Behavioural,
        (true, false) if !request => Class::Behavioural,
        // Callers that read the fields relied on their schema.
        (false, true) if !response => Class::Behavioural,
        _ => Class::Breaking,
    };
    let change = format!("{key} changed from {} to {}", show(old), show(new));
    diff.add(class, &side.place, change);
}

/// Compares types. A schema without a type that has properties is an object.
fn kind(diff: &mut Diff, side: &Side<'_>, old: &Map<String, Value>, new: &Map<String, Value>) {
    let meant = |schema: &Map<String, Value>| match schema.get("type") {
        None if schema.contains_key("properties") => Some(Value::from("object")),
        kind => kind.cloned(),
    };
    let class = if meant(old) == meant(new) {
        Class::Behavioural
    } else {
        Class::Breaking
    };
    let (old, new) = (old.get("type"), new.get("type"));
    let change = format!("type changed from {} to {}", show(old), show(new));
    diff.add(class, &side.place, change);
}

fn enumeration(diff: &mut Diff, side: &Side<'_>, old: Option<&Value>, new: Option<&Value>) {
    let (before, after) = (list(old), list(new));
    let breaks = if side.direction.request {
        Class::Breaking
    } else {
        Class::Behavioural
    };
    match (old, new) {
        (None, Some(_)) => diff.add(breaks, &side.place, "values became an enum"),
        (Some(_), None) => diff.add(Class::Added, &side.place, "any value is allowed now"),
        _ if before == after => diff.add(Class::Behavioural, &side.place, "enum was reordered"),
        _ => {
            let kinds = |values: Option<&Value>| -> BTreeSet<&str> {
                let values = values.and_then(Value::as_array).into_iter().flatten();
                values.map(type_name).collect()
            };
            if !kinds(new).is_subset(&kinds(old)) {
                let change = "the type of the enum's values changed";
                diff.add(Class::Breaking, &side.place, change);
            }
            for value in before.difference(&after) {
                diff.add(breaks, &side.place, format!("enum value {value} removed"));
            }
            for value in after.difference(&before) {
                diff.add(
                    Class::Added,
                    &side.place,
                    format!("enum value {value} added"),
                );
            }
        }
    }
}

fn discriminator(diff: &mut Diff, side: &Side<'_>, old: Option<&Value>, new: Option<&Value>) {
    let (Some(left), Some(right)) = (old, new) else {
        let change = format!("discriminator changed from {} to {}", show(old), show(new));
        diff.add(Class::Breaking, &side.place, change);
        return;
    };
    if left["propertyName"] != right["propertyName"] {
        let change = format!(
            "discriminator changed from {} to {}",
            left["propertyName"], right["propertyName"]
        );
        diff.add(Class::Breaking, &side.place, change);
    }
    let (before, after) = (entries(left.get("mapping")), entries(right.get("mapping")));
    for (value, name) in &before {
        match after.get(value) {
            Some(other) if other == name => {}
            Some(other) => {
                let change = format!("discriminator value {value} means {other}, was {name}");
                diff.add(Class::Breaking, &side.place, change);
            }
            None => {
                let change = format!("discriminator value {value} removed");
                diff.add(Class::Breaking, &side.place, change);
            }
        }
    }
    for value in after.keys().filter(|value| !before.contains_key(*value)) {
        diff.add(
            Class::Added,
            &side.place,
            format!("discriminator value {value} added"),
        );
    }
}

fn entries(value: Option<&Value>) -> BTreeMap<&str, &Value> {
    let map = value.and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
        .collect()
}

/// Formats values for messages: a string has quotes only if it could be mistaken for another type.
fn list(value: Option<&Value>) -> BTreeSet<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values
        .map(|value| match value {
            Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
            Value::Number(number) => number::text(number),
            _ => value.to_string(),
        })
        .collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_set(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

/// Keywords whose default is false.
const FLAGS: &[&str] = &[
    "deprecated",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "nullable",
    "readOnly",
    "uniqueItems",
    "writeOnly",
];

fn show(value: Option<&Value>) -> String {
    value.map_or_else(
        || "none".to_owned(),
        |value| canonical::line(value, Kind::Schema),
    )
}
