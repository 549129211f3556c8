//! The lock of names: which id and schemas a request line has, and which it had before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::error::{Error, shown};
use crate::facts::{Facts, Operation};
use crate::keys;

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
        keys::names(value)?;
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
        let operations: BTreeMap<String, Lock> = facts
            .operations
            .iter()
            .map(|operation| (operation.request_line(), lock(operation)))
            .collect();
        self.follow_ids(&operations, &mut notes);
        self.follow_schemas(&operations, facts, &mut notes);
        let ids: BTreeSet<&str> = operations.values().map(|lock| lock.id.as_str()).collect();
        self.kept.retain(|id| {
            let stays = ids.contains(id.as_str());
            if !stays {
                notes.push(format!(
                    "{id} was listed as kept, and no operation has this id: removed from the list"
                ));
            }
            stays
        });
        self.operations = operations;
        notes
    }

    /// Former ids go with the method and path, also where two operations swap their ids.
    fn follow_ids(&mut self, operations: &BTreeMap<String, Lock>, notes: &mut Vec<String>) {
        let before = std::mem::take(&mut self.formerly);
        let ids: BTreeSet<&str> = operations.values().map(|lock| lock.id.as_str()).collect();
        let old_id = |line: &String| self.operations.get(line).map(|old| old.id.as_str());
        let claimed: BTreeSet<&str> = operations.keys().filter_map(old_id).collect();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut followed: BTreeSet<&str> = BTreeSet::new();
        for (line, lock) in operations {
            let old = match old_id(line) {
                Some(old) => old,
                None if claimed.contains(lock.id.as_str()) => continue,
                None => lock.id.as_str(),
            };
            followed.insert(old);
            let mut aliases = before.get(old).cloned().unwrap_or_default();
            if old != lock.id {
                aliases.push(old.to_owned());
                let now = &lock.id;
                notes.push(format!("{line}: {old} is now {now}, the former id stays"));
            }
            aliases.retain(|alias| {
                if *alias != lock.id && ids.contains(alias.as_str()) {
                    notes.push(format!("{alias} is an id: it no longer means {}", lock.id));
                }
                !ids.contains(alias.as_str()) && taken.insert(alias.clone())
            });
            if !aliases.is_empty() {
                self.formerly.insert(lock.id.clone(), aliases);
            }
        }
        for id in before.keys().filter(|id| !followed.contains(id.as_str())) {
            notes.push(format!("{id} is gone, and its former ids with it"));
        }
    }

    /// A schema that is gone, and has another name at the same place, lends that one its names.
    fn follow_schemas(
        &mut self,
        operations: &BTreeMap<String, Lock>,
        facts: &Facts,
        notes: &mut Vec<String>,
    ) {
        let mut renamed: BTreeMap<&String, &String> = BTreeMap::new();
        for (line, lock) in operations {
            let Some(old) = self.operations.get(line) else {
                continue;
            };
            for (place, name) in &lock.schemas {
                if let Some(before) = old.schemas.get(place)
                    && before != name
                    && !facts.schemas.contains_key(before)
                {
                    renamed.entry(before).or_insert(name);
                }
            }
        }
        for (before, name) in renamed {
            let mut aliases = self.former_schemas.remove(before).unwrap_or_default();
            aliases.push(before.clone());
            self.former_schemas
                .entry(name.clone())
                .or_default()
                .append(&mut aliases);
            notes.push(format!("schema {before} is now {name}"));
        }
        for aliases in self.former_schemas.values_mut() {
            aliases.retain(|alias| !facts.schemas.contains_key(alias));
        }
        self.former_schemas
            .retain(|name, aliases| facts.schemas.contains_key(name) && !aliases.is_empty());
    }
}

fn lock(operation: &Operation) -> Lock {
    let mut schemas = BTreeMap::new();
    for version in &operation.versions {
        for (place, schema) in version.bodies() {
            if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
                schemas.insert(format!("{} {place}", version.name), name.to_owned());
            }
        }
    }
    Lock {
        id: operation.id.clone(),
        schemas,
    }
}
