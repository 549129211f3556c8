//! Fault plans: injected failures as data.

mod check;
mod paths;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use http::Request;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::json_error::plain;

pub(crate) use check::{shortened, unknown_operation};

/// A plan of injected failures.
///
/// A plan is a list of rules; of those that match a request, the first one that acts on it decides.
/// A rule matches an operation by its id (or a former id, or `tag.shortId`), or every path that
/// starts with `path`, without wildcards. It counts the requests that it matches, from 1 to a
/// million, and acts on those in `nth`, or on all of them without `nth`. It does not count the
/// requests on which an earlier rule acts: of two rules with `"nth": [1]` for one operation, the
/// first acts on the first request and the second on the next one.
///
/// | `do` | effect |
/// | --- | --- |
/// | `{"status": {"status": 503, "retryAfter": 1}}` | responds with this status, 200 to 599, and an error body (none with 204, 205 and 304); `errorCode` sets its code |
/// | `{"delayMs": 500}` | delays the response, by at most an hour |
/// | `"reset"` | closes the connection without a response |
/// | `{"truncate": 1000}` | closes the connection after this many bytes of the body; at most about 1 TiB for files, otherwise 16 MiB |
/// | `{"stall": 1000}` | stops sending after this many bytes of the body, and leaves the connection open; bounds as for `truncate` |
/// | `{"slow": 10000}` | sends the body at this many bytes per second |
/// | `"staleNonce"` | invalidates every digest nonce first; operations only |
/// | `"expiredToken"` | invalidates every issued access token first; operations and the token endpoint only |
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
#[serde(
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a rule such as {\"operation\": \"listGroupClusters\", \"do\": \"reset\"}"
)]
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
    /// The numbers of `nth`, for lookups.
    #[serde(skip)]
    acts_on: BTreeSet<u64>,
    #[serde(skip_deserializing)]
    matched: u64,
    #[serde(skip_deserializing)]
    hits: u64,
}

/// The failure of one request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "camelCase",
    expecting = "a fault such as {\"status\": {\"status\": 503}} or \"reset\""
)]
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

/// The rule that matched a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Matched {
    /// The rule's number in the plan, from 1.
    pub(crate) rule: usize,
    pub(crate) r#do: Fault,
}

/// The error for a text that is not a valid fault plan.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FaultPlanError {
    /// The text is not JSON, or does not have the form that [`FaultPlan`] describes.
    #[error("invalid fault plan: {0}")]
    Json(serde_json::Error),
    /// A rule can never act, or has a value out of bounds.
    #[error("invalid fault plan: rule {rule}: {problem}")]
    #[non_exhaustive]
    Rule {
        /// The rule's number, from 1.
        rule: usize,
        /// The invalid value and the expected one.
        problem: String,
    },
    /// The plan has too many rules.
    #[error("invalid fault plan: {rules} rules; expected at most {most}", most = check::MAX_RULES)]
    #[non_exhaustive]
    TooManyRules {
        /// The number of rules.
        rules: usize,
    },
}

impl fmt::Debug for FaultPlanError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The place of a value: `rule 1: do: `.
fn place(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } if place.is_empty() => {
                place = format!("rule {}: ", index + 1);
            }
            Segment::Seq { index } => {
                let _ = write!(place, "number {}: ", index + 1);
            }
            Segment::Map { key } => {
                let _ = write!(place, "{key}: ");
            }
            Segment::Enum { variant } => {
                let _ = write!(place, "{variant}: ");
            }
            Segment::Unknown => {}
        }
    }
    place
}

impl FaultPlan {
    /// Parses a plan.
    ///
    /// # Errors
    /// [`FaultPlanError`] names the invalid rule: an unknown operation, a path that no request has,
    /// a number in `nth` that is never reached, a status that cannot be sent, or a rule that an
    /// earlier one makes unreachable.
    pub fn from_json(text: &str) -> Result<Self, FaultPlanError> {
        let json = &mut serde_json::Deserializer::from_str(text);
        let rules = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
            let place = place(error.path());
            let problem = plain(&error.into_inner().to_string());
            serde_json::Error::custom(place + &problem)
        });
        let mut rules: Vec<Rule> = rules
            .and_then(|rules| json.end().map(|()| rules))
            .map_err(FaultPlanError::Json)?;
        check::rules(&mut rules)?;
        Ok(Self { rules })
    }

    /// The rules, each with the number of requests that it matched (`matched`) and acted on
    /// (`hits`).
    pub(crate) fn shown(&self) -> Value {
        serde_json::to_value(&self.rules).unwrap_or_default()
    }

    /// Counts a request and returns the rule that decides about it.
    pub(crate) fn next<B>(&mut self, request: &Request<B>) -> Option<Matched> {
        if self.rules.is_empty() {
            return None;
        }
        let path = request.uri().path();
        // Paths are normalized as for operations.
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

/// Deserializes a value that may be missing but not null: null would look like a filter without
/// being one.
pub(crate) fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
