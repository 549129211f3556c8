//! Reads `fixtures/examples-overrides.json`: corrections of examples that would make no sense.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Corrections of examples.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    fields: BTreeMap<String, Value>,
    parameters: BTreeMap<String, String>,
    requests: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
}

impl Overrides {
    /// Reads the corrections; the error names the invalid row.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut overrides = Self::default();
        let file = file.as_object().ok_or("expected an object")?;
        for (table, rows) in file {
            for row in rows.as_array().ok_or(format!("{table}: expected a list"))? {
                overrides
                    .add(table, row)
                    .map_err(|wrong| format!("{table}: {wrong} in {row}"))?;
            }
        }
        Ok(overrides)
    }

    fn add(&mut self, table: &str, row: &Value) -> Result<(), &'static str> {
        let reason = row["reason"].as_str().unwrap_or_default();
        if reason.is_empty() {
            return Err("missing reason");
        }
        let value = row.get("value").ok_or("missing value")?.clone();
        let key = |name: &str| row[name].as_str().map(str::to_owned);
        let twice = match table {
            "fields" => {
                let key = key("field").ok_or("missing field")?;
                self.fields.insert(key, value).is_some()
            }
            "parameters" => {
                let key = key("parameter").ok_or("missing parameter")?;
                let value = value.as_str().ok_or("the value is not a string")?;
                self.parameters.insert(key, value.to_owned()).is_some()
            }
            "requests" => {
                let key = key("operation").ok_or("missing operation")?;
                self.requests.insert(key, value).is_some()
            }
            "responses" => {
                let key = key("operation").ok_or("missing operation")?;
                self.responses.insert(key, value).is_some()
            }
            _ => return Err("unknown table"),
        };
        if twice { Err("duplicate row") } else { Ok(()) }
    }

    /// Returns the value of a field, by `Schema.field` or by `field`.
    pub(crate) fn field(&self, schema: Option<&str>, field: &str) -> Option<&Value> {
        let named = schema.and_then(|schema| self.fields.get(&format!("{schema}.{field}")));
        named.or_else(|| self.fields.get(field))
    }

    /// Returns the value of a parameter, by `operation.parameter` or by `parameter`.
    pub(crate) fn parameter(&self, operation: &str, parameter: &str) -> Option<&str> {
        let named = self.parameters.get(&format!("{operation}.{parameter}"));
        let value = named.or_else(|| self.parameters.get(parameter));
        value.map(String::as_str)
    }

    /// Returns the complete request body of an operation.
    pub(crate) fn request(&self, operation: &str, version: &str) -> Option<&Value> {
        row(&self.requests, operation, version)
    }

    /// Applies the merge patch of the operation (RFC 7396) to a response body.
    pub(crate) fn correct_response(&self, operation: &str, version: &str, body: &mut Value) {
        if let Some(patch) = row(&self.responses, operation, version) {
            merge(body, patch);
        }
    }

    /// Returns the operations that have a row.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        let rows = self.requests.keys().chain(self.responses.keys());
        rows.map(|key| key.split('@').next().unwrap_or(key))
    }
}

/// Returns the row `operation@version`, or else the row `operation`.
fn row<'a>(rows: &'a BTreeMap<String, Value>, operation: &str, version: &str) -> Option<&'a Value> {
    let named = rows.get(&format!("{operation}@{version}"));
    named.or_else(|| rows.get(operation))
}

/// Applies a merge patch (RFC 7396): its fields replace those of the target, null removes.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_replaces_and_null_removes() {
        let mut body = json!({"a": {"b": 1, "c": 2}, "d": [1], "e": 1});
        merge(
            &mut body,
            &json!({"a": {"b": null, "x": 3}, "d": [2], "e": {"f": null}}),
        );
        assert_eq!(body, json!({"a": {"c": 2, "x": 3}, "d": [2], "e": {}}));
    }

    #[test]
    fn a_row_without_a_reason_and_a_duplicate_row_are_refused() {
        let row = |rows: &str| Overrides::read(&format!("{{\"fields\": [{rows}]}}"));
        assert!(row(r#"{"field": "a", "value": 1, "reason": "b"}"#).is_ok());
        let missing = row(r#"{"field": "a", "value": 1}"#).unwrap_err();
        assert!(missing.contains("missing reason"), "{missing}");
        let one = r#"{"field": "a", "value": 1, "reason": "b"}"#;
        let twice = row(&format!("{one}, {one}")).unwrap_err();
        assert!(twice.contains("duplicate row"), "{twice}");
    }

    #[test]
    fn the_row_of_a_version_overrides_the_row_of_its_operation() {
        let rows = r#"{"requests": [
            {"operation": "a", "value": {"x": 1}, "reason": "b"},
            {"operation": "a@2023-01-01", "value": {"x": 2}, "reason": "b"}]}"#;
        let overrides = Overrides::read(rows).unwrap();
        let of = |version| overrides.request("a", version);
        assert_eq!(of("2023-01-01"), Some(&json!({"x": 2})));
        assert_eq!(of("2024-01-01"), Some(&json!({"x": 1})));
    }
}
