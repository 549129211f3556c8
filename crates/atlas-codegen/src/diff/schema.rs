//! Compares two schemas, keyword by keyword.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Class, Diff, Direction};
use crate::canonical::{self, Kind};

/// Where a schema stands, and which way it travels.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) place: String,
    pub(super) direction: Direction,
}

impl Side {
    fn inner(&self, step: &str) -> Self {
        Self {
            place: format!("{}{step}", self.place),
            direction: self.direction,
        }
    }
}

/// Compares the schema `name`.
pub(super) fn compare(
    diff: &mut Diff,
    name: &str,
    left: &Value,
    right: &Value,
    direction: Direction,
) {
    walk(
        diff,
        &Side {
            place: name.to_owned(),
            direction,
        },
        left,
        right,
    );
}

/// Compares two schemas at the same place.
pub(super) fn walk(diff: &mut Diff, side: &Side, left: &Value, right: &Value) {
    if left == right {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (left, right) else {
        // `additionalProperties` may be a bool, and a body without schema is null.
        let show = |value: &Value| canonical::line(value, Kind::Schema);
        diff.add(
            Class::Breaking,
            &side.place,
            format!("{} is now {}", show(left), show(right)),
        );
        return;
    };
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        if old != new {
            keyword(diff, side, key, old, new);
        }
    }
}

fn keyword(diff: &mut Diff, side: &Side, key: &str, old: Option<&Value>, new: Option<&Value>) {
    let place = &side.place;
    let request = side.direction.request;
    let changed = format!("{key} changed from {} to {}", show(old), show(new));
    match key {
        "properties" => properties(diff, side, old, new),
        "items" | "additionalProperties" | "not" => match (old, new) {
            (Some(old), Some(new)) => {
                let step = if key == "items" {
                    "[]".to_owned()
                } else {
                    format!(".{key}")
                };
                walk(diff, &side.inner(&step), old, new);
            }
            _ => diff.add(Class::Breaking, place, changed),
        },
        "required" => required(diff, side, old, new),
        "enum" => enumeration(diff, side, old, new),
        "oneOf" | "anyOf" | "allOf" => members(diff, side, key, old, new),
        "discriminator" => discriminator(diff, side, old, new),
        "type" | "format" | "$ref" => diff.add(Class::Breaking, place, changed),
        "minimum" | "minLength" | "minItems" | "minProperties" => {
            let tighter = number(new) > number(old);
            diff.add(bound(request, tighter), place, changed);
        }
        "maximum" | "maxLength" | "maxItems" | "maxProperties" => {
            let tighter = match (number(old), number(new)) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(old), Some(new)) => new < old,
            };
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
            let class = if request && !now {
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

/// A tighter bound breaks requests; on answers no bound is enforced.
fn bound(request: bool, tighter: bool) -> Class {
    if request && tighter {
        Class::Breaking
    } else {
        Class::Behavioural
    }
}

fn properties(diff: &mut Diff, side: &Side, old: Option<&Value>, new: Option<&Value>) {
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

fn required(diff: &mut Diff, side: &Side, old: Option<&Value>, new: Option<&Value>) {
    let (old, new) = (list(old), list(new));
    for name in new.difference(&old) {
        let class = if side.direction.request {
            Class::Breaking
        } else {
            Class::Behavioural
        };
        diff.add(
            class,
            side.inner(&format!(".{name}")).place,
            "became required",
        );
    }
    for name in old.difference(&new) {
        let class = if side.direction.response {
            Class::Behavioural
        } else {
            Class::Added
        };
        diff.add(
            class,
            side.inner(&format!(".{name}")).place,
            "became optional",
        );
    }
}

fn enumeration(diff: &mut Diff, side: &Side, old: Option<&Value>, new: Option<&Value>) {
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

/// Members of a union or of `allOf`. References are compared by name, other members by position.
fn members(diff: &mut Diff, side: &Side, key: &str, old: Option<&Value>, new: Option<&Value>) {
    let split = |value: Option<&Value>| -> (BTreeSet<String>, Vec<Value>) {
        let (mut names, mut inline) = (BTreeSet::new(), Vec::new());
        for member in value.and_then(Value::as_array).into_iter().flatten() {
            match member["$ref"].as_str() {
                Some(name) => {
                    names.insert(name.to_owned());
                }
                None => inline.push(member.clone()),
            }
        }
        (names, inline)
    };
    let ((old_names, old_inline), (new_names, new_inline)) = (split(old), split(new));
    for name in old_names.difference(&new_names) {
        diff.add(
            Class::Breaking,
            &side.place,
            format!("{key}: {name} removed"),
        );
    }
    for name in new_names.difference(&old_names) {
        let class = if key == "allOf" {
            Class::Breaking
        } else {
            Class::Added
        };
        diff.add(class, &side.place, format!("{key}: {name} added"));
    }
    if old_names == new_names && old_inline == new_inline {
        diff.add(
            Class::Behavioural,
            &side.place,
            format!("{key} was reordered"),
        );
    }
    if old_inline.len() != new_inline.len() {
        let change = format!(
            "{key} has {} inline members, was {}",
            new_inline.len(),
            old_inline.len()
        );
        diff.add(Class::Breaking, &side.place, change);
        return;
    }
    for (index, (left, right)) in old_inline.iter().zip(&new_inline).enumerate() {
        let step = if key == "allOf" {
            String::new()
        } else {
            format!(".{key}[{index}]")
        };
        walk(diff, &side.inner(&step), left, right);
    }
}

fn discriminator(diff: &mut Diff, side: &Side, old: Option<&Value>, new: Option<&Value>) {
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

fn list(value: Option<&Value>) -> BTreeSet<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect()
}

fn number(value: Option<&Value>) -> Option<f64> {
    value.and_then(Value::as_f64)
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(
        || "none".to_owned(),
        |value| canonical::line(value, Kind::Schema),
    )
}
