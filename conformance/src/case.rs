//! Cases: what a client or a server owes, as data. The format stands in `fixtures/README.md`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::fixture::{FixtureError, read, root};

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, `area/what-it-is-about`.
    pub id: String,
    /// The area it belongs to.
    pub area: String,
    /// How much it binds.
    pub level: Level,
    /// The version of the API from which on it holds.
    pub since: Option<String>,
    /// What it requires, in one sentence.
    pub requires: String,
    /// Where that is documented.
    pub source: String,
    /// A call that a client is to make.
    pub client: Option<ClientCase>,
}

/// How much a case binds (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Whoever fails it does not conform.
    Must,
    /// Whoever fails it is warned.
    Should,
    /// Whoever fails it has chosen to.
    May,
}

/// A call, the server it meets, and what must be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCase {
    /// The call.
    pub call: Call,
    /// What the server answers, request by request.
    pub answers: Vec<Answer>,
    /// What must be seen.
    pub expect: Expectation,
}

/// A call of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The operation, with the documented parameters and body.
    #[serde(default = "documented_operation")]
    pub operation: String,
    /// How the client proves who it is.
    pub auth: Credentials,
    /// Asks for the status inside the body.
    #[serde(default)]
    pub envelope: bool,
    /// Asks for an indented body.
    #[serde(default)]
    pub pretty: bool,
    /// How often the call is made, one after the other, by the same client.
    #[serde(default = "once")]
    pub times: u32,
}

/// What proves who is calling.
#[derive(Debug, Clone, Deserialize)]
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
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status; 200, or the status of `documented`.
    pub status: Option<u16>,
    /// Header lines, each character of a value one byte. `${c*N}` stands for N times c.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: Option<String>,
    /// The operation's documented answer of this status.
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
    pub fault: Option<Fault>,
}

/// A body in another form than a length and its bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawBody {
    /// In chunks (RFC 9112 section 7.1).
    Chunked(Vec<String>),
}

/// What a server does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Ends the connection.
    Close,
}

/// What must be seen of a call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The requests, all of them, in their order.
    pub requests: Vec<SeenRequest>,
    /// How the last call ends.
    pub outcome: Outcome,
    /// Texts that must appear in no output and in no request.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// What must be seen of one request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenRequest {
    /// The method.
    pub method: Option<String>,
    /// The raw target.
    pub target: Option<String>,
    /// The body, as text.
    pub body: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// One of a closed list, see `fixtures/README.md`.
    pub kind: String,
    /// The status that the caller is told, where there is one.
    pub status: Option<u16>,
}

fn documented_operation() -> String {
    "downloadGroupClusterBackupTenant".to_owned()
}

fn once() -> u32 {
    1
}

/// Reads the cases of one area.
///
/// # Errors
/// [`FixtureError`] names the file.
pub fn cases(area: &str) -> Result<Vec<Case>, FixtureError> {
    read(&root().join(format!("cases/{area}.json")))
}
