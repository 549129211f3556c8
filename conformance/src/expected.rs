//! Expected failures, each with a reason. An unexpected pass breaks a run, too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::case::Case;
use crate::fixtures::{FixtureError, read};
use crate::verdict::{Judgement, Verdict};

/// The expected failures of one testee.
#[derive(Debug, Clone, Default)]
pub struct ExpectedFailures {
    known: BTreeMap<String, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    reason: String,
    verdict: Option<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    /// `CRASHED` or `SILENT`, if the verdict is not `FAIL` or `WARN`.
    verdict: Option<Verdict>,
    cases: Vec<String>,
}

/// Whether a judgement is as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing<'a> {
    /// Passes, or does not have to.
    Fine,
    /// Fails as expected, for this reason.
    Expected(&'a str),
    /// Fails unexpectedly.
    Unexpected,
    /// Passes although a failure is expected: the list is out of date.
    UnexpectedPass,
}

impl Standing<'_> {
    /// Whether it makes the run fail.
    pub fn breaks(self) -> bool {
        matches!(self, Self::Unexpected | Self::UnexpectedPass)
    }
}

impl ExpectedFailures {
    /// Reads a list of `{"reason": "…", "cases": ["id", …]}`, with `"verdict": "CRASHED"` or
    /// `"SILENT"` if the testee does not only fail.
    ///
    /// # Errors
    /// Returns a [`FixtureError`] that names the file.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let entries: Vec<Entry> = read(path)?;
        let mut known = BTreeMap::new();
        for Entry {
            reason,
            verdict,
            cases,
        } in entries
        {
            for case in cases {
                let reason = reason.clone();
                known.insert(case, Known { reason, verdict });
            }
        }
        Ok(Self { known })
    }

    /// Returns whether a judgement is as expected. A warning is a failure only if it is listed.
    pub fn standing(&self, judgement: &Judgement) -> Standing<'_> {
        let seen = judgement.verdict;
        let Some(known) = self.known.get(&judgement.case) else {
            let breaks = seen == Verdict::Error || (seen.is_failure() && seen != Verdict::Warn);
            return if breaks {
                Standing::Unexpected
            } else {
                Standing::Fine
            };
        };
        let is_listed = match known.verdict {
            None => matches!(seen, Verdict::Fail | Verdict::Warn),
            Some(verdict) => seen == verdict,
        };
        match seen {
            _ if is_listed => Standing::Expected(&known.reason),
            Verdict::Pass | Verdict::Differs | Verdict::Unimplemented => Standing::UnexpectedPass,
            _ => Standing::Unexpected,
        }
    }

    /// Returns the listed ids that are not among these cases.
    pub fn unknown<'a>(&'a self, cases: &[Case]) -> Vec<&'a str> {
        let listed = self.known.keys().map(String::as_str);
        listed
            .filter(|listed| !cases.iter().any(|case| case.id == *listed))
            .collect()
    }
}
