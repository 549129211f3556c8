//! Removes secrets from the requests of the journal, by the catalog's schemas and by names.

use std::borrow::Cow;

use atlas_catalog::{Additional, Operation, Schema};
use serde_json::{Map, Value};

use super::urls;
use crate::secret_names::{is_secret_name, may_mention, names_an_object};

/// The replacement of a secret.
pub(super) const REDACTED: &str = "(redacted)";

/// A body as the journal shows it.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) value: Option<Value>,
    /// The reason why a body is not shown.
    pub(super) omitted: Option<String>,
}

impl Shown {
    pub(super) fn omitted(reason: String) -> Self {
        Self {
            value: None,
            omitted: Some(reason),
        }
    }

    fn value(value: Value) -> Self {
        Self {
            value: Some(value),
            omitted: None,
        }
    }
}

/// A body without secret values.
pub(super) fn body(
    body: &[u8],
    content_type: &str,
    operation: impl FnOnce() -> Option<Operation>,
) -> Shown {
    if body.is_empty() {
        return Shown::default();
    }
    if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        hide_nameless(&mut value);
        let operation = operation();
        let versions = operation.map_or(&[][..], Operation::versions).iter();
        let schemas = versions.filter_map(|version| version.request_schema());
        let schemas: Vec<&Schema> = schemas.map(Schema::resolve).collect();
        json(&mut value, &schemas);
        let webhook = operation.is_some_and(|it| WITH_WEBHOOKS.contains(&it.id()));
        if let Some(url) = value.get_mut("url").filter(|it| webhook && it.is_string()) {
            *url = REDACTED.into();
        }
        return Shown::value(value);
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Shown::value(form(body));
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return Shown::omitted("body is neither JSON nor text".to_owned());
    };
    // Secrets cannot be located in a text that cannot be parsed.
    if may_mention(text) {
        return Shown::omitted("body is not JSON and may contain a secret".to_owned());
    }
    Shown::value(urls::text(text).into())
}

/// The operations with a webhook URL in their body. That URL is a secret: it needs no login.
const WITH_WEBHOOKS: [&str; 2] = ["createGroupIntegration", "updateGroupIntegration"];

/// Replaces the strings outside of objects: they have no name that shows whether they are secret.
fn hide_nameless(value: &mut Value) {
    match value {
        Value::String(_) => *value = REDACTED.into(),
        Value::Array(elements) => elements.iter_mut().for_each(hide_nameless),
        _ => {}
    }
}

/// A form as an object; a repeated name has an array. A part without `=` is a value without a name.
fn form(body: &[u8]) -> Value {
    let mut shown: Map<String, Value> = Map::new();
    for part in body.split(|byte| *byte == b'&') {
        let Some((name, value)) = form_urlencoded::parse(part).next() else {
            continue;
        };
        let is_named = part.contains(&b'=');
        let name = if is_named { name } else { Cow::Borrowed("") };
        let value = if !is_named || is_secret_name(&name) {
            REDACTED.into()
        } else {
            Value::from(urls::text(&value))
        };
        match shown.get_mut(&*name) {
            None => {
                shown.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(shown)
}

/// Replaces the secret values in JSON that may match any of the schemas.
fn json(value: &mut Value, schemas: &[&Schema]) {
    match value {
        Value::Object(fields) => {
            let parts = parts(schemas);
            for (name, value) in fields {
                let of_field: Vec<&Schema> = parts
                    .iter()
                    .filter_map(|part| field(part, name))
                    .map(Schema::resolve)
                    .collect();
                let named = is_secret_name(name) && !(value.is_object() && names_an_object(name));
                let secret = named || of_field.iter().any(|it| is_password(it));
                if secret && !matches!(value, Value::Null | Value::Bool(_)) {
                    *value = REDACTED.into();
                } else {
                    json(value, &of_field);
                }
            }
        }
        Value::Array(elements) => {
            let of_elements: Vec<&Schema> = parts(schemas)
                .iter()
                .filter_map(|part| part.items.as_deref())
                .map(Schema::resolve)
                .collect();
            let secret = of_elements.iter().any(|it| is_password(it));
            for element in elements {
                if secret {
                    *element = REDACTED.into();
                } else {
                    json(element, &of_elements);
                }
            }
        }
        Value::String(text) => {
            if let Cow::Owned(shown) = urls::text(text) {
                *text = shown;
            }
        }
        _ => {}
    }
}

/// Whether a schema marks a value as a password. `writeOnly` is no sign of it: regions and comments
/// have it.
fn is_password(schema: &Schema) -> bool {
    schema.format.as_deref() == Some("password")
}

/// The schema of a field of an object.
fn field<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    let further = || match &schema.additional_properties {
        Some(Additional::Schema(schema)) => Some(&**schema),
        _ => None,
    };
    schema.properties.get(name).or_else(further)
}

/// The schemas and all schemas that they are composed of.
fn parts<'a>(schemas: &[&'a Schema]) -> Vec<&'a Schema> {
    let mut parts: Vec<&Schema> = schemas.to_vec();
    let mut next = 0;
    while let Some(part) = parts.get(next).copied() {
        next += 1;
        let members = part.all_of.iter().chain(&part.one_of).chain(&part.any_of);
        for member in members.map(Schema::resolve) {
            if !parts.iter().any(|known| std::ptr::eq(*known, member)) {
                parts.push(member);
            }
        }
    }
    parts
}
