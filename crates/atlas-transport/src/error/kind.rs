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

/// What happened in the end. `Debug` is the message and those of its causes, in one line.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be built. Nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The API has no operation of that name. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error("unknown operation {name:?}{}", did_you_mean(suggestions))]
    UnknownOperation {
        /// The name.
        name: String,
        /// Names that are close to it.
        suggestions: Vec<String>,
    },
    /// A request by name could not be built. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error(transparent)]
    Request(#[from] atlas_catalog::RequestError),
    /// The answer of an operation is not a list.
    #[cfg(feature = "catalog")]
    #[error("the answer of {operation} is not a list")]
    NotAList {
        /// The operation.
        operation: &'static str,
    },
    /// An answer strays from what is documented, and the client is a
    /// [strict](crate::Client::strict) one.
    #[cfg(feature = "catalog")]
    #[error(
        "the answer of {operation} is not as documented: {}; a client that is not strict reads it",
        violations.join("; ")
    )]
    Undocumented {
        /// The operation.
        operation: &'static str,
        /// Each difference, in one line.
        violations: Vec<String>,
    },
    /// A [strict](crate::Client::strict) client cannot check the answer of an operation that is not
    /// in the catalog. Nothing was sent.
    #[cfg(feature = "catalog")]
    #[error("{operation} is not in the catalog: send it by a client that is not strict")]
    NotInCatalog {
        /// The operation.
        operation: &'static str,
    },
    /// A secret cannot stand in a header, or a URL is none. Nothing was sent.
    #[error("{what} cannot be sent; check it for line breaks and other control characters")]
    Unsendable {
        /// What cannot be sent.
        what: &'static str,
    },
    /// A key, token or secret holds what cannot be part of it, such as a line break at its end.
    /// Nothing was sent.
    #[error("{what} {problem}")]
    #[non_exhaustive]
    Credentials {
        /// Which part of the credentials.
        what: &'static str,
        /// What is wrong with it.
        problem: ValueProblem,
    },
    /// A certificate to trust cannot be used. Nothing was sent.
    #[error("an extra root certificate cannot be used")]
    Certificate {
        /// Why, and which one of several.
        #[source]
        source: BoxError,
    },
    /// The client certificate or its key cannot be used. Nothing was sent.
    #[error("the client certificate cannot be used")]
    #[non_exhaustive]
    ClientCertificate {
        /// Why; quotes nothing of the key.
        #[source]
        source: BoxError,
    },
    /// The certificate roots that the environment names cannot be used. Nothing was sent.
    #[error("{setting} cannot be used: {problem}")]
    #[non_exhaustive]
    Roots {
        /// The variable: `SSL_CERT_FILE` or `SSL_CERT_DIR`.
        setting: &'static str,
        /// What is wrong, and with which file.
        problem: String,
    },
    /// A setting of the client is out of bounds. Nothing was sent.
    #[error("invalid {setting}: expected {expected}")]
    #[non_exhaustive]
    Setting {
        /// The setting, as the method of [`ClientBuilder`](crate::ClientBuilder) is called.
        setting: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The call was made outside of a Tokio runtime. Nothing was sent.
    #[error("no Tokio runtime here; call it within one, or use blocking::Client")]
    OutsideRuntime,
    /// No thread can be started for a blocking client. Nothing was sent.
    #[cfg(feature = "blocking")]
    #[error("no thread can be started for a blocking client")]
    #[non_exhaustive]
    NoRuntime {
        /// Why.
        source: std::io::Error,
    },
    /// A file comes too slowly. The connection is given up; another may be faster.
    #[error(
        "the file came at less than {bytes_per_second} bytes/s over {} s; try again, or lower the \
         client's min_rate",
        window.as_secs_f64()
    )]
    #[non_exhaustive]
    TooSlow {
        /// The rate that is required.
        bytes_per_second: u64,
        /// Over which time.
        window: Duration,
    },
    /// A configured proxy cannot be used. Nothing was sent, neither through it nor around it.
    #[error("{setting} cannot be used: {problem}")]
    Proxy {
        /// The variable that names it, or `ClientBuilder::proxy`.
        setting: &'static str,
        /// What is wrong with it; quotes nothing of it, since it may hold a password.
        problem: &'static str,
    },
    /// A link leads to another machine by plain `http`. Nothing was sent.
    #[error("the snapshot link is not https; refusing to fetch it in the clear")]
    InsecureLink,
    /// A link cannot be connected to, since its URL is invalid. Nothing was sent.
    #[error("the snapshot link cannot be used: {problem}; ask for a new one")]
    #[non_exhaustive]
    InvalidLink {
        /// What is wrong with it; quotes nothing of it, since a link is a secret.
        problem: &'static str,
    },
    /// No connection, or no TLS over it. Nothing was sent. Whether it can pass by itself,
    /// [`Error::is_transient`] tells.
    #[error("no connection to {host}; {}", connect_hint::hint(source))]
    Connect {
        /// The host and port.
        host: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// There was a connection, but the peer says that it processed nothing of the request.
    #[error("connection closed before the request was processed; try again")]
    NotTaken {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A wait was longer than allowed.
    #[error("timed out after {} s waiting for {phase}", limit.as_secs_f64())]
    Timeout {
        /// What was waited for.
        phase: Phase,
        /// How long.
        limit: Duration,
    },
    /// The connection broke once the request was under way.
    #[error("connection broken before the response was complete; the request may have arrived")]
    Interrupted {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// What came back is not HTTP as this client trusts it.
    #[error("the answer is malformed; check the base URL and any proxy in between")]
    Malformed {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A request that must not be repeated may have arrived, and its answer is lost. Atlas may
    /// have acted on it: look before asking again.
    #[error("response lost: the request may have been applied; check before retrying")]
    OutcomeUnknown {
        /// The status, if at least that came.
        status: Option<StatusCode>,
        /// What happened to the answer.
        source: Box<ErrorKind>,
    },
    /// The answer is larger than allowed, once decompressed.
    #[error("the answer is larger than {limit} bytes; raise the client's response limit")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The answer has more values than a client makes room for, however short they are.
    #[error("the answer has more than {limit} values; ask for fewer items")]
    #[non_exhaustive]
    TooManyValues {
        /// How many are allowed.
        limit: usize,
    },
    /// The answer's compression is unknown or broken.
    #[error(
        "the answer's content encoding \"{}\" cannot be read",
        printable(encoding)
    )]
    Encoding {
        /// The `Content-Encoding`. The error's own line escapes it.
        encoding: String,
    },
    /// The server asks for digest authentication in a way that cannot be answered. No secret was
    /// sent.
    #[error(
        "the server's digest challenge cannot be answered: {}",
        printable(problem)
    )]
    Challenge {
        /// Why; may quote the server. The error's own line escapes it.
        problem: String,
    },
    /// The token endpoint refused, or answered something else than a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No access token could be fetched, for all the calls that waited for it. Says why in
    /// its own line.
    #[error("no access token: {0}")]
    NoToken(#[source] Arc<Error>),
    /// A snapshot link has ended, or was altered. It will not work again: ask for a new one.
    #[error(
        "the snapshot link has expired{}, four hours after it was made, or was altered; ask for a \
         new one",
        code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default()
    )]
    #[non_exhaustive]
    LinkExpired {
        /// The status: 403, or 400 with a code that says so.
        status: StatusCode,
        /// What the store called it, for instance `AccessDenied` or `ExpiredToken`.
        code: Option<String>,
    },
    /// A snapshot link gave no file.
    #[error("the snapshot link answered {}; {}", status.as_u16(), link_hint(*status))]
    Link {
        /// The status.
        status: StatusCode,
        /// When the store wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// A list cannot be read to its end. The pages before this are sound, but not all there is.
    #[error("{operation}: {problem}")]
    List {
        /// The operation's id.
        operation: &'static str,
        /// Why.
        problem: PagingError,
    },
    /// Something answered, but not with the resource.
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
    /// Whether the failure can pass by itself; [`retry`](crate::retry) has the reasons.
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

    /// How an attempt ended that ended with this.
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

/// The beginning of a text from a server, as it may be shown on a terminal: in one line, with
/// everything escaped that moves a cursor or turns the writing direction.
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
        404 => "the file is gone; ask for a new one",
        416 => "the file has no such part; start over",
        300..=399 => "redirects are not followed",
        _ => "try again, then ask for a new one",
    }
}
