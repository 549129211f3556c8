//! The kinds of errors.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use atlas_model::{BuildError, PagingError, ResponseError, error_line};
use http::StatusCode;

use super::{Error, Phase};
use crate::auth::{AuthError, TokenError};
use crate::chain::{BoxError, found};
use crate::connect_hint;
use crate::proxy::{InvalidProxy, ProxyFailure};
use crate::retry::Outcome;
use crate::transient::{is_final_break, is_final_connect, is_transient_status};
use crate::value_problem::ValueProblem;

/// The kind of a failure. `Debug` is the message and those of its causes, in one line.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be built. Nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The API has no operation with this name. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error("unknown operation {name:?}{}", did_you_mean(suggestions))]
    UnknownOperation {
        /// The name.
        name: String,
        /// Similar names.
        suggestions: Vec<String>,
    },
    /// A request by name could not be built. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error(transparent)]
    Request(#[from] atlas_catalog::RequestError),
    /// The response of an operation is not a list.
    #[cfg(feature = "catalog")]
    #[error("the response of {operation} is not a list")]
    NotAList {
        /// The operation.
        operation: &'static str,
    },
    /// A response does not match the documentation, and the client is
    /// [strict](crate::Client::strict).
    #[cfg(feature = "catalog")]
    #[error(
        "the response of {operation} is not as documented: {}; a client that is not strict accepts it",
        violations.join("; ")
    )]
    Undocumented {
        /// The operation.
        operation: &'static str,
        /// Each difference, in one line.
        violations: Vec<String>,
    },
    /// A [strict](crate::Client::strict) client cannot check the response of an operation that is not
    /// in the catalog. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error("{operation} is not in the catalog: use a client that is not strict")]
    NotInCatalog {
        /// The operation.
        operation: &'static str,
    },
    /// A secret is not a valid header value, or a URL is invalid. Nothing was sent.
    #[error("{what} cannot be sent; check it for line breaks and other control characters")]
    Unsendable {
        /// The part of the request that cannot be sent.
        what: &'static str,
    },
    /// A key, token or secret contains invalid characters, such as a line break at its end. Nothing was
    /// sent.
    #[error("{what} {problem}")]
    #[non_exhaustive]
    Credentials {
        /// The part of the credentials.
        what: &'static str,
        /// The problem with it.
        problem: ValueProblem,
    },
    /// An additional root certificate is invalid. Nothing was sent.
    #[error("an extra root certificate cannot be used")]
    Certificate {
        /// The reason, and the position of the certificate.
        #[source]
        source: BoxError,
    },
    /// The client certificate or its key is invalid. Nothing was sent.
    #[error("the client certificate cannot be used")]
    #[non_exhaustive]
    ClientCertificate {
        /// The reason; quotes nothing of the key.
        #[source]
        source: BoxError,
    },
    /// The certificate roots set by the environment cannot be used. Nothing was sent.
    #[error("{setting} cannot be used: {problem}")]
    #[non_exhaustive]
    Roots {
        /// The variable: `SSL_CERT_FILE` or `SSL_CERT_DIR`.
        setting: &'static str,
        /// The problem, with the file.
        problem: String,
    },
    /// A setting of the client is out of bounds. Nothing was sent.
    #[error("invalid {setting}: expected {expected}")]
    #[non_exhaustive]
    Setting {
        /// The setting, named as its method of [`ClientBuilder`](crate::ClientBuilder).
        setting: &'static str,
        /// The valid values.
        expected: &'static str,
    },
    /// The call was made outside of a Tokio runtime. Nothing was sent.
    #[error("not in a Tokio runtime; call it within one, or use blocking::Client")]
    OutsideRuntime,
    /// The thread of a blocking client cannot be started. Nothing was sent.
    #[cfg(feature = "blocking")]
    #[error("cannot start a thread for a blocking client")]
    #[non_exhaustive]
    NoRuntime {
        /// The reason.
        source: std::io::Error,
    },
    /// A file arrives too slowly. The connection is closed; another may be faster.
    #[error(
        "the file arrived at less than {bytes_per_second} bytes/s over {} s; try again, or lower the \
         client's min_rate",
        window.as_secs_f64()
    )]
    #[non_exhaustive]
    TooSlow {
        /// The minimum rate.
        bytes_per_second: u64,
        /// The window over which it is measured.
        window: Duration,
    },
    /// A configured proxy cannot be used. Nothing was sent, neither through the proxy nor directly.
    #[error("{setting} cannot be used: {problem}")]
    Proxy {
        /// The variable that sets it, or `ClientBuilder::proxy`.
        setting: &'static str,
        /// The problem; quotes nothing of the address, since it may contain a password.
        problem: &'static str,
    },
    /// A link uses plain `http` to another machine. Nothing was sent.
    #[error("the snapshot link is not https; refusing to download it unencrypted")]
    InsecureLink,
    /// A link is not a valid URL. Nothing was sent.
    #[error("the snapshot link cannot be used: {problem}; request a new one")]
    #[non_exhaustive]
    InvalidLink {
        /// The problem; quotes nothing of the link, since a link is a secret.
        problem: &'static str,
    },
    /// The connection, or TLS over it, failed. Nothing was sent. [`Error::is_transient`] returns whether
    /// a retry may succeed.
    #[error("no connection to {host}; {}", connect_hint::hint(source))]
    Connect {
        /// The host and port.
        host: String,
        /// The reason.
        #[source]
        source: BoxError,
    },
    /// The connection was closed, and the peer states that it did not process the request.
    #[error("connection closed before the request was processed; try again")]
    NotTaken {
        /// The reason.
        #[source]
        source: BoxError,
    },
    /// A wait exceeded its limit.
    #[error("timed out after {} s waiting for {phase}", limit.as_secs_f64())]
    Timeout {
        /// The phase.
        phase: Phase,
        /// The limit.
        limit: Duration,
    },
    /// The connection broke after the request was started.
    #[error("connection broken before the response was complete")]
    Interrupted {
        /// The reason.
        #[source]
        source: BoxError,
    },
    /// The response is not valid HTTP.
    #[error("the response is malformed; check the base URL and any proxy in between")]
    Malformed {
        /// The reason.
        #[source]
        source: BoxError,
    },
    /// A request that must not be repeated may have arrived, and its response is lost. Atlas may have
    /// applied it: check before retrying.
    #[error(
        "the outcome of {} is unknown: it may have been applied; check before retrying",
        request.as_deref().unwrap_or("the request")
    )]
    #[non_exhaustive]
    OutcomeUnknown {
        /// Its method and path, such as `POST /api/atlas/v2/groups`, or its operationId; `None` if neither
        /// is known.
        request: Option<String>,
        /// The status, if it was received.
        status: Option<StatusCode>,
        /// The failure of the response.
        source: Box<ErrorKind>,
    },
    /// The response is larger than allowed, once decompressed.
    #[error("the response is larger than {limit} bytes; raise the client's response limit")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The response has more values than a client allocates memory for, however short they are.
    #[error("the response has more than {limit} values; request fewer items")]
    #[non_exhaustive]
    TooManyValues {
        /// The limit.
        limit: usize,
    },
    /// The response's compression is unknown or broken.
    #[error(
        "cannot decode the response's content encoding \"{}\"",
        printable(encoding)
    )]
    Encoding {
        /// The `Content-Encoding`. `Display` escapes it.
        encoding: String,
    },
    /// The server's digest challenge is not supported or invalid. No secret was sent.
    #[error(
        "the server's digest challenge cannot be answered: {}",
        printable(problem)
    )]
    Challenge {
        /// The reason; may quote the server. `Display` escapes it.
        problem: String,
    },
    /// The token endpoint refused the request, or returned something other than a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No access token could be fetched; shared by all the calls that waited for it. `Display` includes
    /// the reason.
    #[error("no access token: {0}")]
    NoToken(#[source] Arc<Error>),
    /// A snapshot link has expired, or was altered. It will not work again: request a new one.
    #[error(
        "the snapshot link has expired{}, four hours after its creation, or was altered; request a \
         new one",
        code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default()
    )]
    #[non_exhaustive]
    LinkExpired {
        /// The status: 403, or 400 with an error code that means the same.
        status: StatusCode,
        /// The store's error code, for instance `AccessDenied` or `ExpiredToken`.
        code: Option<String>,
    },
    /// A snapshot link returned no file.
    #[error("the snapshot link answered {}; {}", status.as_u16(), link_hint(*status))]
    Link {
        /// The status.
        status: StatusCode,
        /// The wait that the store requests.
        retry_after: Option<Duration>,
    },
    /// A list cannot be read to its end. The pages before the error are valid, but incomplete.
    #[error("{operation}: {problem}")]
    List {
        /// The operation's id.
        operation: &'static str,
        /// The reason.
        problem: PagingError,
    },
    /// The response is an error, or not the expected resource.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

