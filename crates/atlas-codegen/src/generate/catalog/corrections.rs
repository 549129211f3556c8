//! Applies `values` of the overrides: undocumented values in recorded responses.

use serde_json::{Value, json};

/// Returns the facts with the undocumented values of recorded responses, as `answers` of each
/// field.
pub(crate) fn corrected(facts: &Value, overrides: &Value) -> Result<Value, String> {
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
        let fields = field.as_object_mut().ok_or_else(unknown)?;
        let mut relaxed = false;
        for keyword in correction["relax"].as_array().into_iter().flatten() {
            let keyword = keyword.as_str().unwrap_or_default();
            if !fields.contains_key(keyword) {
                return Err(format!("{place} has no {keyword} to relax"));
            }
            // Responses have it, whatever direction is documented.
            if keyword == "writeOnly" {
                fields.remove(keyword);
            } else {
                relaxed = true;
            }
        }
        let values = correction["values"].as_array().cloned().unwrap_or_default();
        let documented = fields.get("enum").and_then(Value::as_array);
        let known = |value: &&Value| documented.is_some_and(|known| known.contains(value));
        if let Some(value) = values.iter().find(known) {
            return Err(format!("{place} has the value {value} already"));
        }
        fields.insert(
            "answers".to_owned(),
            json!({"values": values, "relaxed": relaxed}),
        );
    }
    open_placeholders(&mut facts["schemas"]);
    Ok(facts)
}

/// Returns the schema of a field, in a schema or in one of its parts.
fn property<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    if schema["properties"].get(name).is_some() {
        return schema["properties"].get_mut(name);
    }
    let parts = schema.get_mut("allOf")?.as_array_mut()?;
    parts
        .iter_mut()
        .find_map(|part| part.get_mut("properties")?.get_mut(name))
}

/// Removes the documented values if one of them is a placeholder for any text, such as `<a custom
/// role name>`.
fn open_placeholders(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(open_placeholders),
        Value::Object(fields) => {
            let stands_for_any = |value: &Value| {
                let text = value.as_str().unwrap_or_default();
                text.len() > 2 && text.starts_with('<') && text.ends_with('>')
            };
            let values = fields.get("enum").and_then(Value::as_array);
            if values.is_some_and(|values| values.iter().any(stands_for_any)) {
                fields.remove("enum");
            }
            fields.values_mut().for_each(open_placeholders);
        }
        _ => {}
    }
}
