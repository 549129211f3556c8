//! Faults as data: what goes wrong, where, and which time.

use http::Request;
use serde::Deserialize;

use atlas_model::{Route, route};

/// What goes wrong, and when.
///
/// A list of rules; the first that fits a request decides. A rule fits an operation by its id, or
/// any path that begins with `path`; it counts the requests that it fits, from 1, and acts on those
/// that `nth` lists, or on all of them if it is left out.
///
/// | `do` | what happens |
/// | --- | --- |
/// | `{"status": {"status": 503, "retryAfter": 1}}` | that status, with an error body |
/// | `{"delayMs": 500}` | the answer comes later |
/// | `"reset"` | the connection ends without an answer |
/// | `{"truncate": 1000}` | the body breaks off after so many bytes |
/// | `{"stall": 1000}` | the body says nothing more after so many bytes |
/// | `{"slow": 10000}` | the body comes at so many bytes a second |
/// | `"staleNonce"` | every digest nonce ends first |
/// | `"expiredToken"` | every fetched token ends first |
///
/// ```
/// let plan = atlas_sandbox::FaultPlan::from_json(
///     r#"[{"operation": "listGroupFlexClusters", "nth": [1, 2],
///          "do": {"status": {"status": 503, "retryAfter": 1}}},
///         {"path": "/sandbox-store/", "nth": [1], "do": {"truncate": 100000}}]"#,
/// );
/// assert!(plan.is_ok());
/// ```
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    operation: Option<String>,
    path: Option<String>,
    #[serde(default)]
    nth: Vec<u64>,
    r#do: Fault,
    #[serde(skip)]
    seen: u64,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Fault {
    #[serde(rename_all = "camelCase")]
    Status {
        status: u16,
        error_code: Option<String>,
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

/// A text that is no fault plan.
#[derive(Debug, thiserror::Error)]
#[error("the fault plan is not as it must be: {0}")]
pub struct FaultPlanError(serde_json::Error);

impl FaultPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`FaultPlanError`] says where the text is not as it must be.
    pub fn from_json(text: &str) -> Result<Self, FaultPlanError> {
        let rules = serde_json::from_str(text).map_err(FaultPlanError)?;
        Ok(Self { rules })
    }

    /// What goes wrong with this request.
    pub(crate) fn next<B>(&mut self, request: &Request<B>) -> Option<Fault> {
        if self.rules.is_empty() {
            return None;
        }
        let path = request.uri().path();
        let operation = match route(request.method(), path) {
            Route::Operation(operation) => operation.meta.id,
            _ => "",
        };
        for rule in &mut self.rules {
            let of_operation = rule.operation.as_ref().is_none_or(|id| id == operation);
            let of_path = rule
                .path
                .as_ref()
                .is_none_or(|start| path.starts_with(start));
            if !(of_operation && of_path) {
                continue;
            }
            rule.seen += 1;
            if rule.nth.is_empty() || rule.nth.contains(&rule.seen) {
                return Some(rule.r#do.clone());
            }
        }
        None
    }
}
