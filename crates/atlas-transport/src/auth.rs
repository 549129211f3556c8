//! Authentication as state machines: told the time and the headers, they say what to send.
//!
//! ```text
//! prepare ─┬─ Send(authorization, ticket) ── observe(ticket) ─┬─ Done
//!          ├─ Fetch(ticket) ── a token comes or does not ──┐   ├─ Retry ──► prepare
//!          └─ Wait ── somebody else probes or fetches ─────┴─► └─ Refused
//! ```
//!
//! A ticket carries the generation of the challenge or token it was made with, so that a late 401
//! for an old one cannot push out a newer. A ticket whose call was dropped is abandoned, and a
//! waiting call takes over.

mod digest;
mod token;

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::error::Error;

pub(crate) use digest::DigestSession;
pub(crate) use token::{Token, TokenSession};

/// What to do next for one call.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send the request, with this `Authorization`.
    Send(Option<HeaderValue>, Ticket),
    /// Fetch a token first, then ask again.
    Fetch(Ticket),
    /// Wait until somebody else's challenge or token has come, then ask again.
    Wait,
}

/// What an answer means for authentication.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing; the answer is the answer.
    Done,
    /// Send the request again.
    Retry,
    /// The credentials were refused; the answer says so.
    Refused,
    /// The challenge cannot be answered.
    Unanswerable(String),
}

/// Ties an answer to the challenge or token its request was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The generation of the challenge or token.
    pub(crate) generation: u64,
    /// Whether everybody else waits for this call.
    pub(crate) leads: bool,
}

/// One client's authentication, shared by its calls.
pub(crate) struct Auth {
    session: Mutex<Session>,
    changed: Notify,
}

enum Session {
    Bearer(HeaderValue),
    Digest(DigestSession),
    Token(TokenSession),
}

impl Auth {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, Error> {
        let session = match credentials {
            Credentials::Bearer { token } => Session::Bearer(bearer(token.expose_secret())?),
            Credentials::ApiKey {
                public_key,
                private_key,
            } => Session::Digest(DigestSession::new(public_key.clone(), private_key.clone())),
            Credentials::ServiceAccount {
                client_id,
                client_secret,
            } => Session::Token(TokenSession::new(client_id, client_secret)?),
        };
        Ok(Self {
            session: Mutex::new(session),
            changed: Notify::new(),
        })
    }

    /// Says what to send for one attempt, waiting for others where they are ahead.
    pub(crate) async fn prepare(&self, method: &str, target: &str) -> Result<Prepared<'_>, Error> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let step = match &mut *self.lock() {
                Session::Bearer(header) => Step::Send(Some(header.clone()), Ticket::NONE),
                Session::Digest(session) => session.prepare(method, target)?,
                Session::Token(session) => session.prepare(Instant::now()),
            };
            let (authorization, ticket, fetch) = match step {
                Step::Send(authorization, ticket) => (authorization, ticket, None),
                Step::Fetch(ticket) => (None, ticket, self.token_authorization()),
                Step::Wait => {
                    changed.await;
                    continue;
                }
            };
            return Ok(Prepared {
                auth: self,
                authorization,
                fetch,
                ticket: Some(ticket),
            });
        }
    }

    fn token_authorization(&self) -> Option<HeaderValue> {
        match &*self.lock() {
            Session::Token(session) => Some(session.basic()),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        // Every step leaves the session whole, so a panic elsewhere cannot have broken it.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt that is about to be made. Dropping it lets a waiting call take over.
pub(crate) struct Prepared<'a> {
    auth: &'a Auth,
    /// The header to send with the request.
    pub(crate) authorization: Option<HeaderValue>,
    /// The header to send to the token endpoint, if a token is to be fetched first.
    pub(crate) fetch: Option<HeaderValue>,
    ticket: Option<Ticket>,
}

impl Prepared<'_> {
    /// Takes the token that was fetched.
    pub(crate) fn fetched(mut self, token: &Token) -> Result<(), Error> {
        if let Session::Token(session) = &mut *self.auth.lock() {
            session.fetched(token, Instant::now())?;
            self.ticket = None;
        }
        self.auth.changed.notify_waiters();
        Ok(())
    }

    /// Takes the answer to attempt number `attempt`, the first being 1.
    pub(crate) fn observe(
        mut self,
        attempt: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let Some(ticket) = self.ticket.take() else {
            return Verdict::Done;
        };
        let verdict = match &mut *self.auth.lock() {
            Session::Bearer(_) => Verdict::Done,
            Session::Digest(session) => session.observe(ticket, attempt, status, headers),
            Session::Token(session) => session.observe(ticket, attempt, status),
        };
        if ticket.leads {
            self.auth.changed.notify_waiters();
        }
        verdict
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.filter(|ticket| ticket.leads) else {
            return;
        };
        match &mut *self.auth.lock() {
            Session::Bearer(_) => {}
            Session::Digest(session) => session.abandon(),
            Session::Token(session) => session.abandon(),
        }
        tracing::trace!(generation = ticket.generation, "authentication abandoned");
        self.auth.changed.notify_waiters();
    }
}

impl Ticket {
    const NONE: Self = Self {
        generation: 0,
        leads: false,
    };
}

/// An `Authorization` header for a bearer token, marked as a secret.
fn bearer(token: &str) -> Result<HeaderValue, Error> {
    secret_header(&format!("Bearer {token}"), "the access token")
}

/// A header value that `Debug` does not show.
fn secret_header(text: &str, what: &'static str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text.trim()).map_err(|_| Error::Unsendable { what })?;
    value.set_sensitive(true);
    Ok(value)
}
