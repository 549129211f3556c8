//! The lock of names: the current and former id and schemas of each request line.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::error::{Error, shown};
use crate::facts::{Facts, Operation};
use crate::generate::camel_case;
use crate::generate::model::{self, pascal};
use crate::keys;

/// The content of `fixtures/api/names.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Names {
    /// Former ids, by the current id of the operation.
    pub(crate) formerly: BTreeMap<String, Vec<String>>,
    /// Former names of schemas, by the current name.
    pub(crate) former_schemas: BTreeMap<String, Vec<String>>,
    /// Operations that stay in the facts although the description no longer has them.
    pub(crate) kept: BTreeSet<String>,
    /// The Rust name of each schema, and of each place of an enum or an object. Names of removed
    /// items stay reserved.
    pub(crate) types: BTreeMap<String, String>,
    /// The request line that a Rust or CLI name meant, for removed operations.
    pub(crate) retired: BTreeMap<String, String>,
    /// The names of each operation, by method and path.
    pub(crate) operations: BTreeMap<String, Lock>,
}

/// The names of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) id: String,
    /// The module and the type: `flex_clusters::GetFlexCluster`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) rust: String,
    /// Its place on the command line, tag and short id: `flexClusters getFlexCluster`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) cli: String,
    /// Schema names by their place, such as `2023-01-01 200 json`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) schemas: BTreeMap<String, String>,
}

