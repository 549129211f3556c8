//! Checks that the sources agree with each other, and that generated files are up to date.

pub(crate) mod polling;
pub(crate) mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::canonical;
use crate::error::{Error, shown};
use crate::facts::Facts;
use crate::format::same;
use crate::generate;
use crate::import::{self, Roles};
use crate::names::Names;
use crate::read;
use crate::store::{FOLDER, Sources, source_name};

/// The expected content of every file: sources in canonical form, and generated files.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
    /// Changes in the lock of names.
    pub(crate) notes: Vec<String>,
}

/// Generates every file from the sources.
pub(crate) fn expected(sources: &Sources) -> Result<Expected, Error> {
    let mut facts = sources.typed_facts()?;
    facts.sort();
    let mut names = sources.typed_names()?;
    let notes = names.update(&facts);
    let result = names
        .name_operations(&facts)
        .and_then(|()| names.name_types(&facts, &sources.facts, &sources.overrides));
    if let Err(error) = result {
        // Errors in other sources are reported first.
        consistent(sources, &facts)?;
        return Err(error.in_file(source_name("names.json")));
    }
    released(&sources.root, &names).map_err(|error| error.in_file(source_name("names.json")))?;
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

/// Refuses names whose meaning has changed since they were added to the list of names.
fn released(root: &Path, names: &Names) -> Result<(), Error> {
    let Ok(list) = fs::read_to_string(root.join(FOLDER).join("golden/names.txt")) else {
        return Ok(());
    };
    let meanings = names.meanings();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, meant)) = line.split_once(" = ") else {
            continue;
        };
        match meanings.get(name) {
            Some(now) if now.contains(meant) => {}
            _ => {
                let what = format!(
                    "{} no longer means {}: restore it, and give the new item another name",
                    shown(name),
                    shown(meant)
                );
                return Err(Error::at("names", what));
            }
        }
    }
    Ok(())
}

/// Returns one line for each file that differs from `expected`.
pub(crate) fn stale(sources: &Sources, expected: &Expected) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, bytes) in &expected.files {
        let name = path.strip_prefix(&sources.root).unwrap_or(path).display();
        match fs::read(path) {
            Ok(present) if same(path, &present, bytes) => {}
            Ok(_) => lines.push(format!("{name} is out of date: run {HINT}")),
            Err(_) => lines.push(format!("{name} is missing: run {HINT}")),
        }
    }
    for path in leftovers(&sources.root, &expected.files) {
        let name = path.strip_prefix(&sources.root).unwrap_or(&path).display();
        lines.push(format!("{name} is no longer generated: run {HINT}"));
    }
    lines
}

/// Finds files in the folder of generated modules that are not generated.
pub(crate) fn leftovers(root: &Path, files: &[(PathBuf, Vec<u8>)]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(generate::model::FOLDER)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !files.iter().any(|(known, _)| *known == path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn overrides_text(overrides: &Value) -> String {
    let empty = serde_json::Map::new();
    canonical::document(overrides.as_object().unwrap_or(&empty), &[])
}

/// Refuses sources that name items missing from the facts.
fn consistent(sources: &Sources, facts: &Facts) -> Result<(), Error> {
    import::check(facts)
        .and_then(|()| import::buildable(facts))
        .map_err(|error| error.in_file(source_name("facts.json")))?;
    roles(&sources.overrides, facts)
        .and_then(|()| values(&sources.overrides, facts))
        .and_then(|()| successors(&sources.overrides, facts))
        .and_then(|()| types(&sources.overrides, facts))
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

/// Checks that each key of `values` is `Schema.field`, with `[]` after a list, and each entry has a
/// reason.
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

/// Checks that each row of `types` is about a field or a parameter, has a reason, and names a known
/// type.
fn types(overrides: &Value, facts: &Facts) -> Result<(), Error> {
    let mut named = BTreeSet::new();
    for schema in facts.schemas.values() {
        fields(schema, &mut named);
    }
    let parameters = facts.operations.iter().flat_map(|it| &it.parameters);
    let parameters = parameters.filter_map(|it| facts.parameter(it)["name"].as_str());
    named.extend(parameters.map(str::to_owned));
    for (key, row) in overrides["types"].as_object().into_iter().flatten() {
        let place = format!("types.{key}");
        let kind = row["type"].as_str().unwrap_or_default();
        if !generate::model::TYPES.contains(&kind) {
            let known = generate::model::TYPES.join(", ");
            let what = format!("unknown type \"{}\": expected one of {known}", shown(kind));
            return Err(Error::at(place, what));
        }
        if row["reason"]
            .as_str()
            .is_none_or(|reason| reason.len() < 10)
        {
            return Err(Error::at(
                place,
                "missing reason: expected at least 10 characters",
            ));
        }
        let name = key.trim_end_matches(['[', ']', '{', '}']);
        let known = match name.split_once('.') {
            Some((schema, field)) => {
                let schema = facts.schemas.get(schema);
                schema.is_some_and(|schema| has_property(schema, field))
            }
            None => named.contains(name),
        };
        // The small descriptions of tests lack most of the fields.
        if !known && facts.schemas.len() > 100 {
            return Err(Error::at(
                place,
                "unknown field: expected a field or Schema.field",
            ));
        }
    }
    Ok(())
}

/// The names of all fields of a schema and of the schemas inside it.
fn fields(schema: &Value, named: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                named.extend(properties.keys().cloned());
            }
            map.values().for_each(|inner| fields(inner, named));
        }
        Value::Array(items) => items.iter().for_each(|inner| fields(inner, named)),
        _ => {}
    }
}

/// Checks that each operation and its successor are in the facts, and each row has a reason.
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

const HINT: &str = "cargo run -p atlas-codegen -- generate";
