//! Applies `values` of the overrides: what recordings show and the description does not.

use serde_json::{Value, json};

/// The facts with the values that recordings show and the description does not.
pub(super) fn corrected(facts: &Value, overrides: &Value) -> Result<Value, String> {
    let mut facts = facts.clone();
    for (place, correction) in overrides["values"].as_object().into_iter().flatten() {
        let unknown = || format!("{place} is not a field of a schema");
        let (name, field) = place.split_once('.').ok_or_else(unknown)?;
        let schema = facts["schemas"].get_mut(name).ok_or_else(unknown)?;
        let (field, element) = match field.strip_suffix("[]") {
            Some(field) => (field, true),
            None => (field, false),
        };
        let mut field = property(schema, field).ok_or_else(unknown)?;
        if element {
            field = field.get_mut("items").ok_or_else(unknown)?;
        }
        for keyword in correction["relax"].as_array().into_iter().flatten() {
            let keyword = keyword.as_str().unwrap_or_default();
            let removed = field
                .as_object_mut()
                .and_then(|field| field.remove(keyword));
            removed.ok_or_else(|| format!("{place} has no {keyword} to relax"))?;
        }
        let more = correction["values"].as_array().into_iter().flatten();
        add_values(field, more, place)?;
    }
    Ok(facts)
}

/// The schema of a field, in a schema or in one of the parts it is composed of.
fn property<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    if schema["properties"].get(name).is_some() {
        return schema["properties"].get_mut(name);
    }
    let parts = schema.get_mut("allOf")?.as_array_mut()?;
    parts
        .iter_mut()
        .find_map(|part| part.get_mut("properties")?.get_mut(name))
}

/// Adds values to an enum, or to the first one of a union of enums.
fn add_values<'a>(
    field: &mut Value,
    values: impl Iterator<Item = &'a Value>,
    place: &str,
) -> Result<(), String> {
    let values: Vec<&Value> = values.collect();
    if values.is_empty() {
        return Ok(());
    }
    if let Some(name) = field["$ref"].as_str().map(str::to_owned) {
        // Only this field has the values, not every one that refers to the schema.
        let fields = field
            .as_object_mut()
            .ok_or("a field that is not a schema")?;
        fields.remove("$ref");
        let more = json!({"enum": values, "type": "string"});
        fields.insert("anyOf".to_owned(), json!([{"$ref": name}, more]));
        return Ok(());
    }
    let target = if field["enum"].is_array() {
        field.get_mut("enum")
    } else {
        let members = field.get_mut("oneOf").and_then(Value::as_array_mut);
        members.and_then(|members| members.iter_mut().find_map(|one| one.get_mut("enum")))
    };
    let target = target.and_then(Value::as_array_mut);
    let target = target.ok_or_else(|| format!("{place} has no values to add to"))?;
    for value in values {
        if target.contains(value) {
            return Err(format!("{place} has the value {value} already"));
        }
        target.push(value.clone());
    }
    Ok(())
}
