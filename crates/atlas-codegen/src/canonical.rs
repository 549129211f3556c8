//! Writes JSON in a canonical form: no spaces, sorted keys, one entry per line in reviewed files.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The kind of a value, which determines the order of its keys and the kind of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any JSON; keys are sorted.
    Plain,
    /// A parameter of an operation.
    Parameter,
    /// A schema.
    Schema,
    /// A list of schemas.
    Union,
    /// An object that holds schemas by name.
    Schemas,
    /// A discriminator: the property's name is written before the mapping.
    Discriminator,
}

impl Kind {
    /// The kind of the value under `key`.
    pub(crate) fn child(self, key: &str) -> Self {
        match (self, key) {
            (Self::Parameter, "schema")
            | (Self::Schemas, _)
            | (Self::Schema, "items" | "additionalProperties" | "not") => Self::Schema,
            (Self::Schema, "oneOf" | "anyOf" | "allOf") => Self::Union,
            (Self::Schema, "properties") => Self::Schemas,
            (Self::Schema, "discriminator") => Self::Discriminator,
            _ => Self::Plain,
        }
    }

    /// The kind of the elements of a list.
    pub(crate) fn element(self) -> Self {
        if self == Self::Union {
            Self::Schema
        } else {
            Self::Plain
        }
    }
}

/// Appends `value` on one line.
pub(crate) fn write(out: &mut String, value: &Value, kind: Kind) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| {
                (kind == Kind::Discriminator && *key != "propertyName", *key)
            });
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(out, key);
                out.push(':');
                write(out, value, kind.child(key));
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, value, kind.element());
            }
            out.push(']');
        }
        Value::String(value) => text(out, value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Appends a quoted string.
pub(crate) fn text(out: &mut String, value: &str) {
    let _ = write!(out, "{}", Value::from(value));
}

/// Returns `value` on one line.
pub(crate) fn line(value: &Value, kind: Kind) -> String {
    let mut out = String::new();
    write(&mut out, value, kind);
    out
}

/// An object of objects and lists with one entry per line: first the keys in `keys`, then the
/// others, sorted.
pub(crate) fn document(value: &Map<String, Value>, keys: &[&str]) -> String {
    let mut names: Vec<&String> = value.keys().collect();
    let rank = |name: &str| {
        keys.iter()
            .position(|key| *key == name)
            .unwrap_or(keys.len())
    };
    names.sort_by_key(|name| (rank(name), *name));
    let parts: Vec<String> = names
        .into_iter()
        .map(|name| section(name, &value[name]))
        .collect();
    format!("{{{}}}\n", parts.join(",\n"))
}

fn section(name: &str, value: &Value) -> String {
    let head = line(&Value::from(name), Kind::Plain);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let lines: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| {
                    format!(
                        "{}:{}",
                        line(&Value::from(key.as_str()), Kind::Plain),
                        line(value, Kind::Plain)
                    )
                })
                .collect();
            format!("{head}:{{\n{}}}", lines.join(",\n"))
        }
        Value::Array(list) if !list.is_empty() => {
            let lines: Vec<String> = list.iter().map(|value| line(value, Kind::Plain)).collect();
            format!("{head}:[\n{}]", lines.join(",\n"))
        }
        other => format!("{head}:{}", line(other, Kind::Plain)),
    }
}
