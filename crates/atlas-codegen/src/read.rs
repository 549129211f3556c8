//! Reads YAML or JSON, and refuses ambiguous or oversized input.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, shown};

/// Reads a description or a facts file, in YAML or JSON.
///
/// A duplicate key in an object is an error, since either value could be intended. YAML aliases
/// must not expand into more than [`MAX_NODES`] nodes.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, Error> {
    match any(bytes)? {
        value @ Value::Object(_) => Ok(value),
        _ => Err(Error::at("line 1", "not a YAML or JSON object")),
    }
}

/// Reads any YAML or JSON value, like [`value`].
pub(crate) fn any(bytes: &[u8]) -> Result<Value, Error> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let place = format!("byte {}", error.valid_up_to());
            return Err(Error::at(place, "not UTF-8: convert the file to UTF-8"));
        }
    };
    let start = text.trim_start();
    if start.is_empty() {
        return Err(Error::at(
            "line 1",
            "the file is empty: expected YAML or JSON",
        ));
    }
    if start.starts_with('<') {
        let what = "this is HTML or XML: download the raw YAML or JSON file instead";
        return Err(Error::at("line 1", what));
    }
    if start.starts_with(['{', '[']) {
        json(text)
    } else {
        yaml(text)
    }
}

fn json(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<Strict>(text)
        .map(|strict| strict.0)
        .map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column().max(1));
            let full = error.to_string();
            let what = full
                .rsplit_once(" at line ")
                .map_or(full.as_str(), |(what, _)| what);
            Error::at(place, format!("invalid JSON: {}", shown(what)))
        })
}

fn yaml(text: &str) -> Result<Value, Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MAX_NODES * 2,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: 64 << 20,
            max_depth: 100,
            max_documents: 1,
            max_aliases: 10_000,
            max_recorded_anchor_events: MAX_UNFOLDED,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_UNFOLDED },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Strict>(text, options)
        .map(|strict| strict.0)
        .map_err(|error| {
            let place = error.location().map_or_else(
                || "line 1".to_owned(),
                |at| format!("line {} column {}", at.line(), at.column()),
            );
            if let serde_saphyr::Error::Budget { .. } = error {
                let what = "invalid YAML: too many values, or aliases that expand into too many";
                return Error::at(place, what);
            }
            if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = &error {
                let key = key
                    .as_deref()
                    .map_or_else(String::new, |key| format!(" \"{}\"", shown(key)));
                let what = format!("invalid YAML: duplicate key{key}: remove one");
                return Error::at(place, what);
            }
            let full = error.to_string();
            let line = full.lines().next().unwrap_or_default();
            let what = line.rsplit_once(" at line ").map_or(line, |(what, _)| what);
            Error::at(place, format!("invalid YAML: {}", shown(what)))
        })
}

/// A value without duplicate keys in its objects.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node { depth: 0 }.deserialize(deserializer).map(Strict)
    }
}

#[derive(Clone, Copy)]
struct Node {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Node {
    fn child<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(child)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                let what = format!("duplicate key {key:?}: remove one");
                return Err(serde::de::Error::custom(what));
            }
            let value = access.next_value_seed(child)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// About eight times the nodes of the published description.
const MAX_NODES: usize = 4_000_000;

/// The published description has no alias.
const MAX_UNFOLDED: usize = 100_000;

/// The published description nests about 25 levels.
const MAX_DEPTH: usize = 90;