#[cfg(feature = "catalog")]
fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => "; list them with `Operation::all`".to_owned(),
        some => format!("; did you mean {}?", some.join(" or ")),
    }
}

impl ErrorKind {
    /// Returns whether the failure is transient; [`retry`](crate::retry) documents the rules.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Connect { source, .. } => match found::<ProxyFailure>(source) {
                Some(failure) => !failure.is_final(),
                None => !is_final_connect(source),
            },
            Self::Interrupted { source } => !is_final_break(source),
            Self::NotTaken { .. } | Self::Timeout { .. } | Self::TooSlow { .. } => true,
            Self::Response(error) => is_transient_status(error.status()),
            Self::Link { status, .. } => is_transient_status(*status),
            Self::Token(error) => is_transient_status(error.status),
            Self::NoToken(error) => error.is_transient(),
            Self::OutcomeUnknown { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    /// Returns the outcome of an attempt that ended with this error.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            _ if !self.is_transient() => Outcome::InvalidResponse,
            Self::Connect { .. }
            | Self::NotTaken { .. }
            | Self::Timeout {
                phase: Phase::Turn, ..
            } => Outcome::NotSent,
            Self::Timeout { .. } | Self::Interrupted { .. } | Self::TooSlow { .. } => {
                Outcome::NoResponse
            }
            Self::Link {
                status,
                retry_after,
            } => Outcome::Answered {
                status: *status,
                retry_after: *retry_after,
            },
            _ => Outcome::InvalidResponse,
        }
    }

    pub(crate) fn may_have_been_sent(&self) -> bool {
        #[cfg(feature = "blocking")]
        if matches!(self, Self::NoRuntime { .. }) {
            return false;
        }
        #[cfg(feature = "catalog")]
        if matches!(
            self,
            Self::UnknownOperation { .. } | Self::Request(_) | Self::NotInCatalog { .. }
        ) {
            return false;
        }
        !matches!(
            self,
            Self::Build(_)
                | Self::Unsendable { .. }
                | Self::Credentials { .. }
                | Self::Certificate { .. }
                | Self::ClientCertificate { .. }
                | Self::Roots { .. }
                | Self::Setting { .. }
                | Self::OutsideRuntime
                | Self::Timeout {
                    phase: Phase::Turn,
                    ..
                }
                | Self::Proxy { .. }
                | Self::InsecureLink
                | Self::InvalidLink { .. }
                | Self::Connect { .. }
                | Self::NotTaken { .. }
                | Self::Challenge { .. }
                | Self::Token(_)
                | Self::NoToken(_)
        )
    }
}

impl From<AuthError> for ErrorKind {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unsendable { what } => Self::Unsendable { what },
        }
    }
}

impl From<InvalidProxy> for ErrorKind {
    fn from(invalid: InvalidProxy) -> Self {
        let InvalidProxy { setting, problem } = invalid;
        Self::Proxy { setting, problem }
    }
}

impl fmt::Debug for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&error_line(self))
    }
}

/// Returns the beginning of a text from a server, safe for a terminal: in one line, with every
/// character escaped that moves the cursor or changes the writing direction.
fn printable(text: &str) -> String {
    let shown = text.chars().take(200);
    shown.fold(String::new(), |mut line, c| {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            c => line.extend(c.escape_debug()),
        }
        line
    })
}

fn link_hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "the file is gone; request a new link",
        416 => "the file does not have this part; start over",
        300..=399 => "redirects are not followed",
        _ => "try again, then request a new link",
    }
}
