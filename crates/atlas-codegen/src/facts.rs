//! The facts of the API, and their canonical form in `fixtures/api/facts.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::canonical::{self, Kind};
use crate::error::{Error, shown};
use crate::keys;

/// Every operation, shared parameter and schema. `fixtures/api/README.md` describes the fields.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    pub(crate) openapi: String,
    pub(crate) source: String,
    pub(crate) date: String,
    pub(crate) servers: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) schemas: BTreeMap<String, Value>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) tag: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) short: Option<String>,
    #[serde(default)]
    pub(crate) verb: Verb,
    #[serde(default)]
    pub(crate) custom: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
    pub(crate) security: Option<Value>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    pub(crate) parameters: Vec<Value>,
    pub(crate) body: Option<String>,
    pub(crate) errors: Vec<u16>,
    #[serde(default)]
    pub(crate) bare: Vec<u16>,
    pub(crate) versions: Vec<Version>,
}

/// One version of an operation. A body is a schema, or null where the source has none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Version {
    #[serde(rename = "version")]
    pub(crate) name: String,
    pub(crate) responses: BTreeMap<String, Formats>,
    pub(crate) sunset: Option<String>,
    pub(crate) preview: Option<Value>,
    pub(crate) request: Option<Formats>,
}

/// Schemas by format: `json`, `gzip` or `csv`.
pub(crate) type Formats = BTreeMap<String, Value>;

/// The verb of an operation, if the source overrides that of its method.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Option<String>")]
pub(crate) enum Verb {
    /// The source has no override.
    #[default]
    Absent,
    /// The source marks the method as custom, without a verb.
    Unnamed,
    /// The source names a verb.
    Named(String),
}

impl From<Option<String>> for Verb {
    fn from(name: Option<String>) -> Self {
        name.map_or(Self::Unnamed, Self::Named)
    }
}

impl Facts {
    /// Parses a facts file.
    pub(crate) fn from_value(value: &Value) -> Result<Self, Error> {
        keys::facts(value)?;
        Self::deserialize(value).map_err(|error| {
            Error::at(
                "facts",
                format!("not a facts file: {}", shown(&error.to_string())),
            )
        })
    }

    /// Returns the text of the facts file: one parameter, operation or schema per line.
    pub(crate) fn to_text(&self) -> String {
        let list = |values: &[String]| canonical::line(&Value::from(values.to_vec()), Kind::Plain);
        let quoted = |value: &str| canonical::line(&Value::from(value), Kind::Plain);
        let named = |values: &BTreeMap<String, Value>, kind| {
            let lines: Vec<String> = values
                .iter()
                .map(|(name, value)| format!("{}:{}", quoted(name), canonical::line(value, kind)))
                .collect();
            lines.join(",\n")
        };
        let operations: Vec<String> = self.operations.iter().map(Operation::to_line).collect();
        format!(
            "{{\"openapi\":{},\"source\":{},\"date\":{},\"servers\":{},\n\"tags\":{},\n\
             \"parameters\":{{\n{}}},\n\"operations\":[\n{}],\n\"schemas\":{{\n{}}}}}\n",
            quoted(&self.openapi),
            quoted(&self.source),
            quoted(&self.date),
            list(&self.servers),
            list(&self.tags),
            named(&self.parameters, Kind::Parameter),
            operations.join(",\n"),
            named(&self.schemas, Kind::Schema),
        )
    }

    /// Sorts the lists: operations by id, parameters by place and name, and so on.
    pub(crate) fn sort(&mut self) {
        self.tags.sort();
        self.tags.dedup();
        self.operations.sort_by(|a, b| a.id.cmp(&b.id));
        for operation in &mut self.operations {
            operation.roles.sort();
            operation.roles.dedup();
            operation.errors.sort_unstable();
            operation.errors.dedup();
            operation.bare.sort_unstable();
            operation.bare.dedup();
            operation.versions.sort_by(|a, b| a.name.cmp(&b.name));
            let shared = &self.parameters;
            operation.parameters.sort_by_cached_key(|parameter| {
                let parameter = resolved(shared, parameter);
                let field = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
                (field("in"), field("name"))
            });
        }
    }

