//! The protocol between the suite and a client under test: one JSON object per line.

use std::collections::BTreeMap;

use atlas_catalog::{Body, Operation, Place};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::case::{Call, Credentials, Outcome, QueryValue};
use crate::fixtures::{example, operation};
use crate::variables::Variables;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// A message of the suite.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Requests name, version and abilities.
    Hello {
        /// The version of the suite's protocol.
        protocol: u32,
    },
    /// Drops clients, connections, challenges and tokens.
    Reset {},
    /// Runs a task.
    Run(Box<Run>),
}

impl Request {
    /// The key of the message.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Reset {} => "reset",
            Self::Run(_) => "run",
        }
    }
}

/// A task for a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Run {
    /// Makes a call.
    Call(CallMessage),
    /// Reports whether a text matches the pattern of a field.
    Pattern {
        /// The field.
        field: String,
        /// The text.
        text: String,
    },
    /// Downloads a snapshot to a file, resuming an earlier run.
    Download(DownloadMessage),
}

/// A call. `path` is a template: each `{name}` is a parameter, to be percent-encoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallMessage {
    /// The server: scheme, host and port.
    pub url: String,
    /// The operation's id.
    pub operation: String,
    /// The method.
    pub method: String,
    /// The path template.
    pub path: String,
    /// The path parameters.
    pub parameters: BTreeMap<String, String>,
    /// The query parameters.
    pub query: BTreeMap<String, QueryValue>,
    /// The body, to be sent as JSON in any style.
    pub body: Option<Value>,
    /// The requested version.
    pub version: String,
    /// The requested format: `json`, or `gzip` or `csv` if the operation has no other.
    pub format: String,
    /// Whether to request an envelope.
    pub envelope: bool,
    /// Whether to request an indented body.
    pub pretty: bool,
    /// Whether to read all pages of a list instead of one.
    #[serde(default)]
    pub list: bool,
    /// The credentials.
    pub auth: Credentials,
    /// The timeout for a response, in milliseconds.
    pub timeout_ms: u64,
    /// The wait before the first retry in milliseconds, unless the server states one.
    pub retry_ms: u64,
}

/// A download.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadMessage {
    /// The server: scheme, host and port.
    pub url: String,
    /// The id of the project.
    pub project: String,
    /// The name of the Flex cluster.
    pub cluster: String,
    /// The id of the snapshot.
    pub snapshot: String,
    /// The path of the target file.
    pub out: String,
    /// Whether an existing file may be replaced.
    pub replace: bool,
    /// The access token.
    pub token: String,
}

/// The abilities that a client can name.
pub const ABILITIES: [&str; 9] = [
    "call", "bearer", "digest", "oauth", "envelope", "pattern", "download", "retry", "list",
];

/// A client's description of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hello {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The abilities, each of [`ABILITIES`].
    pub abilities: Vec<String>,
}

/// A client's reply to a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// The outcome.
    pub outcome: Outcome,
    /// All printed, logged and error texts.
    #[serde(default, deserialize_with = "or_default")]
    pub output: String,
    /// The response as returned to the caller, encoded as JSON, if the client has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// Reads a text; null is empty.
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.unwrap_or_default())
}

impl Reply {
    /// Returns a reply without output.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            output: String::new(),
            value: None,
        }
    }
}

impl CallMessage {
    /// Returns the message for the call of a case, or the problem of the case.
    pub(crate) fn of(call: &Call, url: &str) -> Result<Self, String> {
        let operation = find(&call.operation)?;
        let world = Variables::default_world().map_err(|error| error.to_string())?;
        let mut parameters = BTreeMap::new();
        for name in in_path(operation) {
            let given = call.parameters.get(name).cloned();
            let value = given.unwrap_or_else(|| usual(name, &world));
            parameters.insert(name.to_owned(), value);
        }
        let newest = operation.version(None);
        let asked = operation.version(call.version.as_deref()).or(newest);
        let formats: Vec<&str> = asked.map_or_else(Vec::new, |it| it.formats().collect());
        let format = formats.iter().find(|it| **it == "json").or(formats.first());
        let newest = newest.map_or_else(String::new, |version| version.name.clone());
        Ok(Self {
            url: url.to_owned(),
            operation: call.operation.clone(),
            method: operation.method().to_string(),
            path: operation.path(),
            parameters,
            query: call.query.clone(),
            body: body_of(call),
            version: call.version.clone().unwrap_or(newest),
            format: (*format.unwrap_or(&"json")).to_owned(),
            envelope: call.envelope,
            pretty: call.pretty,
            list: call.list,
            auth: call.auth.clone(),
            timeout_ms: call.timeout_ms,
            retry_ms: 1,
        })
    }
}

/// Returns the body of a call: the case's, or the operation's example if one is required.
pub(crate) fn body_of(call: &Call) -> Option<Value> {
    if call.body.is_some() {
        return call.body.clone();
    }
    let required = Operation::find(&call.operation).map(Operation::body) == Some(Body::Required);
    let page = operation(&call.operation).ok().map(|page| page.request);
    let body = page.or_else(|| example(&call.operation)?.request.clone());
    let world = Variables::default_world().unwrap_or_default();
    let wanted = required || call.example;
    body.filter(|_| wanted).map(|body| world.fill_json(&body))
}

/// Returns the operation with this id.
pub(crate) fn find(id: &str) -> Result<Operation, String> {
    Operation::find(id).ok_or_else(|| format!("unknown operation {id:?}"))
}

/// Returns the names of an operation's path parameters.
pub(crate) fn in_path(operation: Operation) -> impl Iterator<Item = &'static str> {
    let parameters = operation.parameters().iter();
    let in_path = parameters.filter(|parameter| parameter.place == Place::Path);
    in_path.map(|parameter| parameter.name.as_str())
}

/// Returns the value of a path parameter in the documented page or the default world.
fn usual(parameter: &str, world: &Variables) -> String {
    let name = match parameter {
        "clusterName" => "tenant",
        "name" => "flex",
        "databaseName" => "database",
        "collectionName" => "collection",
        _ => "project",
    };
    world.get(name).to_owned()
}
