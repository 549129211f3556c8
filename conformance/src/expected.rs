//! Expected failures, each with a reason. One that passes is as much of a surprise as a new failure.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::fixtures::{FixtureError, read};
use crate::verdict::{Judgement, Verdict};

/// The expected failures of one testee.
#[derive(Debug, Clone, Default)]
pub struct ExpectedFailures {
    reasons: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    cases: Vec<String>,
}

/// Whether a judgement is as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing<'a> {
    /// Nothing is wrong.
    Fine,
    /// It fails as expected, for this reason.
    Expected(&'a str),
    /// It fails, and is not expected to.
    Unexpected,
    /// It passes, though it is expected to fail: the list is out of date.
    UnexpectedPass,
}

impl Standing<'_> {
    /// Whether a run with it has failed.
    pub fn breaks(self) -> bool {
        matches!(self, Self::Unexpected | Self::UnexpectedPass)
    }
}

impl ExpectedFailures {
    /// Reads a list of `{"reason": "…", "cases": ["id", …]}`.
    ///
    /// # Errors
    /// [`FixtureError`] names the file.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let entries: Vec<Entry> = read(path)?;
        let mut reasons = BTreeMap::new();
        for entry in entries {
            for case in entry.cases {
                reasons.insert(case, entry.reason.clone());
            }
        }
        Ok(Self { reasons })
    }

    /// Whether a judgement is as expected. A warning is no failure unless it is listed as one.
    pub fn standing(&self, judgement: &Judgement) -> Standing<'_> {
        let reason = self.reasons.get(&judgement.case);
        match (judgement.verdict, reason) {
            (verdict, Some(reason)) if verdict.is_failure() => Standing::Expected(reason),
            (Verdict::Pass | Verdict::Differs, Some(_)) => Standing::UnexpectedPass,
            (Verdict::Warn, None) => Standing::Fine,
            (verdict, None) if verdict.is_failure() => Standing::Unexpected,
            (Verdict::Error, _) => Standing::Unexpected,
            _ => Standing::Fine,
        }
    }

    /// The listed cases that none of these judgements is about.
    pub fn stale<'a>(&'a self, judgements: &[Judgement]) -> Vec<&'a str> {
        let listed = self.reasons.keys().map(String::as_str);
        listed
            .filter(|case| !judgements.iter().any(|judged| judged.case == *case))
            .collect()
    }
}
