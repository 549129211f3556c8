//! The facts in packed form: schemas by number, shared parameters inlined.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The fields of an operation in the index, which its details omit.
const INDEXED: [&str; 7] = [
    "id",
    "tag",
    "path",
    "method",
    "short",
    "deprecated",
    "security",
];
/// The fields that names are derived from; they are not needed later.
const UNUSED: [&str; 2] = ["verb", "custom"];

/// Facts with numbers as references.
pub(super) struct Numbered<'a> {
    pub(super) schemas: &'a BTreeMap<&'a str, usize>,
    pub(super) parameters: Option<&'a Map<String, Value>>,
}

impl Numbered<'_> {
    /// Returns the details of an operation: the fields that the index lacks.
    pub(super) fn details(&self, facts: &Value, watch: Option<&Value>) -> Result<Value, String> {
        let mut details = Map::new();
        for (key, value) in facts.as_object().into_iter().flatten() {
            if INDEXED.contains(&key.as_str()) || UNUSED.contains(&key.as_str()) {
                continue;
            }
            let value = if key == "parameters" {
                let given = value.as_array().into_iter().flatten();
                let resolved = given.map(|one| self.parameter(one));
                Value::Array(resolved.collect::<Result<_, _>>()?)
            } else {
                self.number(value)?
            };
            details.insert(key.clone(), value);
        }
        if let Some(watch) = watch.and_then(Value::as_object) {
            let mut watch = watch.clone();
            watch.remove("id");
            details.insert("watch".to_owned(), Value::Object(watch));
        }
        Ok(Value::Object(details))
    }

    fn parameter(&self, given: &Value) -> Result<Value, String> {
        let given = match given["$ref"].as_str() {
            Some(name) => self
                .parameters
                .and_then(|shared| shared.get(name))
                .ok_or_else(|| format!("unknown shared parameter {name:?}"))?,
            None => given,
        };
        let mut parameter = self.number(given)?;
        if let Some(fields) = parameter.as_object_mut() {
            // In a query, the default is one parameter for each element of an array.
            let in_query = given["in"] == "query";
            let default = if in_query { "form" } else { "simple" };
            let style = fields.remove("style").unwrap_or(default.into());
            let explode = fields.remove("explode").unwrap_or(in_query.into());
            if style != default || explode != in_query {
                let name = &given["name"];
                return Err(format!(
                    "parameter {name} has an unsupported style: expected {default}, explode {in_query}"
                ));
            }
        }
        Ok(parameter)
    }

    pub(super) fn schema(&self, name: &str, schema: &Value) -> Result<Value, String> {
        let mut schema = self.number(schema)?;
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("name".to_owned(), name.into());
        }
        Ok(schema)
    }

    /// Replaces schemas by numbers, in references and in the mappings of discriminators.
    fn number(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.number(item));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut numbered = Map::new();
                for (key, value) in fields {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(name)) => self.of(name)?,
                        ("mapping", Value::Object(names)) => {
                            let pairs = names.iter().map(|(tag, name)| {
                                let name = name.as_str().unwrap_or_default();
                                Ok((tag.clone(), self.of(name)?))
                            });
                            Value::Object(pairs.collect::<Result<_, String>>()?)
                        }
                        // Names of fields are not keywords.
                        ("properties", Value::Object(fields)) => {
                            let fields = fields
                                .iter()
                                .map(|(name, schema)| Ok((name.clone(), self.number(schema)?)));
                            Value::Object(fields.collect::<Result<_, String>>()?)
                        }
                        ("enum" | "default", value) => value.clone(),
                        (_, value) => self.number(value)?,
                    };
                    numbered.insert(key.clone(), value);
                }
                Value::Object(numbered)
            }
            other => other.clone(),
        })
    }

    fn of(&self, name: &str) -> Result<Value, String> {
        let number = self.schemas.get(name);
        let number = number.ok_or_else(|| format!("unknown schema {name:?}"))?;
        Ok((*number).into())
    }
}
