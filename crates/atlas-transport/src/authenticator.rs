//! The authentication of one client: runs the sessions of [`auth`](crate::auth) on Tokio.

#[cfg(all(test, shuttle))]
mod interleavings;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::auth::{
    DigestSession, DigestStep, Ticket, Token, TokenSession, TokenStep, Verdict, bearer,
};
use crate::credential_check;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::sync::Mutex;

/// The authentication of one client, shared by its calls.
pub(crate) struct Authenticator {
    session: Mutex<Session>,
    changed: Notify,
}

enum Session {
    Bearer(HeaderValue),
    Digest(DigestSession),
    Token {
        session: TokenSession,
        /// The number and error of the last failed fetch.
        failure: Option<(u64, Arc<Error>)>,
    },
}

impl Authenticator {
    pub(crate) fn new(credentials: &Credentials) -> Result<Arc<Self>, ErrorKind> {
        credential_check::check(credentials)?;
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
            } => Session::Token {
                session: TokenSession::new(*authentication, client_id, client_secret)?,
                failure: None,
            },
        };
        Ok(Arc::new(Self {
            session: Mutex::new(session),
            changed: Notify::new(),
        }))
    }

    /// Returns what to send for one attempt, after waiting for other calls if needed. `fetch` receives the
    /// duty to fetch a token, and must not block.
    pub(crate) async fn prepare(
        self: &Arc<Self>,
        method: &str,
        target: &str,
        fetch: impl Fn(Fetching),
    ) -> Result<Prepared, ErrorKind> {
        // In most cases there is nothing to wait for.
        let step = self.session.lock().prepare(method, target, None)?;
        let (authorization, ticket) = match step {
            Step::Send(authorization, ticket) => (authorization, ticket),
            step => self.when_ready(step, method, target, fetch).await?,
        };
        Ok(Prepared {
            auth: self.clone(),
            authorization,
            ticket: Some(ticket),
        })
    }

    /// Continues from a step until there is something to send.
    async fn when_ready(
        self: &Arc<Self>,
        mut step: Step,
        method: &str,
        target: &str,
        fetch: impl Fn(Fetching),
    ) -> Result<(Option<HeaderValue>, Ticket), ErrorKind> {
        let duty = || Fetching {
            auth: Some(self.clone()),
        };
        let prepare = |waited_for| {
            self.session
                .lock()
                .prepare(method, target, Some(waited_for))
        };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            step = match step {
                Step::Send(authorization, ticket) => return Ok((authorization, ticket)),
                Step::SendAndFetch(authorization, ticket) => {
                    fetch(duty());
                    return Ok((Some(authorization), ticket));
                }
                Step::Fetch(number) => {
                    fetch(duty());
                    changed.await;
                    prepare(number)?
                }
                Step::Wait(number) => match prepare(number)? {
                    // Nothing changed before the notification was enabled.
                    Step::Wait(_) => {
                        changed.await;
                        prepare(number)?
                    }
                    step => step,
                },
            };
        }
    }

    /// Drops the access token, if one was fetched.
    pub(crate) fn drop_token(&self) -> Option<SecretString> {
        match &mut *self.session.lock() {
            Session::Token { session, .. } => session.drop_token(),
            _ => None,
        }
    }

    /// Returns the request for a token, for a service account.
    pub(crate) fn token_request(&self) -> Option<Request<Bytes>> {
        match &*self.session.lock() {
            Session::Token { session, .. } => Some(session.token_request()),
            _ => None,
        }
    }

    /// Returns the request that revokes a token, for a service account.
    pub(crate) fn revocation_request(&self, token: &SecretString) -> Option<Request<Bytes>> {
        match &*self.session.lock() {
            Session::Token { session, .. } => Some(session.revocation_request(token)),
            _ => None,
        }
    }

    fn end_fetch(&self, fetched: Option<Result<Token, Error>>) {
        let now = Instant::now().into_std();
        if let Session::Token { session, failure } = &mut *self.session.lock() {
            let failed = match fetched {
                Some(Ok(token)) => session
                    .fetched(&token, now)
                    .err()
                    .map(|error| Error::from(ErrorKind::from(error))),
                Some(Err(error)) => Some(error),
                None => {
                    session.failed(now);
                    None
                }
            };
            if let Some(failed) = failed {
                session.failed(now);
                *failure = Some((session.fetches(), Arc::new(failed)));
            }
        }
        self.changed.notify_waiters();
    }
}

/// The next step for one call.
#[derive(Debug)]
enum Step {
    Send(Option<HeaderValue>, Ticket),
    SendAndFetch(HeaderValue, Ticket),
    /// Start a fetch, which has this number, and wait for it.
    Fetch(u64),
    /// Wait for another call, or for the fetch with this number.
    Wait(u64),
}

impl Session {
    /// `waited_for` is the number of the fetch that this call waited for.
    fn prepare(
        &mut self,
        method: &str,
        target: &str,
        waited_for: Option<u64>,
    ) -> Result<Step, ErrorKind> {
        let step = match self {
            Self::Bearer(header) => Step::Send(Some(header.clone()), Ticket::none()),
            Self::Digest(session) => match session.prepare(method, target)? {
                DigestStep::Send {
                    authorization,
                    ticket,
                } => Step::Send(authorization, ticket),
                DigestStep::Wait => Step::Wait(0),
            },
            Self::Token { session, failure } => {
                if let Some((number, error)) = failure
                    && Some(*number) == waited_for
                    && *number == session.fetches()
                {
                    return Err(ErrorKind::NoToken(error.clone()));
                }
                match session.prepare(Instant::now().into_std()) {
                    TokenStep::Send {
                        authorization,
                        ticket,
                    } => Step::Send(Some(authorization), ticket),
                    TokenStep::SendAndFetch {
                        authorization,
                        ticket,
                    } => Step::SendAndFetch(authorization, ticket),
                    TokenStep::Fetch => Step::Fetch(session.fetches()),
                    TokenStep::Wait => Step::Wait(session.fetches()),
                }
            }
        };
        Ok(step)
    }
}

/// The duty to fetch a token. If it is dropped unfulfilled, a waiting call takes over.
pub(crate) struct Fetching {
    auth: Option<Arc<Authenticator>>,
}

impl Fetching {
    /// Returns the last token that was refused with a 401.
    pub(crate) fn refused(&self) -> Option<SecretString> {
        match &*self.auth.as_ref()?.session.lock() {
            Session::Token { session, .. } => session.refused(),
            _ => None,
        }
    }

    /// Ends the fetch with a token or an error.
    pub(crate) fn end(mut self, fetched: Result<Token, Error>) {
        if let Some(auth) = self.auth.take() {
            auth.end_fetch(Some(fetched));
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Some(auth) = self.auth.take() {
            auth.end_fetch(None);
        }
    }
}

/// A prepared attempt. If it is dropped, a waiting call takes over.
pub(crate) struct Prepared {
    auth: Arc<Authenticator>,
    /// The header to send with the request.
    pub(crate) authorization: Option<HeaderValue>,
    ticket: Option<Ticket>,
}

impl Prepared {
    /// Evaluates the response to attempt number `attempt`, the first being 1.
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
            Session::Token { session, .. } => session.observe(ticket, attempt, status),
        };
        if ticket.is_waited_for() {
            self.auth.changed.notify_waiters();
        }
        verdict
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.filter(Ticket::is_waited_for) else {
            return;
        };
        if let Session::Digest(session) = &mut *self.auth.session.lock() {
            session.abandon(ticket);
        }
        tracing::trace!(generation = ticket.generation(), "authentication abandoned");
        self.auth.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