impl Names {
    /// Parses the lock.
    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        keys::names(value)?;
        Self::deserialize(value).map_err(|error| {
            Error::at(
                "names",
                format!("not a names file: {}", shown(&error.to_string())),
            )
        })
    }

    /// Returns the lock as JSON.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Returns the text of the lock, one entry per line.
    pub(crate) fn to_text(&self) -> String {
        let value = self.to_value();
        let empty = serde_json::Map::new();
        let keys = [
            "formerly",
            "formerSchemas",
            "kept",
            "operations",
            "retired",
            "types",
        ];
        canonical::document(value.as_object().unwrap_or(&empty), &keys)
    }

    /// Updates the lock for `facts`, and returns notes of the changes.
    ///
    /// An id that changed while method and path stayed the same becomes a former id. A schema that
    /// was replaced at its place, and is no longer in the facts, becomes a former name of the new
    /// one.
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
                    "{id} was listed as kept, but no operation has this id: removed from the list"
                ));
            }
            stays
        });
        let mut gone = std::mem::replace(&mut self.operations, operations);
        for (line, lock) in &mut self.operations {
            if let Some(old) = gone.remove(line) {
                lock.rust = old.rust;
                lock.cli = old.cli;
            }
        }
        for (line, lock) in gone {
            let names = [lock.rust, lock.cli]
                .into_iter()
                .filter(|name| !name.is_empty());
            self.retired.extend(names.map(|name| (name, line.clone())));
        }
        notes
    }

    /// Assigns a Rust and a CLI name to each operation without one.
    ///
    /// # Errors
    /// A name would change its meaning to another operation.
    pub(crate) fn name_operations(&mut self, facts: &Facts) -> Result<(), Error> {
        let retired: BTreeSet<String> = self.retired.keys().cloned().collect();
        let clash =
            |name: &str, known: &str, new: &str| clash(name, known, new, retired.contains(name));
        let mut meant = self.retired.clone();
        for (line, lock) in &self.operations {
            for name in [&lock.rust, &lock.cli] {
                if name.is_empty() {
                    continue;
                }
                match meant.insert(name.clone(), line.clone()) {
                    Some(other) if other != *line => return Err(clash(name, &other, line)),
                    _ => {}
                }
            }
        }
        for operation in &facts.operations {
            let line = operation.request_line();
            let Some(lock) = self.operations.get_mut(&line) else {
                continue;
            };
            let module = model::module(&operation.tag);
            let short = operation.short.as_deref().unwrap_or(&operation.id);
            let free = |name: &String| {
                let own = name.rsplit("::").next().unwrap_or(name);
                let is_type = self.types.values().any(|known| known == own);
                let is_reserved = model::RESERVED.contains(&own);
                !is_type && !is_reserved && meant.get(name).is_none_or(|known| *known == line)
            };
            if lock.rust.is_empty() {
                let names =
                    [short, &operation.id].map(|name| format!("{module}::{}", pascal(name)));
                let name = names.iter().find(|name| free(name));
                let name = name.ok_or_else(|| clash(&names[0], &meant[&names[0]], &line))?;
                lock.rust.clone_from(name);
                meant.insert(lock.rust.clone(), line.clone());
            }
            let cli = format!("{} {short}", camel_case(&operation.tag));
            if meant.get(&cli).is_some_and(|known| *known != line) {
                return Err(clash(&cli, &meant[&cli], &line));
            }
            meant.insert(cli.clone(), line.clone());
            if lock.cli.is_empty() {
                lock.cli = cli;
            } else if lock.cli != cli {
                self.retired.insert(lock.cli.clone(), line.clone());
                lock.cli = cli;
            }
        }
        Ok(())
    }

    /// Returns the meanings of each Rust and CLI name: request lines, and schemas or places.
    pub(crate) fn meanings(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut meanings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut add = |name, meaning: String| {
            meanings.entry(name).or_default().insert(meaning);
        };
        for (name, line) in &self.retired {
            add(name, line.clone());
        }
        for (line, lock) in &self.operations {
            add(&lock.rust, line.clone());
            add(&lock.cli, line.clone());
        }
        for (key, name) in &self.types {
            add(name, format!("schema {key}"));
            // A renamed schema is still the same schema.
            let (schema, rest) = key.split_at(key.find('.').unwrap_or(key.len()));
            for before in self.former_schemas.get(schema).into_iter().flatten() {
                add(name, format!("schema {before}{rest}"));
            }
        }
        meanings
    }

    /// Returns the module and the name of an operation's type.
    pub(crate) fn rust_name(&self, operation: &Operation) -> Option<(&str, &str)> {
        self.operations
            .get(&operation.request_line())?
            .rust
            .split_once("::")
    }

    /// Assigns a Rust name to each type without one.
    ///
    /// # Errors
    /// Two types have one name.
    pub(crate) fn name_types(
        &mut self,
        facts: &Facts,
        raw: &Value,
        overrides: &Value,
    ) -> Result<(), Error> {
        let names = model::type_names(facts, raw, self, overrides)
            .map_err(|what| Error::at("types", what))?;
        self.types.extend(names);
        Ok(())
    }

    /// Moves former ids with the method and path, even if two operations swap their ids.
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
                notes.push(format!("{line}: {old} is now {now}, the former id is kept"));
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
            notes.push(format!("{id} is gone: removed its former ids"));
        }
    }

    /// Moves the names of a removed schema to the schema that replaced it at the same place.
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
            rename_types(&mut self.types, before, name);
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
        ..Lock::default()
    }
}

/// Moves the Rust names of a schema, and of the types inside it, to its new name.
fn rename_types(types: &mut BTreeMap<String, String>, before: &str, name: &str) {
    let inside = |key: &String| {
        let rest = key.strip_prefix(before)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{name}{rest}"))
    };
    let renamed: Vec<(String, String)> = types
        .keys()
        .filter_map(|key| Some((key.clone(), inside(key)?)))
        .collect();
    for (old, new) in renamed {
        if let Some(rust) = types.remove(&old) {
            types.entry(new).or_insert(rust);
        }
    }
}

fn clash(name: &str, known: &str, new: &str, retired: bool) -> Error {
    let or = if retired {
        ", or remove the name from retired if it is no longer used"
    } else {
        ""
    };
    let what = format!(
        "{name} means {} and would mean {}: give the latter another name in names.json{or}",
        shown(known),
        shown(new),
    );
    Error::at("operations", what)
}
