//! What comes of a case.

use std::fmt;

use atlas_catalog::Operation;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Kind, Level};
use crate::difference::Difference;

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Verdict {
    /// The testee conforms.
    Pass,
    /// It does not, and must.
    Fail,
    /// It does not, and should.
    Warn,
    /// It does otherwise than this project chose, which is as right.
    Differs,
    /// It does not do what the case is about.
    Unimplemented,
    /// Its process ended, or it gave no answer in the protocol.
    Crashed,
    /// It gave no answer in time.
    Silent,
    /// The suite could not run the case.
    Error,
}

impl Verdict {
    /// All verdicts, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Fail,
        Self::Warn,
        Self::Differs,
        Self::Unimplemented,
        Self::Crashed,
        Self::Silent,
        Self::Error,
    ];

    /// Whether the testee did not do what the case requires.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Warn | Self::Crashed | Self::Silent)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Differs => "DIFFERS",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Crashed => "CRASHED",
            Self::Silent => "SILENT",
            Self::Error => "ERROR",
        })
    }
}

/// What came of one case at one testee.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The testee's name.
    pub testee: String,
    /// The testee's version, if it said one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The case's id.
    pub case: String,
    /// Its area.
    pub area: String,
    /// How much it binds.
    pub level: Level,
    /// The verdict.
    pub verdict: Verdict,
    /// What the case requires.
    pub requires: String,
    /// What the case stands on.
    pub source: String,
    /// The tag of the operation that it is about, if it is for servers; [`NO_OPERATION`] if it is about
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What was seen that is not as required.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Why there is no other verdict: what the testee lacks, or what went wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The command that runs this case alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rerun: String,
    /// Everything that went over the wire, where it did not conform.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub conversation: String,
}

impl Judgement {
    /// The judgement over what was found: no differences are a pass, and those that recorded answers
    /// of Atlas have too are a warning at most.
    pub(crate) fn of(
        testee: &str,
        case: &Case,
        differences: Vec<Difference>,
        conversation: String,
    ) -> Self {
        let recorded = differences.iter().all(|difference| difference.is_recorded);
        let verdict = match (differences.is_empty(), case.level) {
            (true, _) => Verdict::Pass,
            (false, Level::Must) if recorded => Verdict::Warn,
            (false, Level::Must) => Verdict::Fail,
            (false, Level::Should | Level::May) => Verdict::Warn,
            (false, Level::Choice) => Verdict::Differs,
        };
        let mut judgement = Self::without(testee, case, verdict, String::new());
        if !differences.is_empty() {
            judgement.conversation = conversation;
        }
        judgement.differences = differences;
        judgement
    }

    /// The testee lacks what the case needs.
    pub(crate) fn unimplemented(testee: &str, case: &Case, reason: impl Into<String>) -> Self {
        Self::without(testee, case, Verdict::Unimplemented, reason.into())
    }

    /// Something ended the case, with everything that caused it.
    pub(crate) fn ended(
        testee: &str,
        case: &Case,
        verdict: Verdict,
        error: &dyn std::error::Error,
    ) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            reason = format!("{reason}: {error}");
            source = error.source();
        }
        Self::without(testee, case, verdict, reason)
    }

    /// A judgement without differences.
    pub(crate) fn without(testee: &str, case: &Case, verdict: Verdict, reason: String) -> Self {
        Self {
            testee: testee.to_owned(),
            version: String::new(),
            case: case.id.clone(),
            area: case.area.clone(),
            level: case.level,
            verdict,
            requires: case.requires.clone(),
            source: case.source.clone(),
            tag: case.is_for_servers().then(|| tag(case)),
            differences: Vec::new(),
            reason,
            rerun: String::new(),
            conversation: String::new(),
        }
    }

    /// Notes what a client wrote to stderr: the case's secrets must not be there either.
    pub(crate) fn note_stderr(&mut self, case: &Case, stderr: &str) {
        if let Kind::Client(client) = &case.kind {
            let shows = client.expect.secrets.iter().any(|it| stderr.contains(it));
            if shows && self.verdict == Verdict::Pass {
                self.verdict = Verdict::Fail;
                let difference = Difference::new("stderr", "no secret", "a secret");
                self.differences.push(difference);
            }
        }
        if self.verdict != Verdict::Pass && !stderr.is_empty() {
            self.conversation.push_str("\nstderr:\n");
            self.conversation.push_str(stderr);
        }
    }

    /// Replaces secrets everywhere, also where they are escaped.
    pub(crate) fn redact(&mut self, secrets: &[String]) {
        let clean = |text: &mut String| {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                let bare = secret.strip_prefix("Bearer ").unwrap_or(secret);
                let quoted = format!("{bare:?}");
                let twice = format!("{quoted:?}");
                for form in [
                    bare,
                    quoted.trim_matches('"'),
                    twice.trim_matches(['"', '\\']),
                ] {
                    if text.contains(form) {
                        *text = text.replace(form, "(secret)");
                    }
                }
            }
        };
        clean(&mut self.reason);
        clean(&mut self.conversation);
        for difference in &mut self.differences {
            clean(&mut difference.required);
            clean(&mut difference.seen);
        }
    }

    /// All of it for a reader: what was required, by which source, what was seen, and the command
    /// that runs the case alone. Several lines, without the conversation.
    pub fn explained(&self) -> String {
        let mut lines = vec![format!(
            "{} {} {} ({})",
            self.verdict, self.testee, self.case, self.level
        )];
        let mut say = |name: &str, text: &str| {
            if !text.is_empty() {
                lines.push(format!("  {name:<9} {text}"));
            }
        };
        say("required:", &self.requires);
        say("source:", &self.source);
        for difference in &self.differences {
            say("seen:", &difference.to_string());
        }
        say("because:", &self.reason);
        say("run:", &self.rerun);
        lines.join("\n")
    }
}

/// The tag of cases that are about no operation, such as those on logins or on requests outside of
/// the API.
pub const NO_OPERATION: &str = "no operation";

/// The tag of the operation that a case is about.
fn tag(case: &Case) -> String {
    let operation = case.operation().and_then(Operation::find);
    operation.map_or_else(|| NO_OPERATION.to_owned(), |it| it.tag().name().to_owned())
}
