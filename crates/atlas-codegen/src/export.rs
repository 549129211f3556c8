//! Writes the facts as an OpenAPI 3.0 description. `import` with the same date turns it back into
//! the same facts.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::canonical::Kind;
use crate::facts::{Facts, Operation, Verb, Version};

/// Returns the description of `facts`. Its few sentences are templates of this project.
pub(crate) fn export(facts: &Facts) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut errors: BTreeSet<u16> = BTreeSet::new();
    for operation in &facts.operations {
        errors.extend(&operation.errors);
        let item = paths
            .entry(operation.path.clone())
            .or_insert_with(|| json!({}));
        item[operation.method.to_lowercase()] = self::operation(operation);
    }
    let responses: Map<String, Value> = errors
        .into_iter()
        .map(|status| {
            (
                format!("error{status}"),
                json!({"description": format!("Error {status}.")}),
            )
        })
        .collect();
    let named = |values: &std::collections::BTreeMap<String, Value>, kind| {
        values
            .iter()
            .map(|(name, value)| (name.clone(), prefixed(value, kind)))
            .collect()
    };
    let parameters: Map<String, Value> = named(&facts.parameters, Kind::Parameter);
    let schemas: Map<String, Value> = named(&facts.schemas, Kind::Schema);
    let list = |key: &str, values: &[String]| {
        values
            .iter()
            .map(|value| json!({ key: value }))
            .collect::<Vec<Value>>()
    };
    json!({
        "openapi": facts.openapi,
        "info": {
            "title": "Facts of the Atlas Administration API",
            "version": "2.0",
            "x-xgen-sha": facts.source,
        },
        "servers": list("url", &facts.servers),
        "tags": list("name", &facts.tags),
        "paths": paths,
        "components": {"parameters": parameters, "responses": responses, "schemas": schemas},
    })
}

fn operation(operation: &Operation) -> Value {
    let mut out = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "parameters": operation
            .parameters
            .iter()
            .map(|parameter| match parameter.get("$ref").and_then(Value::as_str) {
                Some(name) => json!({"$ref": format!("#/components/parameters/{name}")}),
                None => prefixed(parameter, Kind::Parameter),
            })
            .collect::<Vec<Value>>(),
        "responses": responses(operation),
    });
    if let Some(short) = &operation.short {
        out["x-xgen-operation-id-override"] = json!(short);
    }
    if operation.verb != Verb::Absent {
        let mut verb = json!({"customMethod": operation.custom});
        if let Verb::Named(name) = &operation.verb {
            verb["verb"] = json!(name);
        }
        out["x-xgen-method-verb-override"] = verb;
    }
    if operation.deprecated {
        out["deprecated"] = json!(true);
    }
    if let Some(security) = &operation.security {
        out["security"] = security.clone();
    }
    if !operation.roles.is_empty() {
        let roles: Vec<String> = operation
            .roles
            .iter()
            .map(|role| format!("the {role} role"))
            .collect();
        out["description"] = json!(format!("The caller must have {}.", roles.join(" or ")));
    }
    if let Some(body) = &operation.body {
        let mut content = Map::new();
        for version in &operation.versions {
            for (format, schema) in version.request.iter().flatten() {
                content.insert(media_type(version, format), media(version, schema));
            }
        }
        out["requestBody"] = json!({"content": content, "required": body == "required"});
    }
    out
}

fn responses(operation: &Operation) -> Value {
    let mut out = Map::new();
    for status in &operation.errors {
        let reference = format!("#/components/responses/error{status}");
        out.insert(status.to_string(), json!({"$ref": reference}));
    }
    for status in &operation.bare {
        out.insert(status.to_string(), json!({"description": "Done."}));
    }
    for version in &operation.versions {
        for (status, formats) in &version.responses {
            let response = out
                .entry(status.clone())
                .or_insert_with(|| json!({"description": "Done.", "content": {}}));
            for (format, schema) in formats {
                response["content"][media_type(version, format)] = media(version, schema);
            }
        }
    }
    out.into()
}

fn media_type(version: &Version, format: &str) -> String {
    format!("application/vnd.atlas.{}+{format}", version.name)
}

fn media(version: &Version, schema: &Value) -> Value {
    let mut out = json!({"x-xgen-version": version.name});
    if !schema.is_null() {
        out["schema"] = prefixed(schema, Kind::Schema);
    }
    if let Some(sunset) = &version.sunset {
        out["x-sunset"] = json!(sunset);
    }
    if let Some(preview) = &version.preview {
        out["x-xgen-preview"] = preview.clone();
    }
    out
}

/// Copies a value with the prefix that OpenAPI requires in references.
fn prefixed(value: &Value, kind: Kind) -> Value {
    let reference = |name: &Value| {
        json!(format!(
            "#/components/schemas/{}",
            name.as_str().unwrap_or_default()
        ))
    };
    match (kind, value) {
        (_, Value::Array(list)) => list
            .iter()
            .map(|value| prefixed(value, kind.element()))
            .collect(),
        (Kind::Schema, Value::Object(map)) if map.contains_key("$ref") => {
            json!({"$ref": reference(&map["$ref"])})
        }
        (Kind::Discriminator, Value::Object(map)) => {
            let mut out = map.clone();
            if let Some(Value::Object(mapping)) = out.get_mut("mapping") {
                for name in mapping.values_mut() {
                    *name = reference(name);
                }
            }
            out.into()
        }
        (Kind::Plain, _) => value.clone(),
        (_, Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (key.clone(), prefixed(value, kind.child(key))))
            .collect::<Map<String, Value>>()
            .into(),
        _ => value.clone(),
    }
}
