//! Lists the changes between two facts files by their effect on callers.

mod members;
mod number;
mod operation;
mod required;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};

use crate::canonical::Kind;
use crate::error::escaped;
use crate::facts::Facts;
use crate::import::references;

/// The effect of a change on a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A call that worked can fail, or a response can lack a field it had.
    Breaking,
    /// An operation or schema was removed.
    Removed,
    /// Calls work as before, but roles, sunset dates, defaults or statuses differ.
    Behavioural,
    /// An addition that does not affect existing calls.
    Added,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Removed => "removed",
            Self::Behavioural => "behavioural",
            Self::Added => "added",
        }
    }
}

/// One change at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    pub(crate) class: Class,
    pub(crate) place: String,
    pub(crate) text: String,
}

/// All changes, in a stable order: by class, place and text.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    changes: BTreeSet<Change>,
}

impl Diff {
    fn add(&mut self, class: Class, place: impl Into<String>, text: impl Into<String>) {
        self.changes.insert(Change {
            class,
            place: place.into(),
            text: text.into(),
        });
    }

    /// Whether there is a removal or a breaking change.
    pub(crate) fn is_breaking(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.class <= Class::Removed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn count(&self, class: Class) -> usize {
        self.changes
            .iter()
            .filter(|change| change.class == class)
            .count()
    }

    /// Returns the counts as one line.
    pub(crate) fn summary(&self) -> String {
        let counts: Vec<String> = CLASSES
            .iter()
            .map(|class| format!("{} {}", self.count(*class), class.name()))
            .collect();
        counts.join(", ")
    }

    /// Returns one line per change, and the counts.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        for Change { class, place, text } in &self.changes {
            let _ = writeln!(
                out,
                "{:<11} {}: {}",
                class.name(),
                escaped(place),
                escaped(text)
            );
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    /// Returns the changes and the counts as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let counts: BTreeMap<&str, usize> = CLASSES
            .iter()
            .map(|class| (class.name(), self.count(*class)))
            .collect();
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|change| {
                json!({
                    "class": change.class.name(),
                    "place": change.place,
                    "change": change.text,
                })
            })
            .collect();
        json!({"counts": counts, "changes": changes})
    }
}

/// Compares two facts files.
pub(crate) fn diff(old: &Facts, new: &Facts) -> Diff {
    let mut diff = Diff::default();
    let names = |facts: &Facts| -> BTreeMap<String, usize> {
        let lines = facts.operations.iter().enumerate();
        lines
            .map(|(index, operation)| (operation.request_line(), index))
            .collect()
    };
    let (before, after) = (names(old), names(new));
    for (line, index) in &before {
        let left = &old.operations[*index];
        match after.get(line) {
            Some(index) => operation::compare(&mut diff, old, left, new, &new.operations[*index]),
            None => diff.add(
                Class::Removed,
                &left.id,
                format!("operation {line} removed"),
            ),
        }
    }
    for (line, index) in after.iter().filter(|(line, _)| !before.contains_key(*line)) {
        let operation = &new.operations[*index];
        diff.add(
            Class::Added,
            &operation.id,
            format!("operation {line} added"),
        );
    }
    for left in &old.operations {
        let line = left.request_line();
        let mut operations = new.operations.iter();
        let Some(right) = operations.find(|right| right.id == left.id) else {
            continue;
        };
        // If the old line is gone, its removal is reported instead.
        if right.request_line() != line && after.contains_key(&line) {
            let change = format!("id now means {}, was {line}", right.request_line());
            diff.add(Class::Breaking, &left.id, change);
        }
    }
    shared_lists(&mut diff, old, new);
    schemas(&mut diff, old, new);
    diff
}

fn shared_lists(diff: &mut Diff, old: &Facts, new: &Facts) {
    if old.servers != new.servers {
        diff.add(
            Class::Behavioural,
            "servers",
            format!("now {}", new.servers.join(" ")),
        );
    }
    for tag in old.tags.iter().filter(|tag| !new.tags.contains(tag)) {
        diff.add(Class::Behavioural, "tags", format!("tag {tag} removed"));
    }
    for tag in new.tags.iter().filter(|tag| !old.tags.contains(tag)) {
        diff.add(Class::Added, "tags", format!("tag {tag} added"));
    }
}

fn schemas(diff: &mut Diff, old: &Facts, new: &Facts) {
    let mut directions = directions(old);
    for (name, direction) in self::directions(new) {
        let merged = directions.entry(name).or_default();
        *merged = merged.union(direction);
    }
    for (name, left) in &old.schemas {
        match new.schemas.get(name) {
            Some(right) => {
                let direction = directions.get(name).copied().unwrap_or_default();
                let side = schema::Side {
                    place: name.clone(),
                    direction,
                    old,
                    new,
                };
                schema::walk(diff, &side, left, right);
            }
            None => diff.add(Class::Removed, name, "schema removed"),
        }
    }
    for name in new
        .schemas
        .keys()
        .filter(|name| !old.schemas.contains_key(*name))
    {
        diff.add(Class::Added, name, "schema added");
    }
}

/// The directions in which a schema is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) request: bool,
    pub(crate) response: bool,
}

impl Direction {
    fn union(self, other: Self) -> Self {
        Self {
            request: self.request || other.request,
            response: self.response || other.response,
        }
    }
}

/// Finds the schemas that requests and responses refer to.
fn directions(facts: &Facts) -> BTreeMap<String, Direction> {
    let mut directions: BTreeMap<String, Direction> = BTreeMap::new();
    let mut open: Vec<(String, Direction)> = Vec::new();
    let request = Direction {
        request: true,
        response: false,
    };
    let response = Direction {
        request: false,
        response: true,
    };
    for operation in &facts.operations {
        for parameter in &operation.parameters {
            let parameter = facts.parameter(parameter);
            references(parameter, Kind::Parameter, "", &mut |name, _| {
                open.push((name.to_owned(), request));
            });
        }
        for version in &operation.versions {
            for (place, schema) in version.bodies() {
                let direction = if place.starts_with("request") {
                    request
                } else {
                    response
                };
                references(schema, Kind::Schema, "", &mut |name, _| {
                    open.push((name.to_owned(), direction));
                });
            }
        }
    }
    while let Some((name, direction)) = open.pop() {
        let known = directions.entry(name.clone()).or_default();
        let merged = known.union(direction);
        if merged == *known {
            continue;
        }
        *known = merged;
        if let Some(schema) = facts.schemas.get(&name) {
            references(schema, Kind::Schema, "", &mut |name, _| {
                open.push((name.to_owned(), merged));
            });
        }
    }
    directions
}

const CLASSES: [Class; 4] = [
    Class::Breaking,
    Class::Removed,
    Class::Behavioural,
    Class::Added,
];
