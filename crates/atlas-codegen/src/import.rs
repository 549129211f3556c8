//! Converts an OpenAPI 3.0 description into facts, with allow-lists of keywords.

mod buildable;
mod consistent;
mod media;
mod operation;
mod parameter;
mod prose;
mod report;
mod roles;
mod schema;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub(crate) use buildable::buildable;
pub(crate) use consistent::check;
pub(crate) use parameter::PARAMETER as PARAMETER_KEYS;
pub(crate) use report::Report;
pub(crate) use roles::Roles;
pub(crate) use schema::{KEYWORDS as SCHEMA_KEYS, check_type, references};

use crate::canonical::Kind;
use crate::error::{Error, escaped, shown};
use crate::facts::Facts;

/// The inputs of an import, in addition to the description.
#[derive(Debug)]
pub(crate) struct Options {
    /// The revision of the description, if it has none in `info.x-xgen-sha`.
    pub(crate) source: Option<String>,
    /// The date on which the description was published, as YYYY-MM-DD.
    pub(crate) date: String,
    /// The roles that may become facts.
    pub(crate) roles: Roles,
}

/// Reads the facts from a description.
pub(crate) fn import(root: &Value, options: &Options) -> Result<(Facts, Report), Error> {
    let root = object(root, "description")?;
    let openapi = version(root)?;
    let mut report = Report::default();
    keywords(root, ROOT, "description", &mut report);
    let source = source(root, options, &mut report)?;
    let empty = Map::new();
    let components = match root.get("components") {
        Some(components) => object(components, "components")?,
        None => &empty,
    };
    keywords(components, COMPONENTS, "components", &mut report);

    let description = Description {
        components,
        options,
    };
    let mut facts = Facts {
        openapi,
        source,
        date: options.date.clone(),
        servers: servers(root, &mut report)?,
        tags: Vec::new(),
        parameters: description.shared_parameters(&mut report)?,
        operations: Vec::new(),
        schemas: description.schemas(&mut report)?,
    };
    description.operations(root, &mut facts, &mut report)?;
    facts.tags = facts
        .operations
        .iter()
        .map(|operation| operation.tag.clone())
        .collect();
    facts.sort();
    unused_tags(root, &facts, &mut report);
    check(&facts)?;
    buildable(&facts)?;
    Ok((facts, report))
}

/// The parts of a description that operations refer to.
struct Description<'a> {
    components: &'a Map<String, Value>,
    options: &'a Options,
}

impl<'a> Description<'a> {
    fn section(&self, name: &str) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Error> {
        let section = match self.components.get(name) {
            Some(section) => Some(object(section, &format!("components.{name}"))?),
            None => None,
        };
        Ok(section.into_iter().flatten())
    }

    fn shared_parameters(&self, report: &mut Report) -> Result<BTreeMap<String, Value>, Error> {
        let mut parameters = BTreeMap::new();
        for (name, value) in self.section("parameters")? {
            let place = format!("components.parameters.{name}");
            prose::name(name, "components.parameters")?;
            parameters.insert(name.clone(), parameter::parameter(value, &place, report)?);
        }
        Ok(parameters)
    }

    fn schemas(&self, report: &mut Report) -> Result<BTreeMap<String, Value>, Error> {
        let mut schemas = BTreeMap::new();
        for (name, value) in self.section("schemas")? {
            let place = format!("components.schemas.{name}");
            prose::name(name, "components.schemas")?;
            schemas.insert(
                name.clone(),
                schema::take(value, Kind::Schema, &place, report)?,
            );
        }
        Ok(schemas)
    }

    /// Resolves references into a section of the components.
    fn resolve(&self, value: &'a Value, section: &str, place: &str) -> Result<&'a Value, Error> {
        let mut value = value;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = value.get("$ref") else {
                return Ok(value);
            };
            let name = schema::reference_name(reference, section, place)?;
            let target = self
                .components
                .get(section)
                .and_then(|section| section.get(&name));
            value = target.ok_or_else(|| dangling(place, section, &name))?;
        }
        Err(Error::at(place, "circular reference"))
    }

    fn operations(
        &self,
        root: &'a Map<String, Value>,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), Error> {
        let paths = root
            .get("paths")
            .ok_or_else(|| Error::at("paths", "missing: expected the API's paths"))?;
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for (path, item) in object(paths, "paths")? {
            if path.starts_with("x-") {
                report.keyword(path, "paths");
                continue;
            }
            let place = format!("paths.{path}");
            let item = object(item, &place)?;
            keywords(item, ITEM, &place, report);
            for method in METHODS {
                let Some(value) = item.get(method) else {
                    continue;
                };
                let place = format!("{place}.{method}");
                let shape = format!("{method} {}", shape(path));
                if let Some(other) = seen.insert(shape, place.clone()) {
                    let what = format!("same method and path as {}", escaped(&other));
                    return Err(Error::at(place, what));
                }
                let source = operation::Source {
                    path,
                    method,
                    item,
                    place: &place,
                };
                let Some(operation) = self.operation(&source, value, &facts.parameters, report)?
                else {
                    continue;
                };
                if let Some(other) = ids.insert(operation.id.clone(), place.clone()) {
                    let what = format!(
                        "duplicate operationId \"{}\": also at {}",
                        shown(&operation.id),
                        escaped(&other)
                    );
                    return Err(Error::at(format!("{place}.operationId"), what));
                }
                facts.operations.push(operation);
            }
        }
        Ok(())
    }
}

