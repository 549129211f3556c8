//! Cases: the requirements on clients and servers as data. `fixtures/README.md` has the format.

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
    /// The id, `area/subject`.
    pub id: String,
    /// The area, the first part of the id.
    pub area: String,
    /// The level of the requirement.
    pub level: Level,
    /// The first version of the API to which the case applies.
    pub since: Option<String>,
    /// The requirement, in one sentence.
    pub requires: String,
    /// The source of the requirement.
    pub source: String,
    /// The operation under test of a server case, if it is not the first requested one.
    pub about: Option<String>,
    /// Further abilities that a testee needs to be judged by this case.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Values to expand the case with; see `fixtures/README.md`.
    #[serde(default)]
    pub matrix: BTreeMap<String, Vec<String>>,
    /// The kind of testee and its task.
    #[serde(flatten)]
    pub kind: Kind,
}

/// The task of a case, by the kind of testee.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A call for a client to make.
    Client(Box<ClientCase>),
    /// A request for a server to answer.
    Server(Box<ServerCase>),
    /// Several requests for a server, over time.
    Flow(Flow),
    /// A text that clients and servers must accept or refuse.
    Pattern(PatternCase),
    /// A file for a client to download.
    Download(DownloadCase),
}

/// A text and its pattern.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternCase {
    /// The parameter or field: `groupId`, `clusterName`, `snapshotId` or `targetDeploymentItemName`.
    pub field: String,
    /// The text.
    pub text: String,
    /// Whether the text matches the pattern.
    pub accepted: bool,
}

impl PatternCase {
    /// Returns the name of the pattern's fixture.
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
    /// Returns the operation under test: `about`, or the first operation requested of a server.
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

    /// Whether the case requires a refusal or a reported failure.
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

/// The level of a requirement: the keywords of RFC 2119, and one of this project.
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
    /// A choice of this project: a testee that differs is equally right.
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

/// The default number of repetitions.
fn once() -> u32 {
    1
}
