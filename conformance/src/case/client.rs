//! Cases for clients: a call and its expected requests and outcome.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::once;
use crate::fixtures::DOCUMENTED;

/// A call, the script of the server, and the expectations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCase {
    /// The call.
    pub call: Call,
    /// The responses of the server, in the order of the requests.
    pub answers: Vec<ScriptedAnswer>,
    /// The expectation.
    pub expect: Expectation,
    /// Alternative expectations that conform as well.
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
    /// The operation, called with its documented parameters and body.
    #[serde(default = "documented_operation")]
    pub operation: String,
    /// Path parameters that replace the documented ones.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, QueryValue>,
    /// The body that replaces the documented one.
    pub body: Option<Value>,
    /// Sends the operation's example as the body.
    #[serde(default)]
    pub example: bool,
    /// The requested version; by default that of the documented page, or the operation's newest.
    pub version: Option<String>,
    /// The client's timeout for a response, in milliseconds.
    #[serde(default = "five_seconds")]
    pub timeout_ms: u64,
    /// The client's credentials.
    #[serde(default = "bearer")]
    pub auth: Credentials,
    /// Requests an envelope.
    #[serde(default)]
    pub envelope: bool,
    /// Requests an indented body.
    #[serde(default)]
    pub pretty: bool,
    /// Reads all pages of a list instead of one.
    #[serde(default)]
    pub list: bool,
    /// How often the same client makes the call, in sequence.
    #[serde(default = "once")]
    pub times: u32,
}

/// A query parameter: one value, or several that are each sent with the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryValue {
    /// One value.
    One(String),
    /// Several values.
    Several(Vec<String>),
}

impl QueryValue {
    /// Returns all values.
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

/// A scripted server's response to one request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScriptedAnswer {
    /// The status; 200, or the status of `documented`.
    pub status: Option<u16>,
    /// Header lines; each character of a value is one byte. `${c*N}` is c repeated N times.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: Option<String>,
    /// The body as JSON, with a default media type unless `headers` has one.
    pub json: Option<Value>,
    /// The size of a generated body, in bytes.
    pub generated: Option<u64>,
    /// The `Content-Length`, if it differs from the body's length.
    pub length: Option<u64>,
    /// The delay before the response, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Sends the documented response of this status: that of the documented page, or the
    /// operation's example.
    pub documented: Option<u16>,
    /// Wraps `documented` in an envelope.
    #[serde(default)]
    pub envelope: bool,
    /// Another form of the body.
    pub raw: Option<RawBody>,
    /// Interim statuses (1xx) sent first.
    #[serde(default)]
    pub interim: Vec<u16>,
    /// Sends `Connection: close` and closes the connection.
    #[serde(default)]
    pub close: bool,
    /// A fault instead of a complete response.
    pub fault: Option<AnswerFault>,
}

/// A body that is not sent as a length and its bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawBody {
    /// In chunks (RFC 9112 section 7.1).
    Chunked(Vec<String>),
    /// The raw bytes of the whole response, one per character.
    Bytes(String),
}

/// A fault of a server instead of a complete response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AnswerFault {
    /// Closes the connection.
    Close,
    /// Sends nothing and keeps the connection open.
    Stall,
    /// Closes the connection after this many bytes of the body.
    BreakAt(u64),
    /// Stops sending after this many bytes of the body.
    StallAt(u64),
}

/// The expectations on a call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// All requests, in order.
    #[serde(default)]
    pub requests: Vec<SeenRequest>,
    /// The outcome of the last call.
    pub outcome: Outcome,
    /// Texts that must not appear in any output or request.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The maximum duration of all calls, in seconds.
    pub seconds: Option<u64>,
    /// The maximum peak memory of the client, in MiB.
    pub mebibytes: Option<u64>,
}

/// The expectations on one request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SeenRequest {
    /// The method.
    pub method: Option<String>,
    /// The raw target.
    pub target: Option<String>,
    /// The body, as text.
    pub body: Option<String>,
    /// Requires the call's body, compared as JSON.
    #[serde(default)]
    pub sent: bool,
    /// The minimum time since the previous request, in milliseconds.
    #[serde(default)]
    pub not_before_ms: u64,
    /// Headers that must be present exactly once, with any value.
    #[serde(default)]
    pub once: Vec<String>,
    /// Headers that must be absent.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Headers that must be present with these values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The parameters of the digest. A null means that the parameter must be absent.
    pub digest: Option<BTreeMap<String, Value>>,
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The kind, from the closed list in `fixtures/README.md`.
    pub kind: String,
    /// The status reported to the caller; compared if a case names one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole"
    )]
    pub status: Option<u16>,
    /// The error code reported to the caller; compared if a case names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The number of list items that the caller received; compared if a case names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
}

/// Reads a whole number, also in the form `404.0`, or null.
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
    /// Returns an outcome of this kind, without details.
    pub fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            status: None,
            error_code: None,
            items: None,
        }
    }

    /// Whether the observed outcome satisfies this requirement.
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

/// The access token of clients in cases that are not about credentials.
pub(crate) const TOKEN: &str = "t0ken";
