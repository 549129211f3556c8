//! Compares the members of unions and of `allOf`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{Side, walk};
use super::{Class, Diff};

/// Compares members of a union or of `allOf`. References are compared by name. Of the other
/// members, equal ones are paired first, and the rest by position.
pub(super) fn members(
    diff: &mut Diff,
    side: &Side<'_>,
    key: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) {
    let ((old_names, mut old_inline), (new_names, mut new_inline)) = (split(old), split(new));
    for name in old_names.difference(&new_names) {
        diff.add(
            Class::Breaking,
            &side.place,
            format!("{key}: {name} removed"),
        );
    }
    let added = if key == "allOf" {
        Class::Breaking
    } else {
        Class::Added
    };
    for name in new_names.difference(&old_names) {
        diff.add(added, &side.place, format!("{key}: {name} added"));
    }
    let counts = (old_inline.len(), new_inline.len());
    let mut same = Vec::new();
    old_inline.retain(|(index, member)| {
        let equal = new_inline.iter().position(|(_, other)| other == member);
        if let Some(position) = equal {
            same.push((*index, *member));
            new_inline.remove(position);
        }
        equal.is_none()
    });
    if old != new && old_names == new_names && old_inline.is_empty() && new_inline.is_empty() {
        diff.add(
            Class::Behavioural,
            &side.place,
            format!("{key} was reordered"),
        );
    }
    let step = |index: usize| {
        if key == "allOf" {
            String::new()
        } else {
            format!(".{key}[{index}]")
        }
    };
    for (index, member) in same {
        walk(diff, &side.inner(&step(index)), member, member);
    }
    if old_inline.len() == new_inline.len() {
        for ((index, left), (_, right)) in old_inline.iter().zip(&new_inline) {
            walk(diff, &side.inner(&step(*index)), left, right);
        }
        return;
    }
    let class = if old_inline.is_empty() {
        added
    } else {
        Class::Breaking
    };
    let change = format!("{key} has {} inline members, was {}", counts.1, counts.0);
    diff.add(class, &side.place, change);
}

/// Returns the names of referenced schemas, and the other members with their positions among these.
fn split(value: Option<&Value>) -> (BTreeSet<&str>, Vec<(usize, &Value)>) {
    let (mut names, mut inline) = (BTreeSet::new(), Vec::new());
    for member in value.and_then(Value::as_array).into_iter().flatten() {
        match member["$ref"].as_str() {
            Some(name) => {
                names.insert(name);
            }
            None => inline.push((inline.len(), member)),
        }
    }
    (names, inline)
}
