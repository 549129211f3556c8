//! What can go wrong between a request and its response.

use std::fmt;
use std::time::Duration;

use atlas_model::{ApiError, BuildError, ResponseError};
use http::StatusCode;

/// Any error of a library below.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call has no answer.
///
/// [`may_have_been_sent`](Error::may_have_been_sent) tells whether Atlas can have acted on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request could not be built. Nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A secret cannot stand in a header, or a URL is none. Nothing was sent.
    #[error("{what} cannot be sent; check it for line breaks and other control characters")]
    Unsendable {
        /// What cannot be sent.
        what: &'static str,
    },
    /// A certificate to trust is none. Nothing was sent.
    #[error("the extra root certificate cannot be used; give one certificate in DER")]
    Certificate {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A link leads to another machine by plain `http`. Nothing was sent.
    #[error("the snapshot link is not https; refusing to fetch it in the clear")]
    InsecureLink,
    /// No connection, or no TLS over it. Nothing was sent.
    #[error("no connection to {host}; check the address, the network and any proxy")]
    Connect {
        /// The host and port.
        host: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A wait was longer than allowed.
    #[error("no answer within {} s while waiting for {phase}", limit.as_secs_f64())]
    Timeout {
        /// What was waited for.
        phase: Phase,
        /// How long.
        limit: Duration,
    },
    /// The connection broke once the request was under way.
    #[error("the connection broke before the answer was complete; the request may have arrived")]
    Interrupted {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The answer is larger than allowed, once decompressed.
    #[error("the answer is larger than {limit} bytes; raise the client's response limit")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The answer's compression is unknown or broken.
    #[error("the answer's content encoding {encoding:?} cannot be read")]
    Encoding {
        /// The `Content-Encoding`.
        encoding: String,
    },
    /// The server asks for digest authentication in a way that cannot be answered. No secret was
    /// sent.
    #[error("the server's digest challenge cannot be answered: {problem}")]
    Challenge {
        /// Why.
        problem: String,
    },
    /// The token endpoint gave no token.
    #[error("no access token from the token endpoint: {problem}")]
    Token {
        /// The endpoint's status.
        status: StatusCode,
        /// What it said, in one line.
        problem: String,
    },
    /// A snapshot link gave no file.
    #[error("the snapshot link answered {}; {}", status.as_u16(), link_hint(*status))]
    Link {
        /// The status.
        status: StatusCode,
    },
    /// Something answered, but not with the resource.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

/// What a call can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The status line and headers.
    Head,
    /// The next bytes of the body.
    Body,
    /// The call as a whole.
    Call,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "the answer to begin",
            Self::Body => "the rest of the answer",
            Self::Call => "the call to end",
        })
    }
}

impl Error {
    /// Whether the request can have reached Atlas, so that asking again could act twice.
    pub fn may_have_been_sent(&self) -> bool {
        !matches!(
            self,
            Self::Build(_)
                | Self::Unsendable { .. }
                | Self::Certificate { .. }
                | Self::InsecureLink
                | Self::Connect { .. }
                | Self::Challenge { .. }
                | Self::Token { .. }
        )
    }

    /// What Atlas said, if it was Atlas that answered.
    pub fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Response(error) => error.api_error(),
            _ => None,
        }
    }

    /// The status that was answered, if one was.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response(error) => Some(error.status()),
            Self::Link { status } | Self::Token { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn link_hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "it has expired, four hours after it was made, or was altered; ask for a new one",
        404 => "the file is gone; ask for a new one",
        300..=399 => "redirects are not followed",
        _ => "try again, then ask for a new one",
    }
}
