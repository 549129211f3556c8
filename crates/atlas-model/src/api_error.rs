//! Error bodies of Atlas.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error_chain::debug_as_chain;

mod read;

/// The body of an error response.
///
/// Any field may be missing: Atlas sent 401 without `errorCode` for a long time, and some routes
/// send `null`. The codes are an open set of thousands; [`code`] lists those of the backup
/// operations. `null`, absent and empty text are all `None`; an empty `parameters` is
/// `Some(vec![])`.
///
/// ```
/// use atlas_model::{ApiError, api_error::code};
///
/// let error: ApiError = serde_json::from_str(
///     r#"{"error": 404, "errorCode": "CLUSTER_NOT_FOUND", "parameters": null}"#,
/// )?;
/// assert!(error.has_code(code::CLUSTER_NOT_FOUND));
/// assert_eq!(error.parameters, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status, repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// The description of the error, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The reason phrase of the status, for instance `Bad Request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The code of the error, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The values that `detail` mentions, both strings and numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<serde_json::Value>>,
    /// The request fields that were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_request_detail: Option<BadRequestDetail>,
}

/// The request fields that were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BadRequestDetail {
    /// One entry for each refused field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<FieldViolation>>,
}

/// One refused field of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The problem with the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its name or path in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl ApiError {
    /// Creates an error with the reason phrase of the status as `reason`.
    pub fn new(status: StatusCode, error_code: &str, detail: impl Into<String>) -> Self {
        Self {
            error: Some(status.as_u16()),
            detail: Some(detail.into()).filter(|detail| !detail.is_empty()),
            reason: status.canonical_reason().map(str::to_owned),
            error_code: Some(error_code.to_owned()).filter(|code| !code.is_empty()),
            parameters: None,
            bad_request_detail: None,
        }
    }

    /// Adds `parameters`, the values that `detail` mentions.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Vec<serde_json::Value>) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Adds one refused field to `badRequestDetail`.
    #[must_use]
    pub fn with_field(mut self, field: &str, description: &str) -> Self {
        self.bad_request_detail
            .get_or_insert_default()
            .fields
            .get_or_insert_default()
            .push(FieldViolation {
                description: Some(description.to_owned()),
                field: Some(field.to_owned()),
            });
        self
    }

    /// Returns the numbers of a rate limit error, if this is one and has them.
    pub fn throttle(&self) -> Option<Throttle> {
        if !self.has_code(code::RATE_LIMITED_TOKEN_BUCKET) {
            return None;
        }
        let parameters = self.parameters.as_deref()?;
        let number = |index: usize| match parameters.get(index)? {
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        Some(Throttle {
            endpoint: match parameters.first()? {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            wait: Duration::from_secs(number(1)?),
            capacity: number(2)?,
            refill: number(3)?,
            period: Duration::from_secs(number(4)?),
        })
    }

    /// Whether the error has this code.
    pub fn has_code(&self, error_code: &str) -> bool {
        self.error_code.as_deref() == Some(error_code)
    }

    /// Returns the status in the body, if it is valid.
    pub fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.error?).ok()
    }

    /// Displays the error with this status instead of the one in the body.
    pub(crate) fn with_status(&self, status: StatusCode) -> impl fmt::Display + '_ {
        Line(self, Some(status.as_u16()))
    }
}

/// The token bucket that a rate limit error (429) describes.
///
/// ```
/// use std::time::Duration;
///
/// let error: atlas_model::ApiError = serde_json::from_str(
///     r#"{"error": 429, "errorCode": "RATE_LIMITED_TOKEN_BUCKET",
///         "parameters": ["listSnapshots", 55, 10, 5, 60]}"#,
/// )?;
/// assert_eq!(error.throttle().unwrap().wait, Duration::from_secs(55));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Throttle {
    /// The endpoint of the empty bucket.
    pub endpoint: String,
    /// The time to wait.
    pub wait: Duration,
    /// The capacity of the bucket, in requests.
    pub capacity: u64,
    /// The number of requests added in each `period`.
    pub refill: u64,
    /// The refill period.
    pub period: Duration,
}

impl fmt::Display for ApiError {
    /// Writes one line: the status, the code, the detail and each refused field, as far as the body
    /// has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Line(self, self.error).fmt(f)
    }
}

/// An error in one line, with a status.
struct Line<'a>(&'a ApiError, Option<u16>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error, status) = self;
        // `reason` repeats the status, so it is shown only if there is no code.
        let name = error.error_code.as_deref().or(error.reason.as_deref());
        match (status, name) {
            (Some(status), Some(name)) => write!(f, "{status} {}", OneLine(name))?,
            (Some(status), None) => write!(f, "{status}")?,
            (None, Some(name)) => write!(f, "{}", OneLine(name))?,
            (None, None) => f.write_str("an error without a code")?,
        }
        if let Some(detail) = error.detail.as_deref().filter(|detail| !detail.is_empty()) {
            write!(f, ": {}", OneLine(detail.trim_end_matches('.')))?;
        }
        let fields = error
            .bad_request_detail
            .iter()
            .flat_map(|detail| detail.fields.iter().flatten());
        for violation in fields {
            write!(
                f,
                "; {}: {}",
                OneLine(violation.field.as_deref().unwrap_or("a field")),
                OneLine(violation.description.as_deref().unwrap_or("refused"))
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

debug_as_chain!(ApiError);

/// A text with control characters, line separators and changes of writing direction shown as
/// spaces.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

pub(crate) fn breaks_a_line(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Zero-width characters could hide within a word.
    let hidden = matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    );
    c.is_control() || turns || hidden || matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}')
}

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split(breaks_a_line).enumerate() {
            match part {
                (0, text) => f.write_str(text)?,
                (_, text) => write!(f, " {text}")?,
            }
        }
        Ok(())
    }
}

/// Codes seen in the backup operations. Atlas has thousands and adds more.
pub mod code {
    /// 400: a Flex cluster was requested through the cluster operations.
    pub const CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API: &str =
        "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API";
    /// 400: another kind of cluster was requested through the Flex operations.
    pub const CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API: &str =
        "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API";
    /// Two simultaneous downloads of one cluster's snapshots.
    pub const CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY: &str = "CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY";
    /// 404: the project has no cluster of that name.
    pub const CLUSTER_NOT_FOUND: &str = "CLUSTER_NOT_FOUND";
    /// 404: no project has that id, or none visible to these credentials.
    pub const GROUP_NOT_FOUND: &str = "GROUP_NOT_FOUND";
    /// 403: the caller's address is not on the access list of its key or service account.
    pub const IP_ADDRESS_NOT_ON_ACCESS_LIST: &str = "IP_ADDRESS_NOT_ON_ACCESS_LIST";
    /// 429: the token bucket is empty; `parameters` are endpoint, seconds to wait, capacity, refill
    /// and refill seconds.
    pub const RATE_LIMITED_TOKEN_BUCKET: &str = "RATE_LIMITED_TOKEN_BUCKET";
    /// 404: another resource that the path names does not exist.
    pub const RESOURCE_NOT_FOUND: &str = "RESOURCE_NOT_FOUND";
    /// 410: the requested version is past its sunset date.
    pub const VERSION_GONE: &str = "VERSION_GONE";
    /// Any other error; also the code of some 401s.
    pub const UNEXPECTED_ERROR: &str = "UNEXPECTED_ERROR";
    /// 400: a parameter or the body violates the documentation.
    pub const VALIDATION_ERROR: &str = "VALIDATION_ERROR";
}
