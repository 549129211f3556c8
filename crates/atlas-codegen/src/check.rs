//! Checks that the sources agree with each other, and that generated files are up to date.

pub(crate) mod polling;
pub(crate) mod watch;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::canonical;
use crate::error::{Error, shown};
use crate::facts::Facts;
use crate::generate;
use crate::import::{self, Roles};
use crate::read;
use crate::store::{FOLDER, Sources, source_name};

/// The expected content of every file: sources in canonical form, and generated files.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
    /// Changes in the lock of names.
    pub(crate) notes: Vec<String>,
}

/// Makes every file from the sources.
pub(crate) fn expected(sources: &Sources) -> Result<Expected, Error> {
    let mut facts = sources.typed_facts()?;
    facts.sort();
    let mut names = sources.typed_names()?;
    let notes = names.update(&facts);
    let texts = [
        ("facts.json", facts.to_text()),
        ("names.json", names.to_text()),
        ("overrides.json", overrides_text(&sources.overrides)),
        (
            "watch.json",
            watch::text(&sources.watch, &names)
                .map_err(|error| error.in_file(source_name("watch.json")))?,
        ),
    ];
    let value = |index: usize| read::any(texts[index].1.as_bytes());
    let sources = Sources {
        root: sources.root.clone(),
        facts: value(0)?,
        names: value(1)?,
        overrides: value(2)?,
        watch: value(3)?,
    };
    consistent(&sources, &facts)?;
    let outputs = generate::outputs(&sources)?;
    let folder = sources.root.join(FOLDER);
    let sources = texts
        .into_iter()
        .map(|(name, text)| (folder.join(name), text.into_bytes()));
    Ok(Expected {
        files: sources.chain(outputs).collect(),
        notes,
    })
}

/// One line for each file that differs from `expected`.
pub(crate) fn stale(sources: &Sources, expected: &Expected) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, bytes) in &expected.files {
        let name = path.strip_prefix(&sources.root).unwrap_or(path).display();
        match fs::read(path) {
            Ok(present) if present == *bytes => {}
            Ok(_) => lines.push(format!("{name} is out of date: run {MEND}")),
            Err(_) => lines.push(format!("{name} is missing: run {MEND}")),
        }
    }
    lines
}

fn overrides_text(overrides: &Value) -> String {
    let empty = serde_json::Map::new();
    canonical::document(overrides.as_object().unwrap_or(&empty), &[])
}

/// Refuses sources that name something the facts lack.
fn consistent(sources: &Sources, facts: &Facts) -> Result<(), Error> {
    import::check(facts)
        .and_then(|()| import::buildable(facts))
        .map_err(|error| error.in_file(source_name("facts.json")))?;
    roles(&sources.overrides, facts)
        .and_then(|()| values(&sources.overrides, facts))
        .and_then(|()| successors(&sources.overrides, facts))
        .map_err(|error| error.in_file(source_name("overrides.json")))?;
    let corrected = generate::corrected(&sources.facts, &sources.overrides)
        .map_err(|what| Error::at("values", what).in_file(source_name("overrides.json")))?;
    watch::check(&sources.watch, facts)
        .and_then(|()| polling::check(&sources.watch, facts, &corrected["schemas"]))
        .map_err(|error| error.in_file(source_name("watch.json")))
}

fn roles(overrides: &Value, facts: &Facts) -> Result<(), Error> {
    let known = Roles::from_overrides(overrides)?;
    for operation in &facts.operations {
        if let Some(role) = operation.roles.iter().find(|role| !known.contains(role)) {
            let what = format!("{} needs \"{}\": add it", operation.id, shown(role));
            return Err(Error::at("roles", what));
        }
    }
    Ok(())
}

/// Each key of `values` is `Schema.field`, with `[]` behind a list, and each entry has a reason.
fn values(overrides: &Value, facts: &Facts) -> Result<(), Error> {
    let values = overrides["values"].as_object();
    let values = values.ok_or_else(|| Error::at("values", "missing: expected an object"))?;
    for (key, entry) in values {
        let place = format!("values.{key}");
        let (schema, field) = key.split_once('.').unwrap_or((key, ""));
        let schema = facts.schemas.get(schema);
        if !schema.is_some_and(|schema| has_property(schema, field.trim_end_matches("[]"))) {
            let what = "unknown field: expected Schema.field";
            return Err(Error::at(place, what));
        }
        if entry["reason"].as_str().is_none_or(str::is_empty) {
            return Err(Error::at(format!("{place}.reason"), "missing"));
        }
        for key in ["relax", "values"] {
            let strings = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_string);
            if let Some(list) = entry.get(key)
                && !list.as_array().is_some_and(strings)
            {
                let what = "expected a list of strings";
                return Err(Error::at(format!("{place}.{key}"), what));
            }
        }
    }
    Ok(())
}

fn has_property(schema: &Value, field: &str) -> bool {
    schema["properties"].get(field).is_some()
        || schema["allOf"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|part| has_property(part, field))
}

/// Each operation that ends and its successor are in the facts, and each row has a reason.
fn successors(overrides: &Value, facts: &Facts) -> Result<(), Error> {
    let rows = overrides["successors"].as_object();
    let rows = rows.ok_or_else(|| Error::at("successors", "missing: expected an object"))?;
    for (id, row) in rows {
        let place = format!("successors.{id}");
        if facts.operation(id).is_none() {
            return Err(Error::at(place, "unknown operation: correct the id"));
        }
        let successor = row["successor"].as_str().unwrap_or_default();
        if facts.operation(successor).is_none() || successor == id {
            let what = format!(
                "invalid successor \"{}\": expected the id of another operation",
                shown(successor)
            );
            return Err(Error::at(format!("{place}.successor"), what));
        }
        if row["reason"].as_str().is_none_or(str::is_empty) {
            return Err(Error::at(format!("{place}.reason"), "missing"));
        }
    }
    Ok(())
}

const MEND: &str = "cargo run -p atlas-codegen -- generate";
