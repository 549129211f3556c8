//! HTTP Digest (RFC 7616) with a challenge that is kept, so that a call costs one request.
//!
//! Section 3.6 lets a client send `Authorization` ahead with a nonce it was given before, counting
//! its uses in `nc`. Parsing is the `http-auth` crate's; what is kept here is which
//! challenge is current, who waits for one, and when a 401 means what.
//!
//! ```text
//! Unchallenged ─ first call, without Authorization ─► Probing ─ 401 + challenge ─► Challenged
//!      ▲                                                 │                          │   ▲
//!      └───────────── abandoned, or no challenge ────────┘  stale, nextnonce, or once over ─┘
//! ```
//!
//! A server may want the uses of a nonce in their order, and refuse those of several calls at once.
//! So unverified keys are probed by a single request with a nonce of its own: only then does a refusal
//! say something about the keys.

use std::fmt;

use http::{HeaderMap, HeaderValue, StatusCode};
use http_auth::digest::DigestClient;
use secrecy::SecretString;

use super::challenge::{Challenge, Refusal};
use super::responder::Responder;
use super::{AuthError, Ticket, Verdict};

/// How many requests one call may cost, a probe and a stale nonce included.
const MAX_ATTEMPTS: u32 = 3;

/// Authentication of one API key against one server, shared by all requests to it.
///
/// For each attempt, [`prepare`](DigestSession::prepare) says what to send, and
/// [`observe`](DigestSession::observe) takes what came back. An attempt that ends without a response
/// is handed to [`abandon`](DigestSession::abandon), so that requests that wait for it can go on.
pub struct DigestSession {
    username: String,
    password: SecretString,
    state: State,
    generation: u64,
    keys: Keys,
    /// Whether a request verifies the keys while the others wait.
    verifying: bool,
}

/// What to do next for one request.
#[derive(Debug)]
#[non_exhaustive]
pub enum DigestStep {
    /// Send the request, with this `Authorization` if there is one.
    #[non_exhaustive]
    Send {
        /// The header's value, marked as sensitive; `None` to be challenged.
        authorization: Option<HeaderValue>,
        /// To be handed to [`DigestSession::observe`] or [`DigestSession::abandon`].
        ticket: Ticket,
    },
    /// Another request finds out what the server wants, or whether the keys are right: prepare again
    /// once it was observed or abandoned.
    Wait,
}

/// What is known of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Not used yet, or doubted since a use was refused.
    Unverified,
    Accepted,
    Refused,
}

enum State {
    Unchallenged,
    Probing,
    Challenged {
        challenge: Challenge,
        responder: Box<Responder>,
    },
}

impl DigestSession {
    /// A session that has not been challenged yet.
    pub fn new(username: impl Into<String>, password: SecretString) -> Self {
        Self {
            username: username.into(),
            password,
            state: State::Unchallenged,
            generation: 0,
            keys: Keys::Unverified,
            verifying: false,
        }
    }

    /// Says what to send for one attempt of a request; `target` is the one on the request line.
    ///
    /// # Errors
    /// [`AuthError::Unsendable`] if the target cannot stand in a header.
    pub fn prepare(&mut self, method: &str, target: &str) -> Result<DigestStep, AuthError> {
        let mut ticket = Ticket::new(self.generation);
        match &mut self.state {
            State::Probing => Ok(DigestStep::Wait),
            State::Challenged { .. } if self.verifying && self.keys == Keys::Unverified => {
                Ok(DigestStep::Wait)
            }
            State::Challenged { responder, .. } if responder.is_usable() => {
                let what = "the request target";
                let authorization = responder
                    .respond(method, target)
                    .ok_or(AuthError::Unsendable { what })?;
                ticket.verifies = self.keys == Keys::Unverified;
                self.verifying |= ticket.verifies;
                Ok(DigestStep::Send {
                    authorization: Some(authorization),
                    ticket,
                })
            }
            _ => {
                self.state = State::Probing;
                ticket.probes = true;
                Ok(DigestStep::Send {
                    authorization: None,
                    ticket,
                })
            }
        }
    }

    /// Takes the response to attempt number `attempt` of one request, the first being 1.
    pub fn observe(
        &mut self,
        ticket: Ticket,
        attempt: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let current = ticket.generation == self.generation;
        if ticket.verifies {
            self.verifying = false;
        }
        if status != StatusCode::UNAUTHORIZED {
            if current && !ticket.probes {
                self.keys = Keys::Accepted;
            }
            match &self.state {
                // Accepted without authentication: there was nothing to be challenged for.
                State::Probing if ticket.probes => self.state = State::Unchallenged,
                State::Challenged { challenge, .. } if current => {
                    // One that cannot be answered is as good as none: the next 401 brings another.
                    if let Some(renewed) = challenge.renewed(headers) {
                        let _ = self.take(renewed);
                    }
                }
                _ => {}
            }
            return Verdict::Done;
        }
        let (challenge, client) = match Challenge::strongest(headers) {
            Ok(challenge) => challenge,
            Err(refusal) => {
                self.abandon(ticket);
                return match refusal {
                    Refusal::NoDigest => Verdict::Refused,
                    Refusal::Unusable(problem) => Verdict::Unanswerable(problem),
                };
            }
        };
        let again = if attempt < MAX_ATTEMPTS {
            Verdict::Retry
        } else {
            Verdict::Refused
        };
        if !current {
            // A newer challenge is there already; this one is late.
            return again;
        }
        if !ticket.probes && !client.stale() {
            if ticket.verifies || self.keys == Keys::Refused {
                self.keys = Keys::Refused;
                return Verdict::Refused;
            }
            // The keys are no more, the nonce is too old, or the count came out of its order.
            self.keys = Keys::Unverified;
        }
        match self.take((challenge, client)) {
            Ok(()) => again,
            Err(problem) => {
                self.abandon(ticket);
                Verdict::Unanswerable(problem)
            }
        }
    }

    /// Takes back an attempt that ended without a response, so that another request can do what
    /// others wait for.
    pub fn abandon(&mut self, ticket: Ticket) {
        if ticket.verifies {
            self.verifying = false;
        }
        if ticket.probes && matches!(self.state, State::Probing) {
            self.state = State::Unchallenged;
        }
    }

    fn take(&mut self, (challenge, parsed): (Challenge, DigestClient)) -> Result<(), String> {
        let responder = Responder::new(&challenge, &parsed, &self.username, &self.password)?;
        self.generation += 1;
        self.state = State::Challenged {
            challenge,
            responder: Box::new(responder),
        };
        Ok(())
    }
}

impl fmt::Debug for DigestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestSession")
            .field("generation", &self.generation)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
