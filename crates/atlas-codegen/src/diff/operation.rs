//! Compares one operation in two facts files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::schema::{self, Side};
use super::{Class, Diff, Direction};
use crate::canonical::{self, Kind};
use crate::facts::{Facts, Formats, Operation, Version};

pub(super) fn compare(
    diff: &mut Diff,
    old: &Facts,
    left: &Operation,
    new: &Facts,
    right: &Operation,
) {
    let id = right.id.as_str();
    if left.id != right.id {
        diff.add(Class::Behavioural, id, format!("id was {}", left.id));
    }
    let texts = [
        ("tag", Some(&left.tag), Some(&right.tag)),
        ("short id", left.short.as_ref(), right.short.as_ref()),
    ];
    for (name, left, right) in texts {
        if left != right {
            let show = |value: Option<&String>| value.map_or("none", String::as_str).to_owned();
            let change = format!("{name} changed from {} to {}", show(left), show(right));
            diff.add(Class::Behavioural, id, change);
        }
    }
    if left.verb != right.verb || left.custom != right.custom {
        diff.add(Class::Behavioural, id, "naming hint (verb, custom) changed");
    }
    if left.deprecated != right.deprecated {
        let change = if right.deprecated {
            "deprecated"
        } else {
            "no longer deprecated"
        };
        diff.add(Class::Behavioural, id, change);
    }
    if left.security != right.security {
        let change = if right.security.is_some() {
            "needs no login now"
        } else {
            "needs a login now"
        };
        let class = if right.security.is_some() {
            Class::Behavioural
        } else {
            Class::Breaking
        };
        diff.add(class, id, change);
    }
    set(diff, id, "role", &left.roles, &right.roles);
    set(diff, id, "error status", &left.errors, &right.errors);
    set(
        diff,
        id,
        "success status without content",
        &left.bare,
        &right.bare,
    );
    body(diff, id, left.body.as_deref(), right.body.as_deref());
    parameters(diff, id, old, left, new, right);
    versions(diff, old, left, new, right);
}

/// Compares sets of values whose additions and removals are both behavioural.
fn set<T: Ord + ToString>(diff: &mut Diff, id: &str, name: &str, left: &[T], right: &[T]) {
    let (left, right): (BTreeSet<&T>, BTreeSet<&T>) =
        (left.iter().collect(), right.iter().collect());
    for value in left.difference(&right) {
        diff.add(
            Class::Behavioural,
            id,
            format!("{name} {} removed", value.to_string()),
        );
    }
    for value in right.difference(&left) {
        diff.add(
            Class::Behavioural,
            id,
            format!("{name} {} added", value.to_string()),
        );
    }
}

fn body(diff: &mut Diff, id: &str, left: Option<&str>, right: Option<&str>) {
    if left == right {
        return;
    }
    let class = match (left, right) {
        (_, Some("required")) | (Some(_), None) => Class::Breaking,
        _ => Class::Added,
    };
    let show = |value: Option<&str>| value.unwrap_or("none").to_owned();
    diff.add(
        class,
        id,
        format!(
            "request body changed from {} to {}",
            show(left),
            show(right)
        ),
    );
}

fn parameters(
    diff: &mut Diff,
    id: &str,
    old: &Facts,
    left: &Operation,
    new: &Facts,
    right: &Operation,
) {
    let by_name = |facts: &'_ Facts, operation: &'_ Operation| -> BTreeMap<String, Value> {
        let parameters = operation
            .parameters
            .iter()
            .map(|parameter| facts.parameter(parameter));
        parameters
            .map(|parameter| {
                let field = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
                (
                    format!("{} parameter {}", field("in"), field("name")),
                    parameter.clone(),
                )
            })
            .collect()
    };
    let (before, after) = (by_name(old, left), by_name(new, right));
    let required = |parameter: &Value| parameter["required"] == true;
    for (name, left) in &before {
        let Some(right) = after.get(name) else {
            diff.add(Class::Breaking, id, format!("{name} removed"));
            continue;
        };
        match (required(left), required(right)) {
            (false, true) => diff.add(Class::Breaking, id, format!("{name} became required")),
            (true, false) => diff.add(Class::Added, id, format!("{name} became optional")),
            _ => {}
        }
        if (left["deprecated"] == true) != (right["deprecated"] == true) {
            let change = if right["deprecated"] == true {
                "deprecated"
            } else {
                "supported again"
            };
            diff.add(Class::Behavioural, id, format!("{name} {change}"));
        }
        let (styles, explodes) = ([style(left), style(right)], [explode(left), explode(right)]);
        for (key, same) in [
            ("style", styles[0] == styles[1]),
            ("explode", explodes[0] == explodes[1]),
        ] {
            if !same {
                let change = format!("{name}: {key} changed from {} to {}", left[key], right[key]);
                diff.add(Class::Breaking, id, change);
            }
        }
        let direction = Direction {
            request: true,
            response: false,
        };
        schema::walk(
            diff,
            &Side {
                place: format!("{id} {name}"),
                direction,
                old,
                new,
            },
            &left["schema"],
            &right["schema"],
        );
    }
    for (name, right) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        if required(right) {
            diff.add(Class::Breaking, id, format!("required {name} added"));
        } else {
            diff.add(Class::Added, id, format!("{name} added"));
        }
    }
}

