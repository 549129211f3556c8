//! What every answer carries beside its resource.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::deviation::Deviation;
use crate::redirect;
use crate::timestamp::{RetryAfter, header_date, http_date_of_any_age};
use crate::version::{ApiVersion, VersionedMediaType};

/// A resource with everything its response said beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Answer<R> {
    /// The resource.
    pub value: R,
    /// What the status and the headers said.
    pub meta: AnswerMeta,
    /// The body as it came, envelope included, for whoever wants a field that the type lacks.
    pub body: Body,
    /// Where the answer strays from its type, and what became of that; empty if nothing does.
    pub deviations: Vec<Deviation>,
}

impl<R> Answer<R> {
    /// The resource alone.
    pub fn into_inner(self) -> R {
        self.value
    }
}

/// A response body that `Debug` does not show, since it may hold a link to a snapshot.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Body(pub(crate) Bytes);

impl Body {
    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Reads the body as JSON of any shape.
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

/// What the status line and the headers of an answer said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AnswerMeta {
    /// The status that counts: the envelope's, where there is one.
    pub status: StatusCode,
    /// The version answered; often older than the one asked for. Errors name none.
    pub version: Option<ApiVersion>,
    /// Since when this version is deprecated.
    pub deprecation: Option<jiff::Timestamp>,
    /// When this version ends, or ended.
    pub sunset: Option<jiff::Timestamp>,
    /// What is left of the rate limit.
    pub rate_limit: Option<RateLimit>,
    /// When Atlas wants to be asked again.
    pub retry_after: Option<RetryAfter>,
    /// When the answer was made, by the server's clock.
    pub date: Option<jiff::Timestamp>,
    /// Where a redirect leads: host and path of `Location`, without user, query and fragment, which
    /// can hold a secret. `None` for any status but 3xx, and where no target is named.
    pub redirect: Option<String>,
    /// `X-Java-Method`: the handler inside Atlas, worth quoting to its support.
    pub handler: Option<String>,
}

/// The token bucket a request was counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests the bucket holds.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: u64,
}

const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

impl RateLimit {
    /// Reads `RateLimit-Limit` and `RateLimit-Remaining`; `None` where the latter is missing.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let number = |name: HeaderName| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Some(Self {
            limit: number(RATELIMIT_LIMIT),
            remaining: number(RATELIMIT_REMAINING)?,
        })
    }
}

impl AnswerMeta {
    /// Reads status line and headers. A header that makes no sense is read as absent.
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
        // One pass costs less than a search for each. Of a header that comes twice, the first counts.
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
