//! Verdicts and judgements.

use std::collections::BTreeSet;
use std::fmt;

use atlas_catalog::Operation;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Level};
use crate::difference::Difference;
use crate::secrets::{Masks, found_in};
use crate::testee::{Ended, KEPT, TesteeError};

/// The verdict of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Verdict {
    /// The testee conforms.
    Pass,
    /// The testee does not conform, but must.
    Fail,
    /// The testee does not conform, but should.
    Warn,
    /// The testee differs from a choice of this project, and is equally right.
    Differs,
    /// The testee does not implement what the case tests.
    Unimplemented,
    /// The process ended, or the reply or response was not valid.
    Crashed,
    /// No reply or response in time.
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

    /// Returns the verdict for a requirement of this level that is not met.
    fn of_unmet(level: Level) -> Self {
        match level {
            Level::Must => Self::Fail,
            Level::Should | Level::May => Self::Warn,
            Level::Choice => Self::Differs,
        }
    }

    /// Whether the process has ended or does not reply.
    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Crashed | Self::Silent | Self::Error)
    }

    /// Whether a shown secret cannot make it worse.
    pub(crate) fn is_worst(self) -> bool {
        self == Self::Fail || self.has_ended()
    }

    /// Whether the testee does not meet the requirement.
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

/// The result of one case for one testee.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The testee's name.
    pub testee: String,
    /// The testee's version, if known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The case's id.
    pub case: String,
    /// The case's area.
    pub area: String,
    /// The level of the requirement.
    pub level: Level,
    /// The verdict.
    pub verdict: Verdict,
    /// The requirement.
    pub requires: String,
    /// The source of the requirement.
    pub source: String,
    /// The tag of the operation under test of a server case, or [`NO_OPERATION`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The differences from the requirement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The reason of the verdict, if there are no differences: the missing ability or the error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The command that runs this case only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rerun: String,
    /// The requests and responses, if the testee did not conform.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub conversation: String,
}

impl Judgement {
    /// Judges the differences: none is a pass, and those that recorded responses of Atlas have too
    /// are a warning at most.
    pub(crate) fn of(
        testee: &str,
        case: &Case,
        differences: Vec<Difference>,
        conversation: String,
    ) -> Self {
        let recorded = differences.iter().all(|difference| difference.is_recorded);
        let verdict = match Verdict::of_unmet(case.level) {
            _ if differences.is_empty() => Verdict::Pass,
            Verdict::Fail if recorded => Verdict::Warn,
            unmet => unmet,
        };
        let mut judgement = Self::without(testee, case, verdict, String::new());
        if !differences.is_empty() {
            judgement.conversation = conversation;
        }
        judgement.differences = differences;
        judgement
    }

    /// Returns the judgement of a testee that lacks an ability or resource.
    pub(crate) fn unimplemented(testee: &str, case: &Case, reason: impl Into<String>) -> Self {
        Self::without(testee, case, Verdict::Unimplemented, reason.into())
    }

    /// Returns the judgement of a case that ended with an error.
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

    /// Returns the judgement of a client that was judged, and then ended with an error.
    pub(crate) fn ended_after(mut self, case: &Case, error: &TesteeError) -> Self {
        let ended = Self::ended(&self.testee, case, error.verdict(), error);
        self.differences.retain(|it| it.required == NO_SECRET);
        self.verdict = ended.verdict;
        self.reason = format!("after the case: {}", ended.reason);
        self
    }

    /// Returns a judgement without differences.
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

