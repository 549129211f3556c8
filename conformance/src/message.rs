//! What a suite and a client under test say to each other: JSON, one object a line.

use std::collections::BTreeMap;

use atlas_catalog::{Body, Operation, Place};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::case::{Call, Credentials, Outcome, QueryValue};
use crate::fixtures::{example, operation};
use crate::variables::Variables;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// What the suite says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Who are you?
    Hello {
        /// The version that the suite speaks.
        protocol: u32,
    },
    /// Forget clients, connections, challenges and tokens.
    Reset {},
    /// Do this.
    Run(Box<Run>),
}

/// Something to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Run {
    /// Make a call.
    Call(CallMessage),
    /// Say whether a text is inside the pattern of a field.
    Pattern {
        /// The field.
        field: String,
        /// The text.
        text: String,
    },
    /// Download a snapshot to a file, going on with what an earlier run left.
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
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The parameters of the path.
    pub parameters: BTreeMap<String, String>,
    /// The parameters of the query.
    pub query: BTreeMap<String, QueryValue>,
    /// The body, which goes out as JSON in whatever style.
    pub body: Option<Value>,
    /// The version to ask for.
    pub version: String,
    /// The format to ask for: `json`, or `gzip` or `csv` where the operation has no other.
    pub format: String,
    /// Whether the status is asked for inside the body.
    pub envelope: bool,
    /// Whether an indented body is asked for.
    pub pretty: bool,
    /// Whether a list is read to its end, instead of one page of it.
    #[serde(default)]
    pub list: bool,
    /// What proves who is calling.
    pub auth: Credentials,
    /// How long to wait for an answer, in milliseconds.
    pub timeout_ms: u64,
    /// How long to wait before a first retry where the server does not say, in milliseconds.
    pub retry_ms: u64,
}

/// A download.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadMessage {
    /// The server: scheme, host and port.
    pub url: String,
    /// The project.
    pub project: String,
    /// The Flex cluster.
    pub cluster: String,
    /// The snapshot.
    pub snapshot: String,
    /// The file.
    pub out: String,
    /// Whether a file of that name may be replaced.
    pub replace: bool,
    /// The access token.
    pub token: String,
}

/// Who a client under test is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hello {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it can do: `call`, `bearer`, `digest`, `oauth`, `envelope`, `pattern`, `download`,
    /// `list`.
    pub abilities: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// Everything it printed, logged or gave as an error.
    #[serde(default, deserialize_with = "or_default")]
    pub output: String,
    /// The answer as the caller gets it, encoded as JSON again, if the client has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// A text, or null for an empty one.
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.unwrap_or_default())
}

impl Reply {
    /// A reply without output.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            output: String::new(),
            value: None,
        }
    }
}

impl CallMessage {
    /// The message for a case's call; the error says what is wrong with the case.
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

/// The body of a call: the case's, or the operation's example where it needs one.
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

/// The operation with this id.
pub(crate) fn find(id: &str) -> Result<Operation, String> {
    Operation::find(id).ok_or_else(|| format!("unknown operation {id:?}"))
}

/// The names of an operation's parameters in the path.
pub(crate) fn in_path(operation: Operation) -> impl Iterator<Item = &'static str> {
    let parameters = operation.parameters().iter();
    let in_path = parameters.filter(|parameter| parameter.place == Place::Path);
    in_path.map(|parameter| parameter.name.as_str())
}

/// The value that the documented page, or the default world, has for a parameter.
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