/// The style of a parameter; by default that of OpenAPI.
fn style(parameter: &Value) -> &str {
    let default = if parameter["in"] == "query" {
        "form"
    } else {
        "simple"
    };
    parameter["style"].as_str().unwrap_or(default)
}

/// Whether a list is sent as repeated parameters.
fn explode(parameter: &Value) -> bool {
    let explode = parameter["explode"].as_bool();
    explode.unwrap_or_else(|| style(parameter) == "form")
}

fn versions(diff: &mut Diff, old: &Facts, left: &Operation, new: &Facts, right: &Operation) {
    let id = right.id.as_str();
    for before in &left.versions {
        let Some(after) = right
            .versions
            .iter()
            .find(|after| after.name == before.name)
        else {
            diff.add(
                Class::Breaking,
                id,
                format!("version {} ended", before.name),
            );
            continue;
        };
        let place = format!("{id} {}", after.name);
        if before.sunset != after.sunset {
            let show = |value: &Option<String>| value.as_deref().unwrap_or("none").to_owned();
            let change = format!(
                "sunset changed from {} to {}",
                show(&before.sunset),
                show(&after.sunset)
            );
            diff.add(Class::Behavioural, &place, change);
        }
        if before.preview != after.preview {
            diff.add(Class::Behavioural, &place, "preview changed");
        }
        bodies(diff, old, before, new, after, &place);
    }
    for after in &right.versions {
        if !left.versions.iter().any(|before| before.name == after.name) {
            diff.add(Class::Added, id, format!("version {} added", after.name));
        }
    }
}

fn bodies(
    diff: &mut Diff,
    old: &Facts,
    before: &Version,
    new: &Facts,
    after: &Version,
    place: &str,
) {
    let empty = Formats::new();
    let request = Direction {
        request: true,
        response: false,
    };
    let left = before.request.as_ref().unwrap_or(&empty);
    let right = after.request.as_ref().unwrap_or(&empty);
    formats(
        diff,
        old,
        left,
        new,
        right,
        &format!("{place} request"),
        request,
    );

    let response = Direction {
        request: false,
        response: true,
    };
    let statuses: BTreeSet<&String> = before
        .responses
        .keys()
        .chain(after.responses.keys())
        .collect();
    for status in statuses {
        match (before.responses.get(status), after.responses.get(status)) {
            (Some(left), Some(right)) => {
                formats(
                    diff,
                    old,
                    left,
                    new,
                    right,
                    &format!("{place} {status}"),
                    response,
                );
            }
            (Some(left), None) => {
                // Another status may have the same content.
                let moved = after.responses.iter().any(|(status, formats)| {
                    !before.responses.contains_key(status) && formats == left
                });
                let class = if moved || left.values().all(Value::is_null) {
                    Class::Behavioural
                } else {
                    Class::Breaking
                };
                diff.add(class, place, format!("success status {status} removed"));
            }
            _ => diff.add(
                Class::Behavioural,
                place,
                format!("success status {status} added"),
            ),
        }
    }
}

fn formats(
    diff: &mut Diff,
    old: &Facts,
    left: &Formats,
    new: &Facts,
    right: &Formats,
    place: &str,
    direction: Direction,
) {
    for (format, before) in left {
        let place = format!("{place} {format}");
        let Some(after) = right.get(format) else {
            diff.add(Class::Breaking, place, "format removed");
            continue;
        };
        let names = (before["$ref"].as_str(), after["$ref"].as_str());
        if let (Some(from), Some(to)) = names
            && from != to
        {
            let line = |facts: &Facts, name: &str| {
                facts
                    .schemas
                    .get(name)
                    .map(|schema| canonical::line(schema, Kind::Schema))
            };
            let class = if line(old, from) == line(new, to) {
                Class::Behavioural
            } else {
                Class::Breaking
            };
            diff.add(class, place, format!("schema {from} is now {to}"));
        } else {
            let side = Side {
                place,
                direction,
                old,
                new,
            };
            schema::walk(diff, &side, before, after);
        }
    }
    for format in right.keys().filter(|format| !left.contains_key(*format)) {
        diff.add(Class::Added, format!("{place} {format}"), "format added");
    }
}
