//! Authentication as state machines, for any HTTP client and any runtime. They use no socket, clock or
//! thread: the caller passes the time and the responses, and receives what to send.
//!
//! [`Client`](crate::Client) uses them; this module is for other HTTP clients.
//! [`DigestSession`] is for API keys (RFC 7616), [`TokenSession`] for service accounts (RFC 6749
//! section 4.4). All requests with the same credentials share a session, behind a lock that is not
//! held while a request is in flight:
//!
//! ```text
//! prepare ─┬─ Send(authorization, ticket) ── observe(ticket) ─┬─ Done
//!          ├─ Fetch ── fetched or failed ──────────────────┐   ├─ Retry ──► prepare
//!          └─ Wait ── another request probes or fetches ───┴─► └─ Refused
//! ```
//!
//! A ticket holds the generation of its challenge or token, so that a late 401 for an old one cannot
//! replace a newer one. If a digest request ends without a response, call [`DigestSession::abandon`]; if
//! a fetch ends without a token, call [`TokenSession::failed`]: a waiting request then takes over. After
//! `Wait`, prepare again after the next `observe`, `abandon`, `fetched` or `failed` of another request,
//! for instance with a condition variable. A single thread never receives `Wait`.
//! [`Verdict::Unanswerable`] is a challenge that is invalid or not supported.
//!
//! ```
//! use atlas_transport::auth::{DigestSession, DigestStep, Verdict};
//! use http::{HeaderMap, StatusCode};
//!
//! /// Any HTTP client: here one whose server requires `Authorization`.
//! fn send(authorization: Option<&http::HeaderValue>) -> (StatusCode, HeaderMap) {
//!     let mut headers = HeaderMap::new();
//!     if authorization.is_some() {
//!         return (StatusCode::OK, headers);
//!     }
//!     let challenge = "Digest realm=\"MMS Public API\", nonce=\"n1\", qop=\"auth\"";
//!     headers.insert("www-authenticate", http::HeaderValue::from_static(challenge));
//!     (StatusCode::UNAUTHORIZED, headers)
//! }
//!
//! # fn main() -> Result<(), atlas_transport::auth::AuthError> {
//! let mut session = DigestSession::new("public", "private".into());
//! let mut attempt = 1;
//! let status = loop {
//!     let DigestStep::Send { authorization, ticket, .. } =
//!         session.prepare("GET", "/api/atlas/v2/groups")?
//!     else {
//!         unreachable!("no other request is in flight");
//!     };
//!     let (status, headers) = send(authorization.as_ref());
//!     match session.observe(ticket, attempt, status, &headers) {
//!         Verdict::Retry => attempt += 1,
//!         _ => break status,
//!     }
//! };
//! assert_eq!((status, attempt), (StatusCode::OK, 2));
//! # Ok(())
//! # }
//! ```

mod challenge;
mod client_authentication;
mod digest;
mod responder;
mod token;
mod token_answer;
mod token_cache;

use std::fmt;

use http::HeaderValue;

pub use client_authentication::ClientAuthentication;
pub(crate) use client_authentication::{basic_pair, form_encode};
pub use digest::{DigestSession, DigestStep};
pub use token::{TokenSession, TokenStep};
pub use token_answer::{Token, TokenError, TokenRefusal};
pub use token_cache::{CachedToken, LockAttempt, TokenCache, TokenKey, TokenLock};

/// The consequence of a response for authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// None: use the response.
    Done,
    /// Call `prepare` again, and send the request again.
    Retry,
    /// The credentials were refused: use the response.
    Refused,
    /// The digest challenge cannot be answered, for this reason, which may quote the server.
    Unanswerable(String),
}

/// Links a response to the challenge or token of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "pass it to `observe`, or to `abandon` if there is no response"]
pub struct Ticket {
    /// The generation of the challenge or token.
    generation: u64,
    /// Whether the request obtains the challenge that all others wait for.
    probes: bool,
    /// Whether the request verifies the keys, which all others wait for.
    verifies: bool,
}

impl Ticket {
    fn new(generation: u64) -> Self {
        Self {
            generation,
            probes: false,
            verifies: false,
        }
    }

    /// Returns the ticket of a request whose credentials never change.
    pub(crate) fn none() -> Self {
        Self::new(0)
    }

    /// Returns whether other requests may be waiting for the outcome of this one.
    pub fn is_waited_for(&self) -> bool {
        self.probes || self.verifies
    }

    /// Returns the number of the challenge or token, for logs.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Credentials or a request for which no `Authorization` can be built.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A part is not a valid header value.
    #[error("{what} cannot be sent; check it for line breaks and other control characters")]
    #[non_exhaustive]
    Unsendable {
        /// The part that cannot be sent.
        what: &'static str,
    },
}

impl fmt::Debug for AuthError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns an `Authorization` header for a bearer token, marked as sensitive.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, AuthError> {
    secret_header(&format!("Bearer {token}"), "the access token")
}

/// Returns a header value that `Debug` does not show.
fn secret_header(text: &str, what: &'static str) -> Result<HeaderValue, AuthError> {
    let value = HeaderValue::from_str(text.trim());
    let mut value = value.map_err(|_| AuthError::Unsendable { what })?;
    value.set_sensitive(true);
    Ok(value)
}
