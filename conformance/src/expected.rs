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
    leaks: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    /// `CRASHED` or `SILENT`, if the verdict is not `FAIL` or `WARN`.
    verdict: Option<String>,
    /// Whether the testee may show a secret.
    #[serde(default)]
    leaks: bool,
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
    /// `"SILENT"` if the testee does not only fail, and `"leaks": true` if it shows a secret.
    ///
    /// # Errors
    /// Returns a [`FixtureError`] that names the file and the case.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let entries: Vec<Entry> = read(path)?;
        let mut known = BTreeMap::new();
        for entry in entries {
            let invalid = |case: Option<&String>, problem: String| FixtureError::Expected {
                path: path.to_owned(),
                case: case.cloned().unwrap_or_default(),
                problem,
            };
            let first = entry.cases.first();
            if entry.reason.trim().is_empty() {
                return Err(invalid(first, "empty reason".to_owned()));
            }
            let verdict = match entry.verdict.as_deref() {
                None => None,
                Some("CRASHED") => Some(Verdict::Crashed),
                Some("SILENT") => Some(Verdict::Silent),
                Some(other) => {
                    let expected = "expected CRASHED or SILENT, or none for FAIL and WARN";
                    let problem = format!("invalid verdict {other:?}: {expected}");
                    return Err(invalid(first, problem));
                }
            };
            for case in entry.cases {
                if known.contains_key(&case) {
                    return Err(invalid(Some(&case), "listed twice; remove one".to_owned()));
                }
                let (reason, leaks) = (entry.reason.clone(), entry.leaks);
                let listed = Known {
                    reason,
                    verdict,
                    leaks,
                };
                known.insert(case, listed);
            }
        }
        Ok(Self { known })
    }

    /// Returns whether a judgement is as expected. A warning is a failure only if it is listed. A
    /// shown secret is expected only if the list says so.
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
        match seen {
            _ if known.has(seen) && (known.leaks || !judgement.has_leak()) => {
                Standing::Expected(&known.reason)
            }
            Verdict::Pass | Verdict::Differs | Verdict::Unimplemented => Standing::UnexpectedPass,
            _ => Standing::Unexpected,
        }
    }

    /// Returns why a listed failure is not as expected, and how to list it.
    pub fn hint(&self, judgement: &Judgement) -> Option<String> {
        let known = self.known.get(&judgement.case)?;
        if self.standing(judgement) != Standing::Unexpected {
            return None;
        }
        let seen = judgement.verdict;
        if known.has(seen) {
            let hint = "a secret was shown, which is expected only with \"leaks\": true";
            return Some(hint.to_owned());
        }
        let listed = known.verdict.map_or_else(
            || "without a verdict".to_owned(),
            |verdict| format!("with \"verdict\": \"{verdict}\""),
        );
        Some(match seen {
            Verdict::Crashed | Verdict::Silent => {
                format!("{listed}; if {seen} is expected, add \"verdict\": \"{seen}\"")
            }
            Verdict::Fail | Verdict::Warn => {
                format!("{listed}; if {seen} is expected, remove the verdict")
            }
            _ => listed,
        })
    }

    /// Returns the listed ids that are not among these cases.
    pub fn unknown<'a>(&'a self, cases: &[Case]) -> Vec<&'a str> {
        let listed = self.known.keys().map(String::as_str);
        listed
            .filter(|listed| !cases.iter().any(|case| case.id == *listed))
            .collect()
    }
}

impl Known {
    /// Whether this verdict is listed.
    fn has(&self, seen: Verdict) -> bool {
        match self.verdict {
            None => matches!(seen, Verdict::Fail | Verdict::Warn),
            Some(verdict) => seen == verdict,
        }
    }
}
