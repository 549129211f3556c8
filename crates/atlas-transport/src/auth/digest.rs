//! HTTP Digest (RFC 7616) with a challenge that is kept, so that a call costs one request.
//!
//! Section 3.6 lets a client send `Authorization` ahead with a nonce it was given before, counting
//! its uses in `nc`. Parsing and hashing are the `http-auth` crate's; what is kept here is which
//! challenge is current, who waits for one, and when a 401 means what.
//!
//! ```text
//! Unchallenged ─ first call, without Authorization ─► Probing ─ 401 + challenge ─► Challenged
//!      ▲                                                 │                          │   ▲
//!      └───────────── abandoned, or no challenge ────────┘  stale, nextnonce, or once over ─┘
//! ```
//!
//! A server may want the uses of a nonce in their order, and refuse those of several calls at once.
//! So what is not known to work is tried by one call, alone with its nonce: only then does a refusal
//! speak of the keys.

use http::{HeaderMap, StatusCode};
use http_auth::PasswordParams;
use http_auth::digest::DigestClient;
use secrecy::{ExposeSecret, SecretString};

use super::challenge::{Challenge, Refusal};
use super::{Step, Ticket, Verdict, secret_header};
use crate::error::ErrorKind;

/// How many requests one call may cost, a probe and a stale nonce included.
const MAX_ATTEMPTS: u32 = 3;

pub(crate) struct DigestSession {
    username: String,
    password: SecretString,
    state: State,
    generation: u64,
    keys: Keys,
    /// Whether a call tries the keys while the others wait.
    trying: bool,
}

/// What is known of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Not used yet, or doubted since a use was refused.
    Untried,
    Accepted,
    Refused,
}

enum State {
    Unchallenged,
    Probing,
    Challenged {
        challenge: Challenge,
        client: Box<DigestClient>,
        /// The first answer's cnonce, for a `-sess` algorithm: its key is made of that one (RFC
        /// 7616 section 3.4.2), so a server may keep the key or make it anew for each answer.
        cnonce: Option<String>,
    },
}

impl DigestSession {
    pub(crate) fn new(username: String, password: SecretString) -> Self {
        Self {
            username,
            password,
            state: State::Unchallenged,
            generation: 0,
            keys: Keys::Untried,
            trying: false,
        }
    }

    /// Answers the current challenge for one request; `target` is the one on the request line.
    pub(crate) fn prepare(&mut self, method: &str, target: &str) -> Result<Step, ErrorKind> {
        let mut ticket = Ticket {
            generation: self.generation,
            ..Ticket::NONE
        };
        match &mut self.state {
            State::Probing => Ok(Step::Wait(0)),
            State::Challenged { .. } if self.trying && self.keys == Keys::Untried => {
                Ok(Step::Wait(0))
            }
            State::Challenged {
                challenge,
                client,
                cnonce,
            } if client.nonce_count() < u32::MAX => {
                let params = PasswordParams {
                    username: &self.username,
                    password: self.password.expose_secret(),
                    uri: target,
                    method,
                    body: None,
                };
                let answer = match cnonce {
                    Some(first) => client.respond_with_testing_cnonce(&params, first),
                    None => client.respond(&params),
                };
                let mut answer = answer.map_err(|problem| ErrorKind::Challenge { problem })?;
                if client.rfc2069_compat()
                    && let Some(algorithm) = challenge.algorithm()
                {
                    // http-auth leaves it out without a qop, which means MD5.
                    answer.push_str(", algorithm=");
                    answer.push_str(algorithm);
                }
                if client.session() && cnonce.is_none() {
                    *cnonce = cnonce_of(&answer);
                }
                let header = secret_header(&answer, "the public key")?;
                ticket.tries = self.keys == Keys::Untried;
                self.trying |= ticket.tries;
                Ok(Step::Send(Some(header), ticket))
            }
            _ => {
                self.state = State::Probing;
                ticket.leads = true;
                Ok(Step::Send(None, ticket))
            }
        }
    }

    /// Takes the answer to attempt number `attempt` of one call.
    pub(crate) fn observe(
        &mut self,
        ticket: Ticket,
        attempt: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let current = ticket.generation == self.generation;
        if ticket.tries {
            self.trying = false;
        }
        if status != StatusCode::UNAUTHORIZED {
            if current && !ticket.leads {
                self.keys = Keys::Accepted;
            }
            match &self.state {
                // Accepted without authentication: there was nothing to be challenged for.
                State::Probing if ticket.leads => self.state = State::Unchallenged,
                State::Challenged { challenge, .. } if current => {
                    if let Some(renewed) = challenge.renewed(headers) {
                        self.take(renewed);
                    }
                }
                _ => {}
            }
            return Verdict::Done;
        }
        let (challenge, client) = match Challenge::strongest(headers) {
            Ok(challenge) => challenge,
            Err(refusal) => {
                if ticket.leads {
                    self.abandon();
                }
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
        if !ticket.leads && !client.stale() {
            if ticket.tries || self.keys == Keys::Refused {
                self.keys = Keys::Refused;
                return Verdict::Refused;
            }
            // The keys are no more, the nonce is too old, or the count came out of its order.
            self.keys = Keys::Untried;
        }
        self.take((challenge, client));
        again
    }

    /// Gives up what others wait for, so that one of them can do it.
    pub(crate) fn abandon(&mut self) {
        self.trying = false;
        if matches!(self.state, State::Probing) {
            self.state = State::Unchallenged;
        }
    }

    fn take(&mut self, (challenge, client): (Challenge, DigestClient)) {
        self.generation += 1;
        self.state = State::Challenged {
            challenge,
            client: Box::new(client),
            cnonce: None,
        };
    }
}

/// The cnonce of an answer; quotes within its other parameters are escaped.
fn cnonce_of(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("cnonce=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

#[cfg(test)]
mod tests;
