//! Authentication as state machines: told the time and the headers, they say what to send.
//!
//! ```text
//! prepare ─┬─ Send(authorization, ticket) ── observe(ticket) ─┬─ Done
//!          ├─ Fetch ── a token comes or does not ──────────┐   ├─ Retry ──► prepare
//!          └─ Wait ── somebody else probes or fetches ─────┴─► └─ Refused
//! ```
//!
//! A ticket carries the generation of the challenge or token it was made with, so that a late 401
//! for an old one cannot push out a newer. A ticket whose call was dropped is abandoned, and a
//! waiting call takes over.

mod challenge;
mod client_authentication;
mod digest;
#[cfg(all(test, shuttle))]
mod interleavings;
mod token;
mod token_answer;
mod token_cache;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::sync::Mutex;

pub use client_authentication::ClientAuthentication;
pub(crate) use client_authentication::{ClientProof, basic_pair, form_encode};
use digest::DigestSession;
use token::TokenSession;
pub use token_answer::TokenRefusal;
pub(crate) use token_answer::{Token, line as token_line, read as read_token};
pub use token_cache::{CachedToken, LockAttempt, TokenCache, TokenKey, TokenLock};

/// What to do next for one call.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send the request, with this `Authorization`.
    Send(Option<HeaderValue>, Ticket),
    /// Send the request, and have the aging token replaced meanwhile.
    SendAndFetch(HeaderValue, Ticket),
    /// Have a token fetched, and wait for it.
    Fetch(u64),
    /// Wait until somebody else's challenge or token has come, then ask again.
    Wait(u64),
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
    /// Whether it asks for the challenge that everybody else waits for.
    pub(crate) leads: bool,
    /// Whether it tries the keys, which everybody else waits for.
    pub(crate) tries: bool,
}

impl Ticket {
    const NONE: Self = Self {
        generation: 0,
        leads: false,
        tries: false,
    };

    fn is_waited_for(self) -> bool {
        self.leads || self.tries
    }
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
    pub(crate) fn new(credentials: &Credentials) -> Result<Arc<Self>, ErrorKind> {
        let session = match credentials {
            Credentials::Bearer { token } => Session::Bearer(bearer(token.expose_secret())?),
            Credentials::ApiKey {
                public_key,
                private_key,
            } => Session::Digest(DigestSession::new(public_key.clone(), private_key.clone())),
            Credentials::ServiceAccount {
                client_id,
                client_secret,
                authentication,
            } => Session::Token(TokenSession::new(ClientProof::new(
                *authentication,
                client_id,
                client_secret,
            )?)),
        };
        Ok(Arc::new(Self {
            session: Mutex::new(session),
            changed: Notify::new(),
        }))
    }

    /// Says what to send for one attempt, waiting for others where they are ahead. `fetch` is
    /// handed the duty to have a token fetched, and must not wait for it.
    pub(crate) async fn prepare(
        self: &Arc<Self>,
        method: &str,
        target: &str,
        fetch: impl Fn(Fetching),
    ) -> Result<Prepared, ErrorKind> {
        let duty = || Fetching {
            auth: Some(self.clone()),
        };
        let mut waited_for = None;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let step = match &mut *self.session.lock() {
                Session::Bearer(header) => Step::Send(Some(header.clone()), Ticket::NONE),
                Session::Digest(session) => session.prepare(method, target)?,
                Session::Token(session) => {
                    if let Some(failure) = waited_for.and_then(|fetch| session.failure(fetch)) {
                        return Err(ErrorKind::NoToken(failure));
                    }
                    session.prepare(Instant::now())
                }
            };
            let (authorization, ticket) = match step {
                Step::Send(authorization, ticket) => (authorization, ticket),
                Step::SendAndFetch(authorization, ticket) => {
                    fetch(duty());
                    (Some(authorization), ticket)
                }
                Step::Fetch(number) => {
                    fetch(duty());
                    waited_for = Some(number);
                    changed.await;
                    continue;
                }
                Step::Wait(number) => {
                    waited_for = Some(number);
                    changed.await;
                    continue;
                }
            };
            return Ok(Prepared {
                auth: self.clone(),
                authorization,
                ticket: Some(ticket),
            });
        }
    }

    /// Forgets the access token, if one was fetched.
    pub(crate) fn drop_token(&self) -> Option<SecretString> {
        match &mut *self.session.lock() {
            Session::Token(session) => session.drop_token(),
            _ => None,
        }
    }

    /// What requests to the token endpoint carry of a service account.
    pub(crate) fn client_proof(&self) -> Option<ClientProof> {
        match &*self.session.lock() {
            Session::Token(session) => Some(session.client_proof()),
            _ => None,
        }
    }

    fn end_fetch(&self, end: impl FnOnce(&mut TokenSession)) {
        if let Session::Token(session) = &mut *self.session.lock() {
            end(session);
        }
        self.changed.notify_waiters();
    }
}

/// The duty to fetch a token. Dropping it unfulfilled lets a waiting call take over.
pub(crate) struct Fetching {
    auth: Option<Arc<Auth>>,
}

impl Fetching {
    /// The last token that a 401 came for.
    pub(crate) fn refused(&self) -> Option<SecretString> {
        match &*self.auth.as_ref()?.session.lock() {
            Session::Token(session) => session.refused(),
            _ => None,
        }
    }

    /// Hands over the token, or why there is none.
    pub(crate) fn end(mut self, fetched: Result<Token, Error>) {
        let Some(auth) = self.auth.take() else {
            return;
        };
        let now = Instant::now();
        auth.end_fetch(|session| {
            let failure = match fetched {
                Ok(token) => session.fetched(&token, now).err().map(Error::from),
                Err(error) => Some(error),
            };
            if let Some(failure) = failure {
                session.failed(Some(Arc::new(failure)), now);
            }
        });
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Some(auth) = self.auth.take() {
            auth.end_fetch(|session| session.failed(None, Instant::now()));
        }
    }
}

/// One attempt that is about to be made. Dropping it lets a waiting call take over.
pub(crate) struct Prepared {
    auth: Arc<Auth>,
    /// The header to send with the request.
    pub(crate) authorization: Option<HeaderValue>,
    ticket: Option<Ticket>,
}

impl Prepared {
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
        let verdict = match &mut *self.auth.session.lock() {
            Session::Bearer(_) => Verdict::Done,
            Session::Digest(session) => session.observe(ticket, attempt, status, headers),
            Session::Token(session) => session.observe(ticket, attempt, status),
        };
        if ticket.is_waited_for() {
            self.auth.changed.notify_waiters();
        }
        verdict
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.filter(|ticket| ticket.is_waited_for()) else {
            return;
        };
        if let Session::Digest(session) = &mut *self.auth.session.lock() {
            session.abandon();
        }
        tracing::trace!(generation = ticket.generation, "authentication abandoned");
        self.auth.changed.notify_waiters();
    }
}

/// An `Authorization` header for a bearer token, marked as a secret.
fn bearer(token: &str) -> Result<HeaderValue, ErrorKind> {
    secret_header(&format!("Bearer {token}"), "the access token")
}

/// A header value that `Debug` does not show.
fn secret_header(text: &str, what: &'static str) -> Result<HeaderValue, ErrorKind> {
    let mut value =
        HeaderValue::from_str(text.trim()).map_err(|_| ErrorKind::Unsendable { what })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
