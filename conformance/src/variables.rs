//! Variables for the values that differ between servers: `${owner.token}`, `${project}`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::case::{Predicate, Predicates};
use crate::fixtures::{FixtureError, embedded};

/// The values of `${name}` by name.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Returns the values of the sandbox's default world, from `fixtures/world.json`.
    ///
    /// # Errors
    /// Returns a [`FixtureError`] if the embedded file is invalid.
    pub fn default_world() -> Result<Self, FixtureError> {
        Ok(Self(embedded("world.json")?))
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Whether cases may use a variable of this name.
    pub fn is_known(&self, name: &str) -> bool {
        name == "control.token" || self.0.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Replaces the variables in a text. Unknown ones are kept.
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

    /// Replaces the variables in every text of a value.
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

    /// Replaces the variables in predicates.
    pub(crate) fn fill_predicates(&self, expect: &Predicates) -> Predicates {
        let mut expect = expect.clone();
        for value in expect.headers.values_mut() {
            *value = self.fill_json(value);
        }
        for text in &mut expect.body_without {
            *text = self.fill(text);
        }
        for predicate in expect.json.values_mut() {
            match predicate {
                Predicate::Equals(value) | Predicate::Not(value) => *value = self.fill_json(value),
                Predicate::OneOf(values) => {
                    for value in values {
                        *value = self.fill_json(value);
                    }
                }
                Predicate::Contains(texts) => {
                    for text in texts {
                        *text = self.fill(text);
                    }
                }
                _ => {}
            }
        }
        for text in expect.parameters.iter_mut().flatten().flatten() {
            *text = self.fill(text);
        }
        expect
    }

    /// Returns the values that reports must not show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let is_secret = |name: &str| {
            let kinds = ["token", "private", "secret", "basic", "password"];
            kinds.iter().any(|kind| name.ends_with(kind))
        };
        let secrets = self.0.iter().filter(|(name, _)| is_secret(name));
        secrets.map(|(_, value)| value.clone()).collect()
    }
}
