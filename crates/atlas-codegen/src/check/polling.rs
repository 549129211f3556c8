//! Checks that each entry of `fixtures/api/watch.json` can be polled to its end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Error, shown};
use crate::facts::{Facts, Operation};

/// Refuses entries that name items missing from the facts, or whose polling can never end.
///
/// `schemas` are those of the facts, with the corrections of the overrides.
pub(super) fn check(watch: &Value, facts: &Facts, schemas: &Value) -> Result<(), Error> {
    let mut watched = BTreeSet::new();
    for (index, value) in watch.as_array().into_iter().flatten().enumerate() {
        let place = format!("[{index}]");
        entry(value, &place, facts, schemas)?;
        if !watched.insert(value["id"].as_str()) {
            let id = shown(value["id"].as_str().unwrap_or_default());
            let what = format!("{id} is watched twice: remove one");
            return Err(Error::at(format!("{place}.id"), what));
        }
    }
    Ok(())
}

/// Refuses an invalid entry; `place` is its location.
pub(crate) fn entry(
    value: &Value,
    place: &str,
    facts: &Facts,
    schemas: &Value,
) -> Result<(), Error> {
    let entry = Entry {
        value,
        place: place.to_owned(),
        call: operation(facts, value, "id", place)?,
        get: operation(facts, value, "get", place)?,
        facts,
        schemas,
    };
    entry.until()?;
    entry.params()
}

fn operation<'a>(
    facts: &'a Facts,
    entry: &Value,
    key: &str,
    place: &str,
) -> Result<&'a Operation, Error> {
    let id = entry[key].as_str().unwrap_or_default();
    let mut operations = facts.operations.iter();
    operations
        .find(|operation| operation.id == id)
        .ok_or_else(|| {
            let what = format!("unknown operation \"{}\"", shown(id));
            Error::at(format!("{place}.{key}"), what)
        })
}

/// One entry: a call, and the operation that is polled after it.
struct Entry<'a> {
    value: &'a Value,
    place: String,
    call: &'a Operation,
    get: &'a Operation,
    facts: &'a Facts,
    schemas: &'a Value,
}

impl<'a> Entry<'a> {
    fn error(&self, step: &str, what: String) -> Error {
        Error::at(format!("{}.{step}", self.place), what)
    }

