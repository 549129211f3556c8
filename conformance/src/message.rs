//! What a suite and a client under test say to each other: JSON, one object a line.

use std::collections::BTreeMap;

use atlas_catalog::{Body, Operation, Place};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{Call, Credentials, Outcome};
use crate::fixture;

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
    pub query: BTreeMap<String, String>,
    /// The body, which goes out as JSON in whatever style.
    pub body: Option<Value>,
    /// The version to ask for.
    pub version: String,
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
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// Everything it printed, logged or gave as an error.
    #[serde(default)]
    pub output: String,
}

impl CallMessage {
    /// The message for a case's call; the error says what is wrong with the case.
    pub(crate) fn of(call: &Call, url: &str) -> Result<Self, String> {
        let operation = find(&call.operation)?;
        let mut parameters = BTreeMap::new();
        for name in in_path(operation) {
            let given = call.parameters.get(name).cloned();
            let value = given.unwrap_or_else(|| documented(name).to_owned());
            parameters.insert(name.to_owned(), value);
        }
        let body = match &call.body {
            None if operation.body() == Body::Required => {
                let page = fixture::operation(fixture::DOCUMENTED);
                Some(page.map_err(|error| error.to_string())?.request)
            }
            body => body.clone(),
        };
        let newest = operation.version(None);
        let newest = newest.map_or_else(String::new, |version| version.name.clone());
        Ok(Self {
            url: url.to_owned(),
            operation: call.operation.clone(),
            method: operation.method().to_string(),
            path: operation.path(),
            parameters,
            query: call.query.clone(),
            body,
            version: call.version.clone().unwrap_or(newest),
            envelope: call.envelope,
            pretty: call.pretty,
            list: call.list,
            auth: call.auth.clone(),
            timeout_ms: call.timeout_ms,
            retry_ms: 1,
        })
    }
}

/// The operation with this id.
pub(crate) fn find(id: &str) -> Result<Operation, String> {
    Operation::find(id).ok_or_else(|| format!("no operation {id}"))
}

/// The names of an operation's parameters in the path.
pub(crate) fn in_path(operation: Operation) -> impl Iterator<Item = &'static str> {
    let parameters = operation.parameters().iter();
    let in_path = parameters.filter(|parameter| parameter.place == Place::Path);
    in_path.map(|parameter| parameter.name.as_str())
}

/// The value that the documented page, or the sandbox's first world, has for a parameter.
fn documented(parameter: &str) -> &'static str {
    match parameter {
        "clusterName" => atlas_sandbox::CLUSTER,
        "name" => atlas_sandbox::FLEX_CLUSTER,
        "databaseName" => "sample",
        "collectionName" => "people",
        _ => atlas_sandbox::PROJECT,
    }
}
