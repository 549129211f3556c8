//! Reads `fixtures/world.json`: the variables of examples and cases.

use std::collections::BTreeMap;

use serde_json::Value;

/// The resources of the default world by variable.
#[derive(Debug)]
pub(crate) struct World(BTreeMap<String, String>);

impl World {
    /// Reads the file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// Replaces each `${name}` in a text. Unknown names are kept.
    pub(crate) fn fill(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("${") else {
            return text.to_owned();
        };
        let Some((name, after)) = rest.split_once('}') else {
            return text.to_owned();
        };
        let value = match self.0.get(name) {
            Some(value) => value.clone(),
            None => format!("${{{name}}}"),
        };
        format!("{before}{value}{}", self.fill(after))
    }

    /// Replaces each `${name}` in every text of a value.
    pub(crate) fn fill_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill(text).into(),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.fill_json(value)))
                .collect(),
            other => other.clone(),
        }
    }
}
