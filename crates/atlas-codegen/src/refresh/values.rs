//! The rows under `values` of `overrides.json`.

use serde_json::{Map, Value, json};

use super::Refresh;
use crate::error::shown;
use crate::facts::Facts;
use crate::generate::catalog::corrected;

impl Refresh<'_> {
    /// Renames schemas, and removes corrections that are no longer needed.
    pub(super) fn values(
        &self,
        rows: Map<String, Value>,
        notes: &mut Vec<String>,
    ) -> Map<String, Value> {
        let mut kept = Map::new();
        for (key, mut row) in rows {
            if !applies(self.old, &key, &row) {
                kept.entry(key).or_insert(row);
                continue;
            }
            let now = self.renamed(&key);
            if applies(self.new, &now, &row) {
                if now != key {
                    notes.push(format!("values: {} is now {}", shown(&key), shown(&now)));
                }
                kept.entry(now).or_insert(row);
                continue;
            }
            for field in ["relax", "values"] {
                self.trim(&key, &now, &mut row, field, notes);
            }
            if row.get("relax").is_some() || row.get("values").is_some() {
                kept.entry(now).or_insert(row);
            } else {
                notes.push(format!(
                    "removed the row of {}: it no longer corrects anything",
                    shown(&key)
                ));
            }
        }
        kept
    }

    /// Removes the elements of a list in the row that the new facts no longer need.
    fn trim(&self, key: &str, now: &str, row: &mut Value, field: &str, notes: &mut Vec<String>) {
        let Some(list) = row.get(field).and_then(Value::as_array) else {
            return;
        };
        let (kept, gone): (Vec<Value>, Vec<Value>) = list
            .iter()
            .cloned()
            .partition(|one| applies(self.new, now, &json!({ field: [one] })));
        for one in gone {
            let name = shown(one.as_str().unwrap_or_default());
            let why = if field == "relax" {
                format!("the keyword {name} is gone")
            } else {
                format!("the value \"{name}\" is documented, or the field has no values")
            };
            let why = if exists(self.new, now) {
                why
            } else {
                "the field is gone".to_owned()
            };
            notes.push(format!(
                "removed \"{name}\" from {field} of {}: {why}",
                shown(key)
            ));
        }
        if let Some(row) = row.as_object_mut() {
            if kept.is_empty() {
                row.remove(field);
            } else {
                row.insert(field.to_owned(), kept.into());
            }
        }
    }

    /// Returns the key with the current name of its schema.
    fn renamed(&self, key: &str) -> String {
        let (schema, field) = key.split_once('.').unwrap_or((key, ""));
        if self.new.schemas.contains_key(schema) {
            return key.to_owned();
        }
        let mut renamed = self.names.former_schemas.iter();
        let now = renamed.find(|(_, former)| former.iter().any(|name| name == schema));
        now.map_or_else(|| key.to_owned(), |(now, _)| format!("{now}.{field}"))
    }
}

/// Whether a correction applies to the facts.
fn applies(facts: &Facts, key: &str, row: &Value) -> bool {
    let name = key.split('.').next().unwrap_or_default();
    let mut schemas = Map::new();
    if let Some(schema) = facts.schemas.get(name) {
        schemas.insert(name.to_owned(), schema.clone());
    }
    let rows = Map::from_iter([(key.to_owned(), row.clone())]);
    corrected(&json!({ "schemas": schemas }), &json!({ "values": rows })).is_ok()
}

fn exists(facts: &Facts, key: &str) -> bool {
    applies(facts, key, &json!({}))
}