    /// Adds the stderr of a client, and its secrets that a process showed there or in other texts.
    /// Returns those in stderr.
    pub(crate) fn note_end(
        &mut self,
        case: &Case,
        secrets: &[String],
        end: &Ended,
    ) -> BTreeSet<String> {
        let stderr = &end.stderr;
        let in_stderr: BTreeSet<String> = found_in(stderr, secrets).cloned().collect();
        let elsewhere = secrets.iter().filter(|it| {
            // The reason may quote stderr.
            let in_reason = self.reason.contains(*it) && !in_stderr.contains(*it);
            in_reason || end.shown.contains(*it)
        });
        let elsewhere = elsewhere.cloned().collect();
        self.shows(case, &in_stderr, "stderr");
        self.shows(case, &elsewhere, "reply");
        if self.verdict == Verdict::Pass && !secrets.is_empty() && stderr.len() >= KEPT {
            self.verdict = Verdict::Error;
            let problem =
                "stderr was searched for secrets only in its first MiB; let the client log less";
            problem.clone_into(&mut self.reason);
        }
        if self.verdict != Verdict::Pass && !stderr.is_empty() {
            self.conversation.push_str("\nstderr:\n");
            self.conversation.push_str(stderr);
        }
        self.mask(&Masks::new(secrets));
        in_stderr
    }

    /// Records that the client showed these secrets of its case. That is a failure, unless the
    /// server sent them: the level of the case then holds.
    pub(crate) fn shows(&mut self, case: &Case, secrets: &BTreeSet<String>, place: &str) {
        if secrets.is_empty() {
            return;
        }
        if !secrets.iter().all(|secret| case.sends(secret)) {
            self.shows_secret(place);
            return;
        }
        if matches!(self.verdict, Verdict::Pass | Verdict::Unimplemented) {
            self.verdict = Verdict::of_unmet(self.level);
        }
        self.note_place(place);
    }

    /// Records that the client showed a secret, which is a failure at every level.
    pub(crate) fn shows_secret(&mut self, place: &str) {
        if !self.verdict.is_worst() {
            self.verdict = Verdict::Fail;
        }
        self.note_place(place);
    }

    fn note_place(&mut self, place: &str) {
        let difference = Difference::new(place, NO_SECRET, "a secret");
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
    }

    /// The places in which the client showed secrets.
    pub(crate) fn places_of_secrets(&self) -> impl Iterator<Item = &str> {
        let shown = self
            .differences
            .iter()
            .filter(|it| it.required == NO_SECRET);
        shown.map(|it| it.place.as_str())
    }

    /// Whether the client showed a secret.
    pub(crate) fn has_leak(&self) -> bool {
        self.places_of_secrets().next().is_some()
    }

    /// Replaces all secrets.
    pub(crate) fn mask(&mut self, masks: &Masks) {
        masks.apply(&mut self.version);
        masks.apply(&mut self.reason);
        masks.apply(&mut self.conversation);
        for difference in &mut self.differences {
            // The mark of a shown secret stays, also if a secret is a part of these words.
            if difference.required != NO_SECRET {
                masks.apply(&mut difference.required);
                masks.apply(&mut difference.seen);
            }
        }
    }

    /// Returns several lines for the user: the requirement and its source, the differences, and the
    /// command that runs this case only. The conversation is not included. Further lines of a text
    /// are indented.
    pub fn explained(&self) -> String {
        let mut lines = vec![format!(
            "{} {} {} ({})",
            self.verdict, self.testee, self.case, self.level
        )];
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                lines.push(format!("  {name:<9} {text}"));
            }
        };
        add("required:", &self.requires);
        add("source:", &self.source);
        for difference in &self.differences {
            add("seen:", &difference.to_string());
        }
        add("because:", &self.reason);
        add("run:", &self.rerun);
        let indented = lines
            .iter()
            .map(|line| line.replace('\n', "\n            "));
        indented.collect::<Vec<_>>().join("\n")
    }
}

/// The requirement of a place in which a secret was seen.
pub(crate) const NO_SECRET: &str = "no secret";

/// The tag of cases without an operation under test, such as those about logins or requests outside
/// of the API.
pub const NO_OPERATION: &str = "no operation";

/// Returns the tag of the operation under test.
fn tag(case: &Case) -> String {
    let operation = case.operation().and_then(Operation::find);
    operation.map_or_else(|| NO_OPERATION.to_owned(), |it| it.tag().name().to_owned())
}
