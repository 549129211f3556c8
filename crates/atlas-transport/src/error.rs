//! What can go wrong between a request and its response.

mod attempt;
mod kind;

use std::fmt;
use std::time::{Duration, SystemTime};

use atlas_model::{AnswerMeta, ApiError, error_line};
use http::StatusCode;

use crate::retry::Outcome;

pub use attempt::{Attempt, Attempts, Phase};
pub use kind::ErrorKind;

/// Why a call has no answer, and what was tried.
///
/// [`kind`](Error::kind) says what happened in the end, [`attempts`](Error::attempts) what
/// happened before, and [`may_have_been_sent`](Error::may_have_been_sent) whether Atlas can have
/// acted on it.
///
/// `Display` is one line that says what failed and what to do; `Debug` is that line and those of
/// the [`causes`](Error::causes), each once, since `main() -> Result` prints `Debug`.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    attempts: Attempts,
}

impl Error {
    /// What happened in the end, and what before.
    pub fn new(kind: impl Into<ErrorKind>, attempts: Attempts) -> Self {
        let kind = kind.into();
        Self {
            inner: Box::new(Inner { kind, attempts }),
        }
    }

    /// What happened in the end.
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// What happened before, if the request was sent again.
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts.0
    }

    /// Whether the request can have reached Atlas, so that asking again could act twice.
    pub fn may_have_been_sent(&self) -> bool {
        let lost = |attempt: &Attempt| attempt.outcome == Outcome::NoResponse;
        self.kind().may_have_been_sent() || self.attempts().iter().any(lost)
    }

    /// What the error came from, nearest first: of the libraries below, or the error that a token
    /// request ended with.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        atlas_model::causes(self)
    }

    /// What Atlas said, if it was Atlas that answered.
    pub fn api_error(&self) -> Option<&ApiError> {
        match self.kind() {
            ErrorKind::Response(error) => error.api_error(),
            _ => None,
        }
    }

    /// Whether the failure can pass by itself, so that the same call may succeed later with nothing
    /// changed: refused and broken connections, timeouts, 408, 429 and most of 5xx. Not among them
    /// are refused credentials, a certificate that is not trusted and a proxy that refuses.
    ///
    /// Says nothing about whether asking again does harm; see
    /// [`may_have_been_sent`](Error::may_have_been_sent).
    pub fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// The same as [`ErrorKind::OutcomeUnknown`], with what happened as its source: for a caller who knows
    /// that a request must not be repeated after such an answer, for instance a `POST` that was answered
    /// 502 or 504.
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
        let kind = match kind {
            ErrorKind::OutcomeUnknown { .. } => kind,
            kind => ErrorKind::OutcomeUnknown {
                status,
                source: Box::new(kind),
            },
        };
        Self::new(kind, attempts)
    }

    /// When the server wants to be asked again, from now: by `Retry-After`, or by the numbers of
    /// Atlas's 429.
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

    /// The status that was answered, if one was.
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
            // Its line is shown already; what is behind it is not.
            ErrorKind::NoToken(error) => error.source(),
            kind => std::error::Error::source(kind),
        }
    }
}

/// The wait that `Retry-After` asks for, by the server's clock if it shows it: this machine's may be
/// wrong.
pub(crate) fn asked_wait(meta: &AnswerMeta) -> Option<Duration> {
    let asked = meta.retry_after?;
    let now = meta.date.or_else(|| SystemTime::now().try_into().ok())?;
    Some(asked.delay(now))
}
