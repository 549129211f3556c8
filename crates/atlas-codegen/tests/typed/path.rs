//! Locations within a JSON value.

use std::fmt::Write as _;

use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Field(String),
    Element(usize),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    pub(crate) fn field(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Field(name.to_owned()));
        path
    }

    /// Formats it like a deviation: `results[0].id`.
    pub(crate) fn as_deviation(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => write!(text, ".{name}").unwrap(),
                Step::Element(index) => write!(text, "[{index}]").unwrap(),
            }
        }
        text
    }

    /// Formats it like the catalog: `$.results[0].id`.
    pub(crate) fn as_violation(&self) -> String {
        let mut text = "$".to_owned();
        for step in &self.0 {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            match step {
                Step::Field(name) if name.chars().all(plain) => write!(text, ".{name}").unwrap(),
                Step::Field(name) => write!(text, "[{name:?}]").unwrap(),
                Step::Element(index) => write!(text, "[{index}]").unwrap(),
            }
        }
        text
    }

    pub(crate) fn starts_with(&self, start: &Self) -> bool {
        self.0.starts_with(&start.0)
    }

    /// Returns the value at this location.
    pub(crate) fn of<'a>(&self, value: &'a mut Value) -> &'a mut Value {
        self.0.iter().fold(value, |value, step| match step {
            Step::Field(name) => &mut value[name],
            Step::Element(index) => &mut value[*index],
        })
    }

    /// Removes the value at this location from its object or list.
    pub(crate) fn remove(&self, value: &mut Value) {
        let (last, parent) = self.0.split_last().unwrap();
        match (last, Self(parent.to_vec()).of(value)) {
            (Step::Field(name), Value::Object(fields)) => {
                fields.remove(name).unwrap();
            }
            (Step::Element(index), Value::Array(elements)) => {
                elements.remove(*index);
            }
            _ => panic!("nothing at {self:?}"),
        }
    }
}

/// Whether two values are equal; `5` and `5.0` are.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let one = |(name, a)| b.get(name).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(one)
        }
        _ => a == b,
    }
}

/// Returns the first difference of two values.
pub(crate) fn difference(a: &Value, b: &Value) -> String {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            let differ = pairs.find(|(_, (a, b))| !same(a, b));
            differ.map_or_else(String::new, |(index, (a, b))| {
                format!("[{index}]{}", difference(a, b))
            })
        }
        (Value::Object(a), Value::Object(b)) => {
            let null = Value::Null;
            let mut names = a.keys().chain(b.keys());
            let value = |from: &'_ serde_json::Map<String, Value>, name: &str| {
                from.get(name).unwrap_or(&null).clone()
            };
            let differ = names.find(|name| !same(&value(a, name), &value(b, name)));
            differ.map_or_else(String::new, |name| {
                format!(".{name}{}", difference(&value(a, name), &value(b, name)))
            })
        }
        _ => format!(": {a} became {b}"),
    }
}
