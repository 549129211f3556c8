//! Cases: what a client or a server owes, as data. The format stands in `fixtures/README.md`.

mod client;
mod download;
mod server;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use client::TOKEN;
pub use client::{
    AnswerFault, Call, ClientCase, Credentials, Expectation, Outcome, QueryValue, RawBody,
    ScriptedAnswer, SeenRequest,
};
pub use download::{DownloadCase, DownloadFault, FaultAction, FileAfter, Place};
pub use server::{Flow, Predicate, Predicates, ServerCase, ServerRequest, Step, Through};

/// One case.
#[derive(Debug, Clone, Deserialize)]
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
    /// The operation it is about, if it is for servers and that is not the first one it asks.
    pub about: Option<String>,
    /// What else a testee must be able to do, to be judged by it.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The case stands for one with each of these values; see `fixtures/README.md`.
    #[serde(default)]
    pub matrix: BTreeMap<String, Vec<String>>,
    /// What it asks of whom.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a case asks of whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A call that a client is to make.
    Client(Box<ClientCase>),
    /// A request that a server is to answer.
    Server(Box<ServerCase>),
    /// Several, with time in between.
    Flow(Flow),
    /// A text that a client and a server must take, or must not.
    Pattern(PatternCase),
    /// A file that a client is to download.
    Download(DownloadCase),
}

/// A text and its pattern.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternCase {
    /// What the text is for: `groupId`, `clusterName`, `snapshotId` or `targetDeploymentItemName`.
    pub field: String,
    /// The text.
    pub text: String,
    /// Whether it is inside the pattern.
    pub accepted: bool,
}

impl PatternCase {
    /// The name of the fixture with the pattern.
    pub(crate) fn file(&self) -> String {
        let name = if self.field.ends_with("Id") {
            "id"
        } else {
            &self.field
        };
        name.to_owned()
    }
}

impl Case {
    /// The operation that it is about: the one it names, or the first one that it asks of a server.
    pub fn operation(&self) -> Option<&str> {
        let first = match &self.kind {
            Kind::Server(case) => case.request.operation.as_deref(),
            Kind::Flow(flow) => {
                let mut asked = flow.steps.iter().filter_map(|it| it.request.as_ref());
                asked.find_map(|request| request.operation.as_deref())
            }
            _ => None,
        };
        self.about.as_deref().or(first)
    }

    /// Whether it demands that something be refused, or that a failure be told as one.
    pub fn refuses(&self) -> bool {
        let refused = |expect: &Predicates| {
            expect.error.is_some() || expect.status.iter().any(|status| *status >= 400)
        };
        match &self.kind {
            Kind::Client(case) => case.expect.outcome.kind != "ok",
            Kind::Server(case) => refused(&case.expect),
            Kind::Flow(flow) => flow.steps.iter().any(|step| refused(&step.expect)),
            Kind::Pattern(case) => !case.accepted,
            Kind::Download(case) => case.outcome.kind != "ok",
        }
    }
}

/// How much a case binds: the words of RFC 2119, and one of this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Level {
    /// A testee that does not meet it fails.
    Must,
    /// A testee that does not meet it gets a warning.
    Should,
    /// A testee that does not meet it gets a warning.
    May,
    /// Only this project decided so: a testee that does otherwise is as right.
    Choice,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
            Self::Choice => "CHOICE",
        })
    }
}

/// How often something is done where a case does not say.
fn once() -> u32 {
    1
}
