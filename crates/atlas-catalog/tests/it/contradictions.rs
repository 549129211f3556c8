//! Contradictions in the description, which no value satisfies.

use serde_json::{Value, json};

/// Adds discriminator values to the fields whose schemas do not list them.
pub(crate) fn list_tags(facts: &mut Value) {
    let given = facts.clone();
    let mut tags = Vec::new();
    discriminators(&facts["schemas"], &mut |discriminator| {
        let property = discriminator["propertyName"].as_str().unwrap();
        for (value, name) in discriminator["mapping"].as_object().unwrap() {
            tags.push((
                name.as_str().unwrap().to_owned(),
                property.to_owned(),
                value.clone(),
            ));
        }
    });
    for (name, property, value) in tags {
        list(&mut facts["schemas"][&name], &property, &value, &given);
    }
    let schemas = facts["schemas"].as_object_mut().unwrap();
    for schema in schemas.values_mut() {
        let discriminator = schema["discriminator"].clone();
        let Some(mapping) = discriminator["mapping"].as_object() else {
            continue;
        };
        for value in mapping.keys() {
            let property = discriminator["propertyName"].as_str().unwrap();
            list(schema, property, value, &given);
        }
    }
}

fn list(schema: &mut Value, property: &str, value: &str, given: &Value) {
    let field = schema.pointer_mut(&format!("/properties/{property}"));
    let none = &mut Value::Null;
    let field = field.unwrap_or(none);
    let values = choices(field, given).into_iter().cloned();
    let mut values: Vec<Value> = values.collect();
    if !values.is_empty() && !values.iter().any(|known| known == value) {
        values.push(value.into());
        let read_only = field["readOnly"] == true;
        *field = json!({"enum": values, "readOnly": read_only, "type": "string"});
    }
    let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        list(part, property, value, given);
    }
}

fn discriminators(value: &Value, found: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| discriminators(item, found)),
        Value::Object(fields) => {
            if let Some(discriminator) = fields.get("discriminator")
                && discriminator["mapping"].is_object()
            {
                found(discriminator);
            }
            fields
                .values()
                .for_each(|inner| discriminators(inner, found));
        }
        _ => {}
    }
}

/// The tags in which the selected forms list other values for some fields than the discriminators.
/// The catalog uses the values of the form; JSON Schema accepts none.
pub(crate) const TAGS: [&str; 3] = ["Alert Configurations", "Alerts", "Events"];

/// The facts without lists of values.
pub(crate) fn without_values(facts: &Value) -> Value {
    match facts {
        Value::Array(items) => items.iter().map(without_values).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .filter(|(key, value)| *key != "enum" || !value.is_array());
            let kept = fields.map(|(key, value)| (key.clone(), without_values(value)));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

fn choices<'a>(schema: &'a Value, facts: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = schema["$ref"].as_str() {
        return choices(&facts["schemas"][name], facts);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().collect();
    }
    let members = ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema[*key].as_array());
    let members = members.into_iter().flatten();
    members.flat_map(|member| choices(member, facts)).collect()
}