fn version(root: &Map<String, Value>) -> Result<String, Error> {
    let expected = "expected OpenAPI 3.0";
    if let Some(version) = root.get("swagger") {
        let version = shown(version.as_str().unwrap_or("2.0"));
        return Err(Error::at(
            "swagger",
            format!("this is OpenAPI {version}: {expected}"),
        ));
    }
    match root.get("openapi") {
        Some(Value::String(version)) if version == "3.0" || version.starts_with("3.0.") => {
            Ok(version.clone())
        }
        Some(Value::String(version)) => {
            let what = format!("this is OpenAPI {}: {expected}", shown(version));
            Err(Error::at("openapi", what))
        }
        Some(_) => Err(Error::at(
            "openapi",
            format!("not a string: {expected}, such as \"3.0.1\""),
        )),
        None => Err(Error::at("openapi", format!("missing: {expected}"))),
    }
}

fn source(
    root: &Map<String, Value>,
    options: &Options,
    report: &mut Report,
) -> Result<String, Error> {
    let mut named = None;
    if let Some(info) = root.get("info") {
        let info = object(info, "info")?;
        keywords(info, &["x-xgen-sha"], "info", report);
        named = info.get("x-xgen-sha").and_then(Value::as_str);
    }
    let source = options.source.as_deref().or(named);
    let place = "info.x-xgen-sha";
    let source = source.ok_or_else(|| {
        Error::at(
            place,
            "missing: pass the revision of the description by --source",
        )
    })?;
    prose::identifier(source, place)?;
    Ok(source.to_owned())
}

/// Parses a date given as an argument.
pub(crate) fn date(text: &str) -> Result<String, &'static str> {
    if prose::is_date(text) {
        return Ok(text.to_owned());
    }
    Err("expected a date as YYYY-MM-DD, such as 2025-03-12")
}

fn servers(root: &Map<String, Value>, report: &mut Report) -> Result<Vec<String>, Error> {
    let Some(servers) = root.get("servers") else {
        return Ok(Vec::new());
    };
    let list = servers
        .as_array()
        .ok_or_else(|| Error::at("servers", "expected a list"))?;
    let mut urls = Vec::new();
    for (index, server) in list.iter().enumerate() {
        let place = format!("servers[{index}]");
        let server = object(server, &place)?;
        keywords(server, &["url"], &place, report);
        let url = server.get("url").and_then(Value::as_str);
        let place = format!("{place}.url");
        let url = url.ok_or_else(|| Error::at(&place, "missing"))?;
        prose::server(url, &place)?;
        urls.push(url.to_owned());
    }
    Ok(urls)
}

fn unused_tags(root: &Map<String, Value>, facts: &Facts, report: &mut Report) {
    let used: BTreeSet<&str> = facts.tags.iter().map(String::as_str).collect();
    let tags = root.get("tags").and_then(Value::as_array);
    for (index, tag) in tags.into_iter().flatten().enumerate() {
        let place = format!("tags[{index}]");
        if let Some(tag) = tag.as_object() {
            keywords(tag, &["name"], &place, report);
        }
        match tag.get("name").and_then(Value::as_str) {
            Some(name) if used.contains(name) => {}
            Some(name) => {
                report.note(
                    &place,
                    &format!("tag \"{}\" has no operation: left out", shown(name)),
                );
            }
            None => report.note(&place, "tag without a name: left out"),
        }
    }
}

/// A path with blanked parameter names: paths of the same shape are ambiguous.
fn shape(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for character in path.chars() {
        match character {
            '{' => inside = true,
            '}' => {
                inside = false;
                shape.push_str("{}");
            }
            other if !inside => shape.push(other),
            _ => {}
        }
    }
    shape
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, Error> {
    value
        .as_object()
        .ok_or_else(|| Error::at(place, "expected an object"))
}

fn text(map: &Map<String, Value>, key: &str, place: &str) -> Result<Option<String>, Error> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::at(format!("{place}.{key}"), "expected a string")),
    }
}

/// Reads true or false, also as strings, which extensions use.
fn flag(map: &Map<String, Value>, key: &str, place: &str) -> Result<Option<bool>, Error> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if key == "public" || key == "customMethod" => {
            match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(Error::at(
                    format!("{place}.{key}"),
                    "expected true or false",
                )),
            }
        }
        Some(_) => Err(Error::at(
            format!("{place}.{key}"),
            "expected true or false",
        )),
    }
}

/// Reports the keywords that are not allowed here.
fn keywords(map: &Map<String, Value>, allowed: &[&str], place: &str, report: &mut Report) {
    for key in map.keys().filter(|key| !allowed.contains(&key.as_str())) {
        report.keyword(key, place);
    }
}

fn dangling(place: &str, section: &str, name: &str) -> Error {
    let what = format!(
        "#/components/{section}/{} does not exist: add it",
        shown(name)
    );
    Error::at(place, what)
}

/// The methods that become operations.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];

const ROOT: &[&str] = &["openapi", "info", "servers", "tags", "paths", "components"];
const COMPONENTS: &[&str] = &["parameters", "requestBodies", "responses", "schemas"];
const ITEM: &[&str] = &["delete", "get", "parameters", "patch", "post", "put"];

/// The maximum depth of chained references; the published description has none.
const MAX_REFERENCES: usize = 8;
