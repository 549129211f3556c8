//! Compares which fields a caller must send, and which it can rely on.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::Side;
use super::{Class, Diff};
use crate::facts::Facts;

/// Compares the required fields of two schemas, even if `required` itself is equal: a field that is
/// no longer read-only becomes required in requests.
pub(super) fn required(diff: &mut Diff, side: &Side<'_>, left: &Value, right: &Value) {
    let (before, after) = (names(left), names(right));
    let sent = |facts, schema, names: &BTreeSet<_>| without(facts, schema, names, "readOnly");
    let (sent_before, sent_after) = (sent(side.old, left, &before), sent(side.new, right, &after));
    let answered = |facts, schema, names: &BTreeSet<_>| without(facts, schema, names, "writeOnly");
    let (answered_before, answered_after) = (
        answered(side.old, left, &before),
        answered(side.new, right, &after),
    );
    let place = |name: &str| side.inner(&format!(".{name}")).place;
    for name in after.union(&before) {
        let must_send = sent_after.contains(name) && !sent_before.contains(name);
        if side.direction.request && must_send {
            diff.add(Class::Breaking, place(name), "became required");
        } else if after.contains(name) && !before.contains(name) {
            diff.add(Class::Behavioural, place(name), "became required");
        }
        // The removal of a field is reported elsewhere.
        let gone = has(side.old, left, name) && !has(side.new, right, name);
        let may_lack = answered_before.contains(name) && !answered_after.contains(name);
        if side.direction.response && may_lack && !gone {
            diff.add(Class::Breaking, place(name), "became optional");
        } else if before.contains(name) && !after.contains(name) {
            let class = if side.direction.response {
                Class::Behavioural
            } else {
                Class::Added
            };
            diff.add(class, place(name), "became optional");
        }
    }
}

fn names(schema: &Value) -> BTreeSet<&str> {
    let names = schema["required"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// Returns the names of fields without the keyword.
fn without<'a>(
    facts: &Facts,
    schema: &Value,
    names: &BTreeSet<&'a str>,
    keyword: &str,
) -> BTreeSet<&'a str> {
    let names = names.iter().copied();
    names
        .filter(|name| {
            let marked = |field: &Value| resolved(facts, field)[keyword] == true;
            !fields(facts, schema, name, MAX_DEPTH)
                .into_iter()
                .any(marked)
        })
        .collect()
}

fn has(facts: &Facts, schema: &Value, name: &str) -> bool {
    !fields(facts, schema, name, MAX_DEPTH).is_empty()
}

/// Returns the schemas of a field, in a schema and in its parts.
fn fields<'a>(facts: &'a Facts, schema: &'a Value, name: &str, depth: usize) -> Vec<&'a Value> {
    let schema = resolved(facts, schema);
    let mut found: Vec<&Value> = schema["properties"].get(name).into_iter().collect();
    if depth > 0 {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            found.extend(fields(facts, part, name, depth - 1));
        }
    }
    found
}

fn resolved<'a>(facts: &'a Facts, mut schema: &'a Value) -> &'a Value {
    for _ in 0..MAX_DEPTH {
        let Some(target) = schema["$ref"]
            .as_str()
            .and_then(|name| facts.schemas.get(name))
        else {
            break;
        };
        schema = target;
    }
    schema
}

/// The maximum depth of references and parts; the published description has two levels.
const MAX_DEPTH: usize = 8;
