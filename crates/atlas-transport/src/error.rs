//! The error of a call.

mod attempt;
mod kind;

use std::fmt;
use std::time::{Duration, SystemTime};

use atlas_model::{AnswerMeta, ApiError, error_line};
use http::StatusCode;

use crate::retry::Outcome;

pub use attempt::{Attempt, Attempts, Phase};
pub use kind::ErrorKind;

/// The error of a call, with the attempts before it.
///
/// [`kind`](Error::kind) is the final failure, [`attempts`](Error::attempts) are the earlier ones,
/// and [`may_have_been_sent`](Error::may_have_been_sent) returns whether Atlas may have processed the
/// request.
///
/// `Display` is one line that states what failed and what to do. `Debug` is that line and those of
/// the [`causes`](Error::causes), each once, since `main() -> Result` prints `Debug`.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    attempts: Attempts,
}

impl Error {
    /// Creates an error from the final failure and the earlier attempts.
    pub fn new(kind: impl Into<ErrorKind>, attempts: Attempts) -> Self {
        let kind = kind.into();
        Self {
            inner: Box::new(Inner { kind, attempts }),
        }
    }

    /// Returns the final failure.
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// Returns the attempts before the last, if the request was retried.
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts.0
    }

    /// Returns whether the request may have reached Atlas, so that repeating it could apply it twice.
    pub fn may_have_been_sent(&self) -> bool {
        let lost = |attempt: &Attempt| attempt.outcome == Outcome::NoResponse;
        self.kind().may_have_been_sent() || self.attempts().iter().any(lost)
    }

    /// Returns the underlying errors, nearest first: those of libraries, or of a failed token request.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        atlas_model::causes(self)
    }

    /// Returns the error body of Atlas, if Atlas sent one.
    pub fn api_error(&self) -> Option<&ApiError> {
        match self.kind() {
            ErrorKind::Response(error) => error.api_error(),
            _ => None,
        }
    }

    /// Returns whether the failure is transient: the same call may succeed later. Transient are refused
    /// and broken connections, timeouts, 408, 429 and most of 5xx. Rejected credentials, an untrusted
    /// certificate and a proxy's refusal are not.
    ///
    /// This does not mean that a retry is safe; see
    /// [`may_have_been_sent`](Error::may_have_been_sent).
    pub fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// Converts the error to [`ErrorKind::OutcomeUnknown`], with the original as its source. For a request
    /// that must not be repeated after such a response, for instance a `POST` that ended with 502 or 504.
    ///
    /// ```
    /// use atlas_transport::{Error, ErrorKind};
    ///
    /// let kind = ErrorKind::Link { status: http::StatusCode::BAD_GATEWAY, retry_after: None };
    /// let error = Error::from(kind).into_outcome_unknown();
    /// assert!(matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }));
    /// assert_eq!(error.status(), Some(http::StatusCode::BAD_GATEWAY));
    /// ```
    #[must_use]
    pub fn into_outcome_unknown(self) -> Self {
        let status = self.status();
        let Inner { kind, attempts } = *self.inner;
        let request = match &kind {
            ErrorKind::Response(error) => Some(error.operation().id.to_string()),
            _ => None,
        };
        let kind = match kind {
            ErrorKind::OutcomeUnknown { .. } => kind,
            kind => ErrorKind::OutcomeUnknown {
                request,
                status,
                source: Box::new(kind),
            },
        };
        Self::new(kind, attempts)
    }

    /// Adds the method and the path of the request, built again, if its outcome is unknown.
    pub(crate) fn of_request<B, E>(
        mut self,
        build: impl FnOnce() -> Result<http::Request<B>, E>,
    ) -> Self {
        if let ErrorKind::OutcomeUnknown { request, .. } = &mut self.inner.kind
            && request.is_none()
        {
            let again = build().ok();
            *request = again.map(|it| format!("{} {}", it.method(), it.uri().path()));
        }
        self
    }

    /// Returns the delay, from now, after which the server accepts a retry: from `Retry-After`, or from
    /// the numbers in Atlas's 429.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind() {
            ErrorKind::Response(error) => {
                let asked = asked_wait(error.meta());
                asked.or_else(|| Some(error.api_error()?.throttle()?.wait))
            }
            ErrorKind::Link { retry_after, .. } => *retry_after,
            ErrorKind::Token(error) => error.retry_after,
            ErrorKind::NoToken(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Returns the status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self.kind() {
            ErrorKind::Response(error) => Some(error.status()),
            ErrorKind::LinkExpired { status, .. } | ErrorKind::Link { status, .. } => Some(*status),
            ErrorKind::Token(error) => Some(error.status),
            ErrorKind::OutcomeUnknown { status, .. } => *status,
            ErrorKind::NoToken(error) => error.status(),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, Attempts::default())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        if self.attempts().is_empty() {
            return Ok(());
        }
        write!(f, " ({} attempts; earlier:", self.attempts().len() + 1)?;
        for (index, attempt) in self.attempts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {}", attempt.outcome)?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&error_line(self))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            // The display already contains its message; its source is the next cause.
            ErrorKind::NoToken(error) => error.source(),
            kind => std::error::Error::source(kind),
        }
    }
}

/// Returns the wait that `Retry-After` requests. Uses the server's clock if the response has a `Date`,
/// since the local clock may be wrong.
pub(crate) fn asked_wait(meta: &AnswerMeta) -> Option<Duration> {
    let asked = meta.retry_after?;
    let now = meta.date.or_else(|| SystemTime::now().try_into().ok())?;
    Some(asked.delay(now))
}
