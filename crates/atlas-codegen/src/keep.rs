//! Keeps operations that a new description has dropped.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::canonical::Kind;
use crate::error::{Error, shown};
use crate::facts::Facts;
use crate::import::references;

/// Copies each operation of `kept` that `new` lacks, with the schemas and parameters it needs.
///
/// Returns one line for each. Schemas and parameters that the new description still has are used
/// unchanged.
pub(crate) fn keep(
    old: &Facts,
    new: &mut Facts,
    kept: &BTreeSet<String>,
) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for id in kept {
        if new.operations.iter().any(|operation| operation.id == *id) {
            notes.push(format!(
                "{id} is listed as kept, but the description has it"
            ));
            continue;
        }
        let Some(operation) = old.operations.iter().find(|operation| operation.id == *id) else {
            let what = format!("unknown operation \"{}\": correct the id", shown(id));
            return Err(Error::at("kept", what));
        };
        let line = operation.request_line();
        if let Some(other) = new
            .operations
            .iter()
            .find(|other| other.request_line() == line)
        {
            notes.push(format!(
                "{id} is listed as kept, but the description has it as {}",
                other.id
            ));
            continue;
        }
        for parameter in &operation.parameters {
            if let Some(name) = parameter.get("$ref").and_then(Value::as_str)
                && let Some(target) = old.parameters.get(name)
            {
                new.parameters
                    .entry(name.to_owned())
                    .or_insert_with(|| target.clone());
            }
        }
        let mut wanted = Vec::new();
        for parameter in &operation.parameters {
            collect(&mut wanted, old.parameter(parameter), Kind::Parameter);
        }
        for version in &operation.versions {
            for (_, schema) in version.bodies() {
                collect(&mut wanted, schema, Kind::Schema);
            }
        }
        while let Some(name) = wanted.pop() {
            if let Some(schema) = old.schemas.get(&name)
                && !new.schemas.contains_key(&name)
            {
                collect(&mut wanted, schema, Kind::Schema);
                new.schemas.insert(name, schema.clone());
            }
        }
        new.tags.push(operation.tag.clone());
        new.operations.push(operation.clone());
        notes.push(format!("{id} is not in the description: kept"));
    }
    new.sort();
    Ok(notes)
}

fn collect(wanted: &mut Vec<String>, value: &Value, kind: Kind) {
    references(value, kind, "", &mut |name, _| wanted.push(name.to_owned()));
}
