//! Authentication as state machines, for any HTTP client and any runtime: they know no socket, no
//! clock and no thread, are told the time and the responses, and say what to send.
//!
//! [`Client`](crate::Client) drives them; this module is for those who send requests otherwise.
//! [`DigestSession`] is for API keys (RFC 7616), [`TokenSession`] for service accounts (RFC 6749
//! section 4.4). Both are shared by all requests with the same credentials, behind a lock that is not
//! held while a request is under way:
//!
//! ```text
//! prepare ─┬─ Send(authorization, ticket) ── observe(ticket) ─┬─ Done
//!          ├─ Fetch ── a token comes or does not ──────────┐   ├─ Retry ──► prepare
//!          └─ Wait ── another request probes or fetches ───┴─► └─ Refused
//! ```
//!
//! A ticket carries the generation of the challenge or token it was made with, so that a late 401
//! for an old one cannot push out a newer. A digest request that ends without a response is handed to
//! [`DigestSession::abandon`], and a fetch without a token to [`TokenSession::failed`]: a waiting
//! request then takes over. Whoever gets `Wait` prepares again after the next `observe`, `abandon`,
//! `fetched` or `failed` of another request; a condition variable beside the lock will do. A single
//! thread never gets it. [`Verdict::Unanswerable`] is a challenge that no answer can be made for.
//!
//! ```
//! use atlas_transport::auth::{DigestSession, DigestStep, Verdict};
//! use http::{HeaderMap, StatusCode};
//!
//! /// Any HTTP client: here one that refuses whoever has no `Authorization`.
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
//!         unreachable!("there is no other request to wait for");
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

/// What a response means for authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing: the response stands.
    Done,
    /// Send the request again, as another `prepare` says.
    Retry,
    /// The credentials were refused: the response stands.
    Refused,
    /// The digest challenge cannot be answered, for this reason, which may quote the server.
    Unanswerable(String),
}

/// Ties a response to the challenge or token its request was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "hand it to `observe`, or to `abandon` if there is no response"]
pub struct Ticket {
    /// The generation of the challenge or token.
    generation: u64,
    /// Whether it asks for the challenge that all others wait for.
    probes: bool,
    /// Whether it verifies the keys, which all others wait for.
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

    /// The ticket of a request whose credentials never change.
    pub(crate) fn none() -> Self {
        Self::new(0)
    }

    /// Whether other requests may be waiting for the outcome of this one.
    pub fn is_waited_for(&self) -> bool {
        self.probes || self.verifies
    }

    /// The number of the challenge or token, for logs.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Credentials, or a request, that no `Authorization` can be made for.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Something cannot stand in a header.
    #[error("{what} cannot be sent; check it for line breaks and other control characters")]
    #[non_exhaustive]
    Unsendable {
        /// What cannot be sent.
        what: &'static str,
    },
}

impl fmt::Debug for AuthError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An `Authorization` header for a bearer token, marked as a secret.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, AuthError> {
    secret_header(&format!("Bearer {token}"), "the access token")
}

/// A header value that `Debug` does not show.
fn secret_header(text: &str, what: &'static str) -> Result<HeaderValue, AuthError> {
    let value = HeaderValue::from_str(text.trim());
    let mut value = value.map_err(|_| AuthError::Unsendable { what })?;
    value.set_sensitive(true);
    Ok(value)
}
