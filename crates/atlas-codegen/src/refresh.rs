//! Updates the handwritten sources for new facts.
//!
//! Only entries that matched the old facts are changed. All others are mistakes in the file, which
//! the check of the sources reports.

mod values;
mod watch;

use serde_json::{Map, Value, json};

use crate::error::{escaped, shown};
use crate::facts::{Facts, Version};
use crate::generate::pattern;
use crate::names::Names;

/// The facts before and after an import.
pub(crate) struct Refresh<'a> {
    pub(crate) old: &'a Facts,
    pub(crate) new: &'a Facts,
    pub(crate) names: &'a Names,
}

impl Refresh<'_> {
    /// Updates `overrides.json`, and returns one line for each change to report.
    pub(crate) fn overrides(&self, overrides: &mut Value) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(rows) = overrides.get_mut("patterns").and_then(Value::as_array_mut) {
            self.patterns(rows, &mut notes);
        }
        for (table, refresh) in [
            (
                "successors",
                Self::successors as fn(&Self, _, &mut Vec<String>) -> _,
            ),
            ("values", Self::values),
        ] {
            if let Some(rows) = overrides.get_mut(table).and_then(Value::as_object_mut) {
                *rows = refresh(self, std::mem::take(rows), &mut notes);
            }
        }
        let line = |note: String| format!("overrides.json: {note}");
        notes.into_iter().map(line).collect()
    }

    /// Updates `watch.json`, and returns one line for each change to report.
    ///
    /// `schemas` are those of the old and the new facts, with the corrections of their overrides.
    pub(crate) fn watch(&self, watch: &mut Value, schemas: &[Value; 2]) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(entries) = watch.as_array_mut() {
            *entries = std::mem::take(entries)
                .into_iter()
                .filter_map(|entry| self.watched(entry, schemas, &mut notes))
                .collect();
        }
        let line = |note: String| format!("watch.json: {note}");
        notes.into_iter().map(line).collect()
    }

    /// Removes the rows of patterns that are gone, and adds rows for new ones.
    fn patterns(&self, rows: &mut Vec<Value>, notes: &mut Vec<String>) {
        let (old, new) = (schemas(self.old), schemas(self.new));
        let (old, new) = (pattern::patterns(&old), pattern::patterns(&new));
        rows.retain(|row| {
            let pattern = row["pattern"].as_str().unwrap_or_default();
            let gone = old.contains(pattern) && !new.contains(pattern);
            if gone {
                notes.push(format!(
                    "removed the row of pattern \"{}\": no schema has it",
                    shown(pattern)
                ));
            }
            !gone
        });
        for pattern in new {
            if rows.iter().any(|row| row["pattern"] == pattern) {
                continue;
            }
            let source = escaped(&self.new.source);
            let reason = format!("Not reviewed yet: new in revision {source} of the description.");
            let row = json!({"pattern": pattern, "enforced": false, "reason": reason});
            let later = |row: &Value| row["pattern"].as_str().is_some_and(|other| other > pattern);
            let place = rows.iter().position(later).unwrap_or(rows.len());
            rows.insert(place, row);
            notes.push(format!(
                "added a row for pattern \"{}\", which is not enforced: decide whether it may be",
                shown(pattern)
            ));
        }
    }

    /// Renames operations, and removes the rows of operations that are gone.
    fn successors(&self, rows: Map<String, Value>, notes: &mut Vec<String>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (id, mut row) in rows {
            let successor = row["successor"].as_str().unwrap_or_default();
            match (self.id(&id), self.id(successor)) {
                (None, _) => notes.push(format!(
                    "removed the successor of {}: the operation is gone",
                    shown(&id)
                )),
                (_, None) => notes.push(format!(
                    "removed the successor of {}: {} is gone",
                    shown(&id),
                    shown(successor)
                )),
                (Some(id), Some(successor)) => {
                    if row["successor"].is_string() {
                        row["successor"] = successor.into();
                    }
                    kept.insert(id, row);
                }
            }
        }
        kept
    }

    /// Returns the current id of an operation of the old facts, or `None` if the operation is gone.
    ///
    /// An operation is identified by its method and path. If these are gone but its id is at a new
    /// place, it has moved. An id that the old facts lack is returned unchanged.
    fn id(&self, id: &str) -> Option<String> {
        let Some(old) = self.old.operation(id) else {
            return Some(id.to_owned());
        };
        let at = |facts: &Facts, line: &str| {
            let mut operations = facts.operations.iter();
            operations
                .find(|operation| operation.request_line() == line)
                .map(|operation| operation.id.clone())
        };
        at(self.new, &old.request_line()).or_else(|| {
            let moved = self.new.operation(id)?;
            at(self.old, &moved.request_line())
                .is_none()
                .then(|| id.to_owned())
        })
    }
}

/// The parts of the facts that can contain patterns.
fn schemas(facts: &Facts) -> Value {
    let operations: Vec<Value> = facts
        .operations
        .iter()
        .flat_map(|operation| {
            let bodies = operation.versions.iter().flat_map(Version::bodies);
            let bodies = bodies.map(|(_, schema)| schema.clone());
            bodies.chain(operation.parameters.iter().cloned())
        })
        .collect();
    json!([facts.schemas, facts.parameters, operations])
}
