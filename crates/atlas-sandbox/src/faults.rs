//! Faults as data: what goes wrong, where, and which time.

mod check;
mod paths;

use std::collections::BTreeSet;
use std::fmt;

use http::Request;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub(crate) use check::{shortened, unknown_operation};

/// What goes wrong, and when.
///
/// A plan is a list of rules; the first that matches a request decides. A rule matches an operation
/// by its id (a former id or `tag.shortId` will do), or every path that begins with `path`, in which nothing
/// stands for other characters. It counts the requests
/// that it matches, from 1 to a million, and acts on those that `nth` lists, or on all of them without `nth`.
///
/// | `do` | what happens |
/// | --- | --- |
/// | `{"status": {"status": 503, "retryAfter": 1}}` | that status, 200 to 599, with an error body; `errorCode` sets its code |
/// | `{"delayMs": 500}` | the answer comes later, by at most an hour |
/// | `"reset"` | the connection ends without an answer |
/// | `{"truncate": 1000}` | the body breaks off after so many bytes; of files at most about 1 TiB, else at most 16 MiB |
/// | `{"stall": 1000}` | the body says nothing more after so many bytes; bounds as for `truncate` |
/// | `{"slow": 10000}` | the body comes at so many bytes a second |
/// | `"staleNonce"` | every digest nonce ends first; operations only |
/// | `"expiredToken"` | every fetched token ends first; operations and the token endpoint only |
///
/// ```
/// let plan = atlas_sandbox::FaultPlan::from_json(
///     r#"[{"operation": "listGroupFlexClusters", "nth": [1, 2],
///          "do": {"status": {"status": 503, "retryAfter": 1}}},
///         {"path": "/sandbox-store/", "nth": [1], "do": {"truncate": 100000}}]"#,
/// );
/// assert!(plan.is_ok());
/// ```
///
/// A rule that cannot act is an error, since a test that relies on it would test nothing:
///
/// ```
/// let plan = r#"[{"operation": "listGroupFlexCluster", "do": "reset"}]"#;
/// let error = atlas_sandbox::FaultPlan::from_json(plan).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "invalid fault plan: rule 1: no such operation \"listGroupFlexCluster\"; \
///      did you mean \"listGroupFlexClusters\"?"
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<Vec<u64>>,
    r#do: Fault,
    /// The same as `nth`, to look numbers up.
    #[serde(skip)]
    acts_on: BTreeSet<u64>,
    #[serde(skip_deserializing)]
    matched: u64,
    #[serde(skip_deserializing)]
    hits: u64,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) enum Fault {
    #[serde(rename_all = "camelCase")]
    Status {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_code: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    DelayMs(u64),
    Reset,
    Truncate(u64),
    Stall(u64),
    Slow(u64),
    StaleNonce,
    ExpiredToken,
}

/// The rule that decided about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Matched {
    /// Its place in the plan, from 1.
    pub(crate) rule: usize,
    pub(crate) r#do: Fault,
}

/// Why a text is not a fault plan.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FaultPlanError {
    /// It is not JSON, or not of the form that [`FaultPlan`] describes.
    #[error("invalid fault plan: {0}")]
    Json(serde_json::Error),
    /// A rule can never act, or asks for something that cannot be done.
    #[error("invalid fault plan: rule {rule}: {problem}")]
    #[non_exhaustive]
    Rule {
        /// Which rule, counted from 1.
        rule: usize,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
    /// There are more rules than a plan may have.
    #[error("invalid fault plan: {rules} rules; expected at most {most}", most = check::MAX_RULES)]
    #[non_exhaustive]
    TooManyRules {
        /// How many there are.
        rules: usize,
    },
}

impl fmt::Debug for FaultPlanError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FaultPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`FaultPlanError`] names the rule at fault: an operation that does not exist, a path that no
    /// request has, an `nth` that never comes, a status that cannot be sent, or a rule that an
    /// earlier one always decides before.
    pub fn from_json(text: &str) -> Result<Self, FaultPlanError> {
        let mut rules: Vec<Rule> = serde_json::from_str(text).map_err(FaultPlanError::Json)?;
        check::rules(&mut rules)?;
        Ok(Self { rules })
    }

    /// The rules, each with how many requests it matched and on how many it acted.
    pub(crate) fn shown(&self) -> Value {
        serde_json::to_value(&self.rules).unwrap_or_default()
    }

    /// What goes wrong with this request.
    pub(crate) fn next<B>(&mut self, request: &Request<B>) -> Option<Matched> {
        if self.rules.is_empty() {
            return None;
        }
        let path = request.uri().path();
        // As it is answered.
        let routed = path.strip_suffix('/').unwrap_or(path);
        let found = atlas_catalog::route(request.method(), routed);
        let operation = found.map_or("", |found| found.operation.id());
        for (place, rule) in self.rules.iter_mut().enumerate() {
            let of_operation = rule.operation.as_ref().is_none_or(|id| id == operation);
            let of_path = rule
                .path
                .as_ref()
                .is_none_or(|start| path.starts_with(start));
            if !(of_operation && of_path) {
                continue;
            }
            rule.matched += 1;
            if rule.nth.is_none() || rule.acts_on.contains(&rule.matched) {
                rule.hits += 1;
                return Some(Matched {
                    rule: place + 1,
                    r#do: rule.r#do.clone(),
                });
            }
        }
        None
    }
}

/// Reads a value that may be left out but not be null, which reads like a filter and is none.
pub(crate) fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