    /// Returns the operation with this id.
    pub(crate) fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// Returns a parameter of an operation, with its reference resolved.
    pub(crate) fn parameter<'a>(&'a self, parameter: &'a Value) -> &'a Value {
        resolved(&self.parameters, parameter)
    }
}

/// Returns a parameter, with its reference into `shared` resolved.
pub(crate) fn resolved<'a>(shared: &'a BTreeMap<String, Value>, parameter: &'a Value) -> &'a Value {
    let name = parameter.get("$ref").and_then(Value::as_str);
    name.and_then(|name| shared.get(name)).unwrap_or(parameter)
}

impl Operation {
    /// Returns the method and the path, which stay the same if the id changes.
    pub(crate) fn request_line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn to_line(&self) -> String {
        let mut line = Line::new();
        line.field("id", &Value::from(self.id.as_str()));
        line.field("tag", &Value::from(self.tag.as_str()));
        line.field("method", &Value::from(self.method.as_str()));
        line.field("path", &Value::from(self.path.as_str()));
        line.optional("short", self.short.as_deref());
        match &self.verb {
            Verb::Absent => {}
            Verb::Unnamed => line.field("verb", &Value::Null),
            Verb::Named(verb) => line.field("verb", &Value::from(verb.as_str())),
        }
        line.flag("custom", self.custom);
        line.flag("deprecated", self.deprecated);
        if let Some(security) = &self.security {
            line.field("security", security);
        }
        if !self.roles.is_empty() {
            line.field("roles", &Value::from(self.roles.clone()));
        }
        line.raw("parameters", |out| {
            list(out, &self.parameters, Kind::Parameter);
        });
        line.optional("body", self.body.as_deref());
        line.field("errors", &Value::from(self.errors.clone()));
        if !self.bare.is_empty() {
            line.field("bare", &Value::from(self.bare.clone()));
        }
        let versions: Vec<String> = self.versions.iter().map(Version::to_line).collect();
        line.raw("versions", |out| {
            out.push('[');
            out.push_str(&versions.join(","));
            out.push(']');
        });
        line.end()
    }
}

impl Version {
    /// Returns each schema of the version with its place (`request json`, `200 json`).
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (String, &Value)> {
        let request = self
            .request
            .iter()
            .flatten()
            .map(|(format, schema)| (format!("request {format}"), schema));
        let responses = self.responses.iter().flat_map(|(status, formats)| {
            formats
                .iter()
                .map(move |(format, schema)| (format!("{status} {format}"), schema))
        });
        request.chain(responses)
    }

    fn to_line(&self) -> String {
        let mut line = Line::new();
        line.field("version", &Value::from(self.name.as_str()));
        line.raw("responses", |out| {
            let mut inner = Line::new();
            for (status, formats) in &self.responses {
                inner.raw(status, |out| schemas(out, formats));
            }
            out.push_str(&inner.end());
        });
        line.optional("sunset", self.sunset.as_deref());
        if let Some(preview) = &self.preview {
            line.field("preview", preview);
        }
        if let Some(request) = &self.request {
            line.raw("request", |out| schemas(out, request));
        }
        line.end()
    }
}

fn schemas(out: &mut String, formats: &Formats) {
    let mut line = Line::new();
    for (format, schema) in formats {
        line.raw(format, |out| canonical::write(out, schema, Kind::Schema));
    }
    out.push_str(&line.end());
}

fn list(out: &mut String, values: &[Value], kind: Kind) {
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        canonical::write(out, value, kind);
    }
    out.push(']');
}

/// Writes an object on one line, without changing the order of its fields.
struct Line(String);

impl Line {
    fn new() -> Self {
        Self(String::from("{"))
    }

    fn raw(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        canonical::text(&mut self.0, name);
        self.0.push(':');
        write(&mut self.0);
    }

    fn field(&mut self, name: &str, value: &Value) {
        self.raw(name, |out| canonical::write(out, value, Kind::Plain));
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.field(name, &Value::from(value));
        }
    }

    fn flag(&mut self, name: &str, set: bool) {
        if set {
            self.field(name, &Value::Bool(true));
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
