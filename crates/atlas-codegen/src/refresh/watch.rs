//! The entries of `watch.json`.

use serde_json::Value;

use super::Refresh;
use crate::check::{polling, watch};
use crate::error::shown;
use crate::facts::{Facts, Operation, Version};

impl Refresh<'_> {
    /// Returns the entry updated for the new facts, or `None` if there is nothing left to poll.
    pub(super) fn watched(
        &self,
        mut entry: Value,
        schemas: &[Value; 2],
        notes: &mut Vec<String>,
    ) -> Option<Value> {
        let check = |entry: &Value, facts: &Facts, schemas: &Value| {
            watch::entry(entry, "", facts).and_then(|()| polling::entry(entry, "", facts, schemas))
        };
        if check(&entry, self.old, &schemas[0]).is_err() {
            return Some(entry);
        }
        let name = entry["id"].as_str().unwrap_or_default().to_owned();
        let mut removed = |why: &str| {
            notes.push(format!("removed the entry of {}: {why}", shown(&name)));
            None
        };
        for key in ["id", "get"] {
            let id = entry[key].as_str().unwrap_or_default();
            match self.id(id) {
                Some(now) => entry[key] = now.into(),
                None => return removed(&format!("{} is gone", shown(id))),
            }
        }
        let get = entry["get"].as_str().unwrap_or_default();
        let get = self.new.operation(get)?;
        let version = entry["version"].as_str().unwrap_or_default().to_owned();
        let mut moved = None;
        if !get.versions.iter().any(|known| known.name == version) {
            let Some(other) = replacement(self.new, get, &version, &entry) else {
                let (get, version) = (&get.id, shown(&version));
                let why =
                    format!("{get} no longer has version {version}, nor another with the field");
                return removed(&why);
            };
            moved = Some(format!(
                "the entry of {} polls version {other}, since {} no longer has {}: check it",
                shown(&name),
                get.id,
                shown(&version)
            ));
            entry["version"] = other.into();
        }
        if let Err(error) = check(&entry, self.new, &schemas[1]) {
            return removed(&error.what());
        }
        notes.extend(moved);
        Some(entry)
    }
}

/// Returns the next later version with the polled field, else the latest one, else the preview.
fn replacement<'a>(
    facts: &Facts,
    get: &'a Operation,
    version: &str,
    entry: &Value,
) -> Option<&'a str> {
    let field = entry["until"]["path"].as_str();
    let fits = |other: &&Version| {
        field.is_none_or(|path| {
            let path: Vec<&str> = path.trim_start_matches("$.").split('.').collect();
            let mut bodies = other.bodies();
            bodies.any(|(body, schema)| {
                body.starts_with('2') && has_field(facts, schema, &path, MAX_DEPTH)
            })
        })
    };
    let fitting = || get.versions.iter().filter(fits);
    let dated = || fitting().filter(|other| other.name != "preview");
    let later = dated().find(|other| other.name.as_str() > version);
    later
        .or_else(|| dated().next_back())
        .or_else(|| fitting().next_back())
        .map(|other| other.name.as_str())
}

/// Whether responses of this schema can have the field.
fn has_field(facts: &Facts, schema: &Value, path: &[&str], depth: usize) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = facts.schemas.get(name);
        return target.is_some_and(|target| has_field(facts, target, path, depth));
    }
    let field = schema["properties"].get(first);
    field.is_some_and(|field| has_field(facts, field, rest, depth))
        || ["allOf", "anyOf", "oneOf"].iter().any(|union| {
            let mut parts = schema[union].as_array().into_iter().flatten();
            parts.any(|part| has_field(facts, part, path, depth))
        })
}

/// The maximum depth of references and unions, since a schema may contain itself.
const MAX_DEPTH: usize = 16;
