//! The lock of names: which id and schemas a request line has, and which it had before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::error::{Error, shown};
use crate::facts::Facts;

/// The content of `fixtures/api/names.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Names {
    /// Ids that an operation had before, by the id it has now.
    pub(crate) formerly: BTreeMap<String, Vec<String>>,
    /// Names that a schema had before, by the name it has now.
    pub(crate) former_schemas: BTreeMap<String, Vec<String>>,
    /// Operations that stay in the facts although the description has dropped them.
    pub(crate) kept: BTreeSet<String>,
    /// What each method and path is called.
    pub(crate) operations: BTreeMap<String, Lock>,
}

/// The names of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) id: String,
    /// Schema names by their place, such as `2023-01-01 200 json`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) schemas: BTreeMap<String, String>,
}

impl Names {
    /// Reads the lock.
    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        Self::deserialize(value).map_err(|error| {
            Error::at(
                "names",
                format!("not a names file: {}", shown(&error.to_string())),
            )
        })
    }

    /// The lock as JSON.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The text of the lock, one entry a line.
    pub(crate) fn to_text(&self) -> String {
        let value = self.to_value();
        let empty = serde_json::Map::new();
        let keys = ["formerly", "formerSchemas", "kept", "operations"];
        canonical::document(value.as_object().unwrap_or(&empty), &keys)
    }

    /// Brings the lock in line with `facts`, and says what it changed.
    ///
    /// An id that changed while method and path stayed becomes a former id. A schema that was
    /// replaced at its place, and is gone from the facts, becomes a former name of the new one.
    pub(crate) fn update(&mut self, facts: &Facts) -> Vec<String> {
        let mut notes = Vec::new();
        let mut operations = BTreeMap::new();
        for operation in &facts.operations {
            let key = operation.request_line();
            let mut lock = Lock {
                id: operation.id.clone(),
                schemas: BTreeMap::new(),
            };
            for version in &operation.versions {
                for (place, schema) in version.bodies() {
                    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
                        lock.schemas
                            .insert(format!("{} {place}", version.name), name.into());
                    }
                }
            }
            if let Some(old) = self.operations.get(&key) {
                let old = old.clone();
                self.rename(&key, &old, &lock, facts, &mut notes);
            }
            operations.insert(key, lock);
        }
        self.operations = operations;
        self.prune(facts, &mut notes);
        notes
    }

    fn rename(
        &mut self,
        key: &str,
        old: &Lock,
        new: &Lock,
        facts: &Facts,
        notes: &mut Vec<String>,
    ) {
        if old.id != new.id {
            let mut aliases = self.formerly.remove(&old.id).unwrap_or_default();
            aliases.push(old.id.clone());
            let all = self.formerly.entry(new.id.clone()).or_default();
            for alias in aliases {
                if !all.contains(&alias) {
                    all.push(alias);
                }
            }
            notes.push(format!(
                "{key}: {} is now {}, the former id stays",
                old.id, new.id
            ));
        }
        for (place, name) in &new.schemas {
            let Some(before) = old.schemas.get(place) else {
                continue;
            };
            if before != name && !facts.schemas.contains_key(before) {
                let mut aliases = self.former_schemas.remove(before).unwrap_or_default();
                aliases.push(before.clone());
                let all = self.former_schemas.entry(name.clone()).or_default();
                let fresh = !all.contains(before);
                aliases.retain(|alias| !all.contains(alias));
                all.append(&mut aliases);
                if fresh {
                    notes.push(format!("{key}: schema {before} is now {name}"));
                }
            }
        }
    }

    /// Drops names of what is gone, and former ids that another operation has now.
    fn prune(&mut self, facts: &Facts, notes: &mut Vec<String>) {
        let ids: BTreeSet<&str> = facts
            .operations
            .iter()
            .map(|operation| operation.id.as_str())
            .collect();
        self.formerly.retain(|id, _| {
            let stays = ids.contains(id.as_str());
            if !stays {
                notes.push(format!("{id} is gone, and its former ids with it"));
            }
            stays
        });
        for (id, aliases) in &mut self.formerly {
            aliases.retain(|alias| {
                let free = !ids.contains(alias.as_str());
                if !free {
                    notes.push(format!("{alias} is an id again: it no longer means {id}"));
                }
                free
            });
        }
        self.formerly.retain(|_, aliases| !aliases.is_empty());
        self.former_schemas
            .retain(|name, _| facts.schemas.contains_key(name));
        self.kept.retain(|id| {
            let stays = ids.contains(id.as_str());
            if !stays {
                notes.push(format!("{id} was kept and is gone"));
            }
            stays
        });
    }
}
