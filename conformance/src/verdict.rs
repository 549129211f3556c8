//! Verdicts and judgements.

use std::fmt;

use atlas_catalog::Operation;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Level};
use crate::difference::Difference;
use crate::testee::KEPT;

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

    /// Whether the process has ended or does not reply.
    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Crashed | Self::Silent | Self::Error)
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

    /// Adds the stderr of a client, which must not contain these secrets; nor may the client's reasons.
    /// Returns those that the process showed.
    pub(crate) fn note_secrets(&mut self, secrets: &[String], stderr: &str) -> Vec<String> {
        let (in_stderr, in_reason): (Vec<&String>, Vec<&String>) = (
            secrets.iter().filter(|it| stderr.contains(*it)).collect(),
            secrets
                .iter()
                .filter(|it| self.reason.contains(*it))
                .collect(),
        );
        let mut shown: Vec<String> = in_stderr.iter().copied().cloned().collect();
        if self.place_of_secret().is_some() {
            shown = secrets.to_vec();
        }
        if !in_stderr.is_empty() {
            self.shows_secret("stderr");
        } else if !in_reason.is_empty() {
            shown.extend(in_reason.into_iter().cloned());
            self.shows_secret("reply");
        } else if self.verdict == Verdict::Pass && !secrets.is_empty() && stderr.len() >= KEPT {
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
        shown
    }

    /// Records that the client showed a secret.
    pub(crate) fn shows_secret(&mut self, place: &str) {
        if !self.verdict.has_ended() {
            self.verdict = Verdict::Fail;
        }
        let difference = Difference::new(place, NO_SECRET, "a secret");
        self.differences.push(difference);
    }

    /// The place in which the client showed a secret.
    pub(crate) fn place_of_secret(&self) -> Option<&str> {
        let mut differences = self.differences.iter();
        let shown = differences.find(|it| it.required == NO_SECRET);
        shown.map(|it| it.place.as_str())
    }

    /// Replaces all secrets.
    pub(crate) fn mask(&mut self, masks: &Masks) {
        masks.apply(&mut self.reason);
        masks.apply(&mut self.conversation);
        for difference in &mut self.differences {
            masks.apply(&mut difference.required);
            masks.apply(&mut difference.seen);
        }
    }

    /// Returns several lines for the user: the requirement and its source, the differences, and the
    /// command that runs this case only. The conversation is not included.
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
        lines.join("\n")
    }
}

/// The requirement of a place in which a secret was seen.
pub(crate) const NO_SECRET: &str = "no secret";

/// The texts of secrets, also in escaped form, longest first.
pub(crate) struct Masks(Vec<String>);

impl Masks {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let mut forms: Vec<String> = secrets
            .flat_map(|secret| {
                let bare = secret.strip_prefix("Bearer ").unwrap_or(secret);
                let quoted = format!("{bare:?}");
                let twice = format!("{quoted:?}");
                [
                    bare.to_owned(),
                    quoted.trim_matches('"').to_owned(),
                    twice.trim_matches(['"', '\\']).to_owned(),
                ]
            })
            .collect();
        forms.sort_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
        forms.dedup();
        Self(forms)
    }

    fn apply(&self, text: &mut String) {
        for form in &self.0 {
            if text.contains(form) {
                *text = text.replace(form, "(secret)");
            }
        }
    }
}

/// The tag of cases without an operation under test, such as those about logins or requests outside
/// of the API.
pub const NO_OPERATION: &str = "no operation";

/// Returns the tag of the operation under test.
fn tag(case: &Case) -> String {
    let operation = case.operation().and_then(Operation::find);
    operation.map_or_else(|| NO_OPERATION.to_owned(), |it| it.tag().name().to_owned())
}
