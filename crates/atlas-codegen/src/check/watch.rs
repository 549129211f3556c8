//! The spelling of `fixtures/api/watch.json`, and whether it fits the facts.

use serde_json::Value;

use crate::canonical::{self, Kind};
use crate::error::{Error, shown};
use crate::facts::Facts;
use crate::names::Names;

/// One entry a line, with former ids brought up to date.
pub(super) fn text(watch: &Value, names: &Names) -> Result<String, Error> {
    let current = |id: &Value| -> Value {
        let known = id.as_str().and_then(|id| {
            names
                .formerly
                .iter()
                .find(|(_, aliases)| aliases.iter().any(|alias| alias == id))
        });
        known.map_or_else(|| id.clone(), |(now, _)| now.as_str().into())
    };
    let list = watch
        .as_array()
        .ok_or_else(|| Error::at("line 1", "expected a list"))?;
    let mut lines = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let entry = entry
            .as_object()
            .ok_or_else(|| Error::at(format!("[{index}]"), "expected an object"))?;
        let mut keys: Vec<&String> = entry.keys().collect();
        keys.sort_by_key(|key| {
            (
                KEYS.iter()
                    .position(|known| known == key)
                    .unwrap_or(KEYS.len()),
                *key,
            )
        });
        let mut fields = Vec::new();
        for key in keys {
            let value = match key.as_str() {
                "id" | "get" => current(&entry[key]),
                _ => entry[key].clone(),
            };
            let key = canonical::line(&Value::from(key.as_str()), Kind::Plain);
            fields.push(format!("{key}:{}", canonical::line(&value, Kind::Plain)));
        }
        lines.push(format!("{{{}}}", fields.join(",")));
    }
    Ok(format!("[\n{}]\n", lines.join(",\n")))
}

/// Refuses entries that name something the facts lack.
pub(super) fn check(watch: &Value, facts: &Facts) -> Result<(), Error> {
    let ids = super::ids(facts);
    for (index, entry) in watch.as_array().into_iter().flatten().enumerate() {
        for key in ["id", "get"] {
            let id = entry[key].as_str().unwrap_or_default();
            if !ids.contains(id) {
                let what = format!("unknown operation \"{}\"", shown(id));
                return Err(Error::at(format!("[{index}].{key}"), what));
            }
        }
        let get = entry["get"].as_str().unwrap_or_default();
        let Some(operation) = facts
            .operations
            .iter()
            .find(|operation| operation.id == get)
        else {
            continue;
        };
        let version = entry["version"].as_str().unwrap_or_default();
        if !operation.versions.iter().any(|known| known.name == version) {
            let what = format!("{get} has no version \"{}\"", shown(version));
            return Err(Error::at(format!("[{index}].version"), what));
        }
        for name in entry["params"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let mut parameters = operation.parameters.iter();
            if !parameters.any(|parameter| facts.parameter(parameter)["name"] == name.as_str()) {
                let what = format!("{get} has no parameter \"{}\"", shown(name));
                return Err(Error::at(format!("[{index}].params"), what));
            }
        }
    }
    Ok(())
}

/// The order of an entry's fields.
const KEYS: [&str; 6] = ["id", "get", "version", "params", "until", "fail"];
