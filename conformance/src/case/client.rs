//! Cases for clients: a call, and what must be seen of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::once;
use crate::fixtures::DOCUMENTED;

/// A call, the server it meets, and what must be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCase {
    /// The call.
    pub call: Call,
    /// What the server answers, request by request.
    pub answers: Vec<ScriptedAnswer>,
    /// What must be seen.
    pub expect: Expectation,
    /// Other observation that conforms as well.
    #[serde(default)]
    pub or: Vec<Expectation>,
}

/// A call of an operation.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a key of its own in the cases"
)]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Call {
    /// The operation, with the documented parameters and body.
    #[serde(default = "documented_operation")]
    pub operation: String,
    /// Parameters of the path, in place of the documented ones.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Parameters of the query.
    #[serde(default)]
    pub query: BTreeMap<String, QueryValue>,
    /// The body, in place of the documented one.
    pub body: Option<Value>,
    /// The body is the operation's example.
    #[serde(default)]
    pub example: bool,
    /// The version to ask for; the documented page's, or the operation's newest.
    pub version: Option<String>,
    /// How long the client may wait for an answer, in milliseconds.
    #[serde(default = "five_seconds")]
    pub timeout_ms: u64,
    /// How the client proves who it is.
    #[serde(default = "bearer")]
    pub auth: Credentials,
    /// Asks for the status inside the body.
    #[serde(default)]
    pub envelope: bool,
    /// Asks for an indented body.
    #[serde(default)]
    pub pretty: bool,
    /// Reads a list to its end instead of one page of it.
    #[serde(default)]
    pub list: bool,
    /// How often the call is made, one after the other, by the same client.
    #[serde(default = "once")]
    pub times: u32,
}

/// A parameter of the query: one value, or several that are each sent under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryValue {
    /// One value.
    One(String),
    /// Several values.
    Several(Vec<String>),
}

impl QueryValue {
    /// All values.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

/// The credentials of the caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Credentials {
    /// An API key.
    Digest {
        /// The public key.
        user: String,
        /// The private key.
        password: String,
    },
    /// A service account.
    OAuth {
        /// The client id.
        id: String,
        /// The client secret.
        secret: String,
    },
    /// An access token.
    Bearer {
        /// The token.
        token: String,
    },
}

/// What a scripted server answers to one request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScriptedAnswer {
    /// The status; 200, or the status of `documented`.
    pub status: Option<u16>,
    /// Header lines, each character of a value one byte. `${c*N}` stands for N times c.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: Option<String>,
    /// The body as JSON, with a media type unless `headers` gives one.
    pub json: Option<Value>,
    /// A body of so many bytes, made on the way.
    pub generated: Option<u64>,
    /// The `Content-Length`, where it is not that of the body.
    pub length: Option<u64>,
    /// How long the answer takes, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// The documented answer of this status: of the documented page, or the operation's example.
    pub documented: Option<u16>,
    /// Puts `documented` into an envelope.
    #[serde(default)]
    pub envelope: bool,
    /// Another form of the body.
    pub raw: Option<RawBody>,
    /// Interim statuses (1xx) that go ahead.
    #[serde(default)]
    pub interim: Vec<u16>,
    /// Says `Connection: close`, and closes.
    #[serde(default)]
    pub close: bool,
    /// Does something worse than answering.
    pub fault: Option<AnswerFault>,
}

/// A body in another form than a length and its bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawBody {
    /// In chunks (RFC 9112 section 7.1).
    Chunked(Vec<String>),
    /// In place of the whole answer, each character one byte.
    Bytes(String),
}

/// What a server does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnswerFault {
    /// Ends the connection.
    Close,
    /// Says nothing, and keeps the connection.
    Stall,
    /// Ends the connection after so many bytes of the body.
    BreakAt(u64),
    /// Says nothing more after so many bytes of the body.
    StallAt(u64),
}

/// What must be seen of a call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The requests, all of them, in their order.
    #[serde(default)]
    pub requests: Vec<SeenRequest>,
    /// How the last call ends.
    pub outcome: Outcome,
    /// Texts that must appear in no output and in no request.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// How long all of it may take, in seconds.
    pub seconds: Option<u64>,
    /// How much memory the client may come to use, in MiB.
    pub mebibytes: Option<u64>,
}

/// What must be seen of one request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeenRequest {
    /// The method.
    pub method: Option<String>,
    /// The raw target.
    pub target: Option<String>,
    /// The body, as text.
    pub body: Option<String>,
    /// The body is the call's, as JSON.
    #[serde(default)]
    pub sent: bool,
    /// How long after the request before this one it may come, in milliseconds.
    #[serde(default)]
    pub not_before_ms: u64,
    /// Headers that must be there exactly once, whatever their value.
    #[serde(default)]
    pub once: Vec<String>,
    /// Headers that must not be there.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Headers that must be there, with their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What must stand in a digest. A null means that the parameter must not be there.
    pub digest: Option<BTreeMap<String, Value>>,
}

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// One of a closed list, see `fixtures/README.md`.
    pub kind: String,
    /// The status that the caller is told, where there is one; compared where a case names one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole"
    )]
    pub status: Option<u16>,
    /// The error's code that the caller is told; compared where a case names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// How many items of a list the caller got; compared where a case names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
}

/// A whole number, also in the form `404.0`, or null.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let number: Option<f64> = Option::deserialize(deserializer)?;
    let whole = |number: f64| {
        let range = 0.0..=f64::from(u16::MAX);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and in range"
        )]
        let whole = number as u16;
        (range.contains(&number) && number.fract() == 0.0).then_some(whole)
    };
    match number {
        None => Ok(None),
        Some(number) => whole(number)
            .map(Some)
            .ok_or_else(|| D::Error::custom("invalid status: expected 100 to 599")),
    }
}

impl Outcome {
    /// An outcome of this kind.
    pub fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            status: None,
            error_code: None,
            items: None,
        }
    }

    /// Whether what was seen is what is required here.
    pub(crate) fn is_met_by(&self, seen: &Self) -> bool {
        self.kind == seen.kind
            && (self.status.is_none() || self.status == seen.status)
            && (self.error_code.is_none() || self.error_code == seen.error_code)
            && (self.items.is_none() || self.items == seen.items)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        if let Some(code) = &self.error_code {
            write!(f, ", error code {code:?}")?;
        }
        if let Some(items) = self.items {
            write!(f, ", {items} items")?;
        }
        Ok(())
    }
}

fn documented_operation() -> String {
    DOCUMENTED.to_owned()
}

fn five_seconds() -> u64 {
    5000
}

fn bearer() -> Credentials {
    Credentials::Bearer {
        token: TOKEN.to_owned(),
    }
}

/// The token of a client whose credentials do not matter.
pub(crate) const TOKEN: &str = "t0ken";
