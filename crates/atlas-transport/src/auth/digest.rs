//! HTTP Digest (RFC 7616) with a reused challenge, so that a call needs one request.
//!
//! Section 3.6 allows a client to send `Authorization` in advance with an earlier nonce, counting its
//! uses in `nc`. The `http-auth` crate parses. This module tracks which challenge is current, which
//! requests wait for one, and the meaning of each 401.
//!
//! ```text
//! Unchallenged ─ first call, without Authorization ─► Probing ─ 401 + challenge ─► Challenged
//!      ▲                                                 │                          │   ▲
//!      └───────────── abandoned, or no challenge ────────┘ stale, nextnonce, or a refusal ──┘
//! ```
//!
//! A server may require the uses of a nonce in order, and refuse those of concurrent calls. Unverified
//! keys are therefore probed by a single request with its own nonce: only then is a refusal evidence
//! about the keys.

use std::fmt;

use http::{HeaderMap, HeaderValue, StatusCode};
use http_auth::digest::DigestClient;
use secrecy::SecretString;

use super::challenge::{Challenge, Refusal};
use super::responder::Responder;
use super::{AuthError, Ticket, Verdict};

/// The maximum number of requests of one call, a probe and a stale nonce included.
const MAX_ATTEMPTS: u32 = 3;

/// Authentication of one API key against one server, shared by all requests to it.
///
/// For each attempt, [`prepare`](DigestSession::prepare) returns what to send, and
/// [`observe`](DigestSession::observe) evaluates the response. If an attempt ends without a response,
/// call [`abandon`](DigestSession::abandon), so that waiting requests can continue.
pub struct DigestSession {
    username: String,
    password: SecretString,
    state: State,
    generation: u64,
    keys: Keys,
    /// Whether a request verifies the keys while the others wait.
    verifying: bool,
}

/// The next step for one request.
#[derive(Debug)]
#[non_exhaustive]
pub enum DigestStep {
    /// Send the request, with this `Authorization` if there is one.
    #[non_exhaustive]
    Send {
        /// The header's value, marked as sensitive; `None` to receive a challenge.
        authorization: Option<HeaderValue>,
        /// Pass this to [`DigestSession::observe`] or [`DigestSession::abandon`].
        ticket: Ticket,
    },
    /// Another request obtains the challenge or verifies the keys: prepare again once it was observed or
    /// abandoned.
    Wait,
}

/// The known state of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Not used yet, or refused once since they were accepted.
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
    /// Creates a session without a challenge.
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

    /// Returns what to send for one attempt of a request; `target` is that of the request line.
    ///
    /// # Errors
    /// [`AuthError::Unsendable`] if the target is not valid in a header.
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

    /// Evaluates the response to attempt number `attempt` of one request, the first being 1.
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
                // Accepted without authentication: no challenge was needed.
                State::Probing if ticket.probes => self.state = State::Unchallenged,
                State::Challenged { challenge, .. } if current => {
                    // An unusable challenge is ignored: the next 401 brings another.
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
            // A newer challenge has been received; this one is late.
            return again;
        }
        if !ticket.probes && !client.stale() {
            if ticket.verifies || self.keys == Keys::Refused {
                self.keys = Keys::Refused;
                return Verdict::Refused;
            }
            // The keys were deleted, the nonce is too old, or the count arrived out of order.
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

    /// Ends an attempt without a response, so that another request can obtain the challenge or verify the
    /// keys.
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
