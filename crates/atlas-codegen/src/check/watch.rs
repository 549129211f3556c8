//! The canonical form of `fixtures/api/watch.json`, and its checks against the facts.

use serde_json::Value;

use crate::canonical::{self, Kind};
use crate::error::{Error, shown};
use crate::facts::Facts;
use crate::keys::WATCH;
use crate::names::Names;

/// Writes one entry per line, with former ids replaced by current ones.
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
                WATCH
                    .iter()
                    .position(|known| known == key)
                    .unwrap_or(WATCH.len()),
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

/// Refuses entries that name items missing from the facts, or have an invalid form.
pub(super) fn check(watch: &Value, facts: &Facts) -> Result<(), Error> {
    for (index, value) in watch.as_array().into_iter().flatten().enumerate() {
        entry(value, &format!("[{index}]"), facts)?;
    }
    Ok(())
}

/// Refuses an invalid entry; `place` is its location.
pub(crate) fn entry(entry: &Value, place: &str, facts: &Facts) -> Result<(), Error> {
    let at = |key: &str| format!("{place}.{key}");
    for key in ["id", "get"] {
        let id = entry[key].as_str().unwrap_or_default();
        if facts.operation(id).is_none() {
            let what = format!("unknown operation \"{}\"", shown(id));
            return Err(Error::at(at(key), what));
        }
    }
    let get = entry["get"].as_str().unwrap_or_default();
    let Some(operation) = facts.operation(get) else {
        return Ok(());
    };
    let version = entry["version"].as_str().unwrap_or_default();
    if !operation.versions.iter().any(|known| known.name == version) {
        let what = format!("{get} has no version \"{}\"", shown(version));
        return Err(Error::at(at("version"), what));
    }
    let params = entry["params"]
        .as_object()
        .ok_or_else(|| Error::at(at("params"), "expected an object"))?;
    for (name, source) in params {
        let mut parameters = operation.parameters.iter();
        if !parameters.any(|parameter| facts.parameter(parameter)["name"] == name.as_str()) {
            let what = format!("{get} has no parameter \"{}\"", shown(name));
            return Err(Error::at(at("params"), what));
        }
        let source = source.as_str().unwrap_or_default();
        if !["input:", "body:$."]
            .iter()
            .any(|start| source.starts_with(start))
        {
            let what = "expected input:NAME or body:$.FIELD";
            return Err(Error::at(format!("{place}.params.{name}"), what));
        }
    }
    until(&entry["until"], &at("until"))?;
    let strings = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_string);
    match entry.get("fail") {
        Some(fail) if !fail.as_array().is_some_and(strings) => {
            Err(Error::at(at("fail"), "expected a list of strings"))
        }
        _ => Ok(()),
    }
}

fn until(until: &Value, place: &str) -> Result<(), Error> {
    let has = |key: &str| until.get(key).is_some();
    let path = until["path"].as_str().unwrap_or_default();
    let values = until["values"].as_array();
    let fits = if has("status") {
        until["status"].is_u64() && !has("path") && !has("values")
    } else {
        path.starts_with("$.") && values.is_some_and(|values| !values.is_empty())
    };
    if fits {
        return Ok(());
    }
    let what = "expected a status, or a path such as $.state and a list of values";
    Err(Error::at(place, what))
}
