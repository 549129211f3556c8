//! Combines schemas that apply together: values, types and fields.

use atlas_catalog::{Kind, Schema};
use serde_json::Value;

use crate::scalar::choice;

/// Returns the values that all schemas document, or those of the last one if there are none.
pub(crate) fn common<'a>(schemas: &[&'a Schema]) -> Vec<&'a Value> {
    let mut all: Vec<Vec<&Value>> = schemas.iter().map(|schema| schema.choices()).collect();
    all.retain(|choices| !choices.is_empty());
    let Some(last) = all.last().cloned() else {
        return Vec::new();
    };
    let shared = |value: &&&Value| all.iter().all(|choices| choices.contains(*value));
    let shared: Vec<&Value> = last.iter().filter(shared).copied().collect();
    if shared.is_empty() { last } else { shared }
}

pub(crate) fn kind(schema: &Schema) -> Option<Kind> {
    let is_object = !schema.properties.is_empty()
        || !schema.all_of.is_empty()
        || schema.additional_properties.is_some()
        || schema.discriminator.is_some();
    schema.kind.or(is_object.then_some(Kind::Object))
}

/// Returns the schemas that an object is composed of, and the values of their discriminators.
pub(crate) fn parts<'a>(schemas: &[&'a Schema]) -> (Vec<&'a Schema>, Vec<(String, String)>) {
    let mut parts: Vec<&Schema> = Vec::new();
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut chosen: Vec<&Schema> = schemas.iter().rev().copied().collect();
    while let Some(schema) = chosen.pop() {
        for part in schema.parts() {
            if !parts.iter().any(|known| std::ptr::eq(*known, part)) {
                parts.push(part);
            }
        }
        let Some(discriminator) = &schema.discriminator else {
            continue;
        };
        let name = &discriminator.property_name;
        if tags.iter().any(|(tag, _)| tag == name) {
            continue;
        }
        let keys: Vec<Value> = discriminator
            .mapping
            .keys()
            .cloned()
            .map(Value::String)
            .collect();
        let keys: Vec<&Value> = keys.iter().collect();
        let Some(value) = keys.first().map(|_| choice(&keys)).and_then(Value::as_str) else {
            continue;
        };
        tags.push((name.clone(), value.to_owned()));
        if let Some(next) = discriminator.mapping.get(value) {
            let next = next.get();
            if !parts.iter().any(|known| std::ptr::eq(*known, next)) {
                chosen.push(next);
            }
        }
    }
    (parts, tags)
}
