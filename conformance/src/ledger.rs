//! Known failures, each with a reason. One that passes is as much of a surprise as a new failure.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::fixture::{FixtureError, read};
use crate::verdict::{Judgement, Verdict};

/// The known failures of one testee.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    reasons: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    cases: Vec<String>,
}

/// What a ledger has to say about a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing is wrong.
    Fine,
    /// It fails as is known, for this reason.
    Known(&'a str),
    /// It fails, and is not known to.
    Unknown,
    /// It passes, though it is known to fail: the ledger is out of date.
    UnexpectedPass,
}

impl Standing<'_> {
    /// Whether a run with it has failed.
    pub fn breaks(self) -> bool {
        matches!(self, Self::Unknown | Self::UnexpectedPass)
    }
}

impl Ledger {
    /// Reads a ledger: a list of `{"reason": "…", "cases": ["id", …]}`.
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

    /// What it says about a judgement. Failures and warnings are written down alike.
    pub fn standing(&self, judgement: &Judgement) -> Standing<'_> {
        let reason = self.reasons.get(&judgement.case);
        match (judgement.verdict, reason) {
            (Verdict::Fail | Verdict::Warn, Some(reason)) => Standing::Known(reason),
            (Verdict::Fail | Verdict::InfraError, _) => Standing::Unknown,
            (Verdict::Pass, Some(_)) => Standing::UnexpectedPass,
            _ => Standing::Fine,
        }
    }

    /// The cases it names that none of these judgements is about.
    pub fn stale<'a>(&'a self, judgements: &[Judgement]) -> Vec<&'a str> {
        let named = self.reasons.keys().map(String::as_str);
        named
            .filter(|case| !judgements.iter().any(|judged| judged.case == *case))
            .collect()
    }
}
