//! What a testee is told about a case.

use std::fmt;

use serde::Serialize;

use crate::case::{Case, Kind, Level};

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It conforms.
    Pass,
    /// It does not, and must.
    Fail,
    /// It does not, and should.
    Warn,
    /// It does not do what the case is about.
    Unimplemented,
    /// The case could not be put to it.
    InfraError,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::InfraError => "INFRA_ERROR",
        })
    }
}

/// The outcome of one case at one testee.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// The testee's name.
    pub testee: String,
    /// The case's id.
    pub case: String,
    /// Its area.
    pub area: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What did not conform, or why the case could not be put.
    pub faults: Vec<String>,
    /// Everything that went over the wire, where it did not conform.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub conversation: String,
}

impl Judgement {
    /// The judgement over what was found; no faults are a pass.
    pub(crate) fn of(testee: &str, case: &Case, faults: Vec<String>, conversation: String) -> Self {
        let verdict = match (faults.is_empty(), case.level) {
            (true, _) => Verdict::Pass,
            (false, Level::Must) => Verdict::Fail,
            (false, _) => Verdict::Warn,
        };
        let conversation = if faults.is_empty() {
            String::new()
        } else {
            conversation
        };
        Self::told(testee, case, verdict, faults, conversation)
    }

    pub(crate) fn unimplemented(testee: &str, case: &Case, needed: &str) -> Self {
        let lacks = vec![format!("lacks {needed}")];
        Self::told(testee, case, Verdict::Unimplemented, lacks, String::new())
    }

    pub(crate) fn infra(testee: &str, case: &Case, error: &dyn std::error::Error) -> Self {
        let mut faults = vec![error.to_string()];
        faults.extend(error.source().map(ToString::to_string));
        Self::told(testee, case, Verdict::InfraError, faults, String::new())
    }

    /// Notes what a client wrote to stderr: the case's secrets must not be there either.
    pub(crate) fn note_stderr(&mut self, case: &Case, stderr: &str) {
        let Kind::Client(client) = &case.kind else {
            return;
        };
        let secrets = &client.expect.secrets;
        if self.verdict == Verdict::Pass && secrets.iter().any(|it| stderr.contains(it)) {
            self.verdict = Verdict::Fail;
            self.faults.push("a secret shows on stderr".to_owned());
        }
        if self.verdict != Verdict::Pass && !stderr.is_empty() {
            self.conversation.push_str("\nstderr:\n");
            self.conversation.push_str(stderr);
        }
    }

    fn told(
        testee: &str,
        case: &Case,
        verdict: Verdict,
        faults: Vec<String>,
        conversation: String,
    ) -> Self {
        Self {
            testee: testee.to_owned(),
            case: case.id.clone(),
            area: case.area.clone(),
            verdict,
            faults,
            conversation,
        }
    }
}
