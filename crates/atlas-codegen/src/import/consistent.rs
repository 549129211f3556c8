//! Refuses facts that contradict themselves.

use std::collections::BTreeSet;

use super::{dangling, prose, references, shape};
use crate::canonical::Kind;
use crate::error::{Error, shown};
use crate::facts::Facts;

/// Refuses facts with an invalid date, unresolved references, or duplicate operations or parts of
/// them.
pub(crate) fn check(facts: &Facts) -> Result<(), Error> {
    prose::date(&facts.date, "date")?;
    duplicates(facts)?;
    let mut missing: Option<(String, String)> = None;
    let mut found = |name: &str, place: &str| {
        if missing.is_none() && !facts.schemas.contains_key(name) {
            missing = Some((place.to_owned(), name.to_owned()));
        }
    };
    for (name, schema) in &facts.schemas {
        references(
            schema,
            Kind::Schema,
            &format!("components.schemas.{name}"),
            &mut found,
        );
    }
    for (name, parameter) in &facts.parameters {
        references(
            parameter,
            Kind::Parameter,
            &format!("components.parameters.{name}"),
            &mut found,
        );
    }
    for operation in &facts.operations {
        let place = format!(
            "paths.{}.{}",
            operation.path,
            operation.method.to_lowercase()
        );
        let place_of_parameters = format!("{place}.parameters");
        for parameter in &operation.parameters {
            match parameter.get("$ref") {
                None => references(parameter, Kind::Parameter, &place_of_parameters, &mut found),
                Some(name) => {
                    let name = name.as_str().unwrap_or_default();
                    if !facts.parameters.contains_key(name) {
                        return Err(dangling(&place_of_parameters, "parameters", name));
                    }
                }
            }
        }
        for version in &operation.versions {
            for (body, schema) in version.bodies() {
                let place = format!("{place} {} {body}", version.name);
                references(schema, Kind::Schema, &place, &mut found);
            }
        }
    }
    missing.map_or(Ok(()), |(place, name)| {
        Err(dangling(&place, "schemas", &name))
    })
}

fn duplicates(facts: &Facts) -> Result<(), Error> {
    let (mut ids, mut lines) = (BTreeSet::new(), BTreeSet::new());
    for operation in &facts.operations {
        let place = format!("operations.{}", operation.id);
        let duplicate =
            |what: String| Err(Error::at(&place, format!("duplicate {what}: remove one")));
        if !ids.insert(&operation.id) {
            return duplicate("id".to_owned());
        }
        if !lines.insert((&operation.method, shape(&operation.path))) {
            return duplicate(shown(&operation.request_line()));
        }
        let mut versions = BTreeSet::new();
        for version in &operation.versions {
            if !versions.insert(&version.name) {
                return duplicate(format!("version {}", shown(&version.name)));
            }
        }
        let mut parameters = BTreeSet::new();
        for parameter in &operation.parameters {
            let parameter = facts.parameter(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            if !parameters.insert((parameter["in"].as_str(), name)) {
                return duplicate(format!("parameter \"{}\"", shown(name)));
            }
        }
    }
    Ok(())
}