    fn parameter(&self, operation: &'a Operation, name: &str) -> Option<&'a Value> {
        let parameters = operation.parameters.iter();
        let mut resolved = parameters.map(|parameter| self.facts.parameter(parameter));
        resolved.find(|parameter| parameter["name"] == name)
    }

    /// Checks that each parameter is known, has a source that always has a value, and none is
    /// missing.
    fn params(&self) -> Result<(), Error> {
        let empty = serde_json::Map::new();
        let params = self.value["params"].as_object().unwrap_or(&empty);
        for (name, source) in params {
            if self.parameter(self.get, name).is_none() {
                let what = format!("{} has no parameter \"{}\"", self.get.id, shown(name));
                return Err(self.error("params", what));
            }
            let place = format!("params.{name}");
            let source = source.as_str().unwrap_or_default();
            match source.split_once(':') {
                Some(("input", input)) => self.input(&place, input)?,
                Some(("body", path)) => self.body(&place, path)?,
                _ => {
                    let what = format!(
                        "invalid source \"{}\": expected input:NAME or body:$.PATH",
                        shown(source)
                    );
                    return Err(self.error(&place, what));
                }
            }
        }
        for parameter in &self.get.parameters {
            let parameter = self.facts.parameter(parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["required"] == true && !params.contains_key(name) {
                let what = format!("{} requires \"{}\": add it", self.get.id, shown(name));
                return Err(self.error("params", what));
            }
        }
        Ok(())
    }

    fn input(&self, place: &str, name: &str) -> Result<(), Error> {
        let id = &self.call.id;
        match self.parameter(self.call, name) {
            Some(parameter) if parameter["required"] == true => Ok(()),
            Some(_) => {
                let what = format!("parameter \"{}\" of {id} is optional", shown(name));
                Err(self.error(place, what))
            }
            None => {
                let what = format!("{id} has no parameter \"{}\"", shown(name));
                Err(self.error(place, what))
            }
        }
    }

    /// Checks that every response of the call, in each version, has the field.
    fn body(&self, place: &str, path: &str) -> Result<(), Error> {
        for version in &self.call.versions {
            for (status, formats) in &version.responses {
                let fields = self.fields(formats.get("json"), path);
                let simple = |field: &&Value| {
                    !["array", "boolean", "object"].contains(&field["type"].as_str().unwrap_or(""))
                };
                if fields.is_empty() || !fields.iter().all(simple) {
                    let what = format!(
                        "response {status} of {} {} has no string or number at {}",
                        self.call.id,
                        version.name,
                        shown(path)
                    );
                    return Err(self.error(place, what));
                }
            }
        }
        match self.call.bare.first() {
            Some(status) => {
                let what = format!("response {status} of {} has no content", self.call.id);
                Err(self.error(place, what))
            }
            None => Ok(()),
        }
    }

    /// Checks that the polled response can have each of the values, or the status.
    fn until(&self) -> Result<(), Error> {
        let get = &self.get.id;
        let name = self.value["version"].as_str().unwrap_or_default();
        let mut versions = self.get.versions.iter();
        let Some(version) = versions.find(|version| version.name == name) else {
            let what = format!("{get} has no version \"{}\"", shown(name));
            return Err(self.error("version", what));
        };
        let until = &self.value["until"];
        let Some(path) = until["path"].as_str() else {
            if !until["status"].is_u64() {
                let what = "expected a status, or a path and values".to_owned();
                return Err(self.error("until", what));
            }
            if self.value.get("fail").is_some() {
                let what = "has no effect without a path in until: remove it".to_owned();
                return Err(self.error("fail", what));
            }
            return Ok(());
        };
        let answers = version.responses.values();
        let fields: Vec<&Value> = answers
            .flat_map(|formats| self.fields(formats.get("json"), path))
            .collect();
        if fields.is_empty() {
            let what = format!("the response of {get} {name} has no field {}", shown(path));
            return Err(self.error("until.path", what));
        }
        let known: Option<Vec<&Value>> = fields
            .iter()
            .map(|field| possible_values(field))
            .collect::<Option<Vec<_>>>()
            .map(|lists| lists.into_iter().flatten().collect());
        let values = until["values"].as_array();
        let values =
            values.ok_or_else(|| self.error("until.values", "expected a list".to_owned()))?;
        let fail = self.value["fail"].as_array().into_iter().flatten();
        let steps = values.iter().map(|value| ("until.values", value));
        for (step, value) in steps.chain(fail.map(|value| ("fail", value))) {
            if step == "fail" && values.contains(value) {
                let what = format!("{value} is in until.values too: remove one");
                return Err(self.error(step, what));
            }
            if known.as_ref().is_some_and(|known| !known.contains(&value)) {
                let what = format!("{value} is not a value of {path} in the facts or overrides");
                return Err(self.error(step, what));
            }
        }
        Ok(())
    }

    /// Returns the schemas of the field at a path such as `$.a.b`; none if there is no such field.
    fn fields(&self, schema: Option<&'a Value>, path: &str) -> Vec<&'a Value> {
        let Some(steps) = path.strip_prefix("$.") else {
            return Vec::new();
        };
        let mut found: Vec<&Value> = schema.into_iter().collect();
        for step in steps.split('.') {
            let mut parts = Vec::new();
            for schema in found {
                self.parts(schema, &mut parts);
            }
            let properties = parts.iter();
            found = properties
                .filter_map(|part| part["properties"].get(step))
                .collect();
        }
        let mut parts = Vec::new();
        for schema in found {
            self.parts(schema, &mut parts);
        }
        parts
    }

    /// Returns a schema and all its components: parts of `allOf`, and members of unions.
    fn parts(&self, schema: &'a Value, parts: &mut Vec<&'a Value>) {
        if parts.iter().any(|part| std::ptr::eq(*part, schema)) {
            return;
        }
        if let Some(name) = schema["$ref"].as_str() {
            if schema["answers"].is_object() {
                parts.push(schema);
            }
            self.parts(&self.schemas[name], parts);
            return;
        }
        parts.push(schema);
        for key in ["allOf", "anyOf", "oneOf"] {
            for member in schema[key].as_array().into_iter().flatten() {
                self.parts(member, parts);
            }
        }
        let mapping = schema["discriminator"]["mapping"].as_object();
        for name in mapping
            .into_iter()
            .flatten()
            .filter_map(|(_, name)| name.as_str())
        {
            self.parts(&self.schemas[name], parts);
        }
    }
}

/// Returns the values that a part of a field can have, or nothing if it can have any.
fn possible_values(part: &Value) -> Option<Vec<&Value>> {
    let recorded = part["answers"]["values"].as_array().into_iter().flatten();
    if let Some(values) = part["enum"].as_array() {
        return Some(values.iter().chain(recorded).collect());
    }
    if part["$ref"].is_string() {
        return Some(recorded.collect());
    }
    let composed = ["allOf", "anyOf", "oneOf"].map(|key| part[key].is_array());
    // The members of a union are among the parts.
    composed.contains(&true).then(Vec::new)
}
