//! Responses: a resource with its status, headers and body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::deviation::Deviation;
use crate::redirect;
use crate::timestamp::{RetryAfter, header_date, http_date_of_any_age};
use crate::version::{ApiVersion, VersionedMediaType};

/// A resource with the metadata and the body of its response.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Answer<R> {
    /// The resource.
    pub value: R,
    /// The status and the headers of the response.
    pub meta: AnswerMeta,
    /// The body as received, envelope included, for fields that the type lacks.
    pub body: Body,
    /// The differences between the body and the documented type; empty if there are none.
    pub deviations: Vec<Deviation>,
}

impl<R> Answer<R> {
    /// Returns the resource alone.
    pub fn into_inner(self) -> R {
        self.value
    }
}

/// A response body. `Debug` does not show it, since it may hold a link to a snapshot.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Body(pub(crate) Bytes);

impl Body {
    /// Returns the bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Parses the body as JSON of any shape.
    ///
    /// # Errors
    /// The body is not JSON.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.0)
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// The status and the headers of a response.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AnswerMeta {
    /// The status of the envelope, if there is one, or of the status line.
    pub status: StatusCode,
    /// The version of the response, often older than the requested one. Errors have none.
    pub version: Option<ApiVersion>,
    /// The date since which this version is deprecated.
    pub deprecation: Option<jiff::Timestamp>,
    /// The sunset date of this version.
    pub sunset: Option<jiff::Timestamp>,
    /// The state of the rate limit.
    pub rate_limit: Option<RateLimit>,
    /// The time before which Atlas wants no further request.
    pub retry_after: Option<RetryAfter>,
    /// The time of the response, by the server's clock.
    pub date: Option<jiff::Timestamp>,
    /// The target of a redirect: host and path of `Location`, without user, query and fragment,
    /// which can hold secrets. `None` for any status but 3xx, and if no target is named.
    pub redirect: Option<String>,
    /// `X-Java-Method`: the handler inside Atlas, useful to quote to Atlas support.
    pub handler: Option<String>,
}

/// The token bucket that a request counted against.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RateLimit {
    /// The capacity of the bucket, in requests.
    pub limit: Option<u64>,
    /// The number of requests left.
    pub remaining: u64,
}

const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

impl RateLimit {
    /// Reads `RateLimit-Limit` and `RateLimit-Remaining`; `None` if the latter is missing.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let number = |name: HeaderName| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Some(Self {
            limit: number(RATELIMIT_LIMIT),
            remaining: number(RATELIMIT_REMAINING)?,
        })
    }
}

impl AnswerMeta {
    /// Reads the status line and the headers. An invalid header is treated as absent.
    pub fn read(status: StatusCode, headers: &HeaderMap) -> Self {
        let mut meta = Self {
            status,
            version: None,
            deprecation: None,
            sunset: None,
            rate_limit: RateLimit::read(headers),
            retry_after: None,
            date: None,
            redirect: None,
            handler: None,
        };
        // One pass is faster than a lookup for each. The first of repeated headers is used.
        let mut seen = [false; 6];
        let mut first = |index: usize| !std::mem::replace(&mut seen[index], true);
        for (name, value) in headers {
            let text = || value.to_str().ok();
            match name.as_str() {
                "content-type" if first(0) => {
                    let media_type = text().and_then(|text| text.parse().ok());
                    meta.version = media_type.map(|it: VersionedMediaType| it.version);
                }
                "date" if first(1) => meta.date = text().and_then(http_date_of_any_age),
                "deprecation" if first(2) => meta.deprecation = text().and_then(header_date),
                "sunset" if first(3) => meta.sunset = text().and_then(header_date),
                "retry-after" if first(4) => meta.retry_after = text().and_then(RetryAfter::parse),
                "x-java-method" if first(5) => meta.handler = text().map(str::to_owned),
                _ => {}
            }
        }
        if status.is_redirection()
            && let Some(target) = headers.get(header::LOCATION)
        {
            let target = redirect::shown(target.as_bytes());
            meta.redirect = Some(target).filter(|target| !target.is_empty());
        }
        meta
    }
}
