//! OAuth 2.0 client credentials (RFC 6749 section 4.4): one token, shared by all calls and replaced
//! before it expires.
//!
//! ```text
//! Empty ─ first call ─► Fetching ─ fetched ─► Fresh ─ the last part of its life ─► Aging
//!   ▲                      │                    ▲   one call replaces it meanwhile     │
//!   ├──── failed ◄─────────┘                    └──────────────────────────────────────┤
//!   └──────────────────────────── expired, or refused by a 401 ◄───────────────────────┘
//! ```

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::client_authentication::{ClientProof, form_encode};
use super::token_answer::Token;
use super::{AuthError, ClientAuthentication, Ticket, Verdict, bearer};

/// The path of the token endpoint.
const TOKEN_TARGET: &str = "/api/oauth/token";
/// The path of the revocation endpoint.
const REVOCATION_TARGET: &str = "/api/oauth/revoke";
/// The form that requests a token by client credentials (RFC 6749 section 4.4.2).
const TOKEN_FORM: &str = "grant_type=client_credentials";
/// How long before its expiry a token is replaced; at most a tenth of its lifetime.
const MARGIN: Duration = Duration::from_secs(60);
/// The wait after a failed replacement while the old token is valid; the endpoint allows ten requests a
/// minute.
const PAUSE: Duration = Duration::from_secs(15);

/// Authentication of one service account, shared by all requests with its tokens.
///
/// For each attempt, [`prepare`](TokenSession::prepare) returns what to send, and
/// [`observe`](TokenSession::observe) evaluates the response. To fetch a token, the caller sends a
/// [`token_request`](TokenSession::token_request) and passes the [`Token`] to
/// [`fetched`](TokenSession::fetched), or calls [`failed`](TokenSession::failed).
pub struct TokenSession {
    client_proof: ClientProof,
    held: Option<Held>,
    fetching: bool,
    /// The number of tokens so far.
    generation: u64,
    /// The number of fetches so far, so that a waiting request can identify the result it waited for.
    fetches: u64,
    /// The last token that was refused with a 401.
    refused: Option<SecretString>,
}

/// The next step for one request.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenStep {
    /// Send the request with this `Authorization`.
    #[non_exhaustive]
    Send {
        /// The header's value, marked as sensitive.
        authorization: HeaderValue,
        /// Pass this to [`TokenSession::observe`].
        ticket: Ticket,
    },
    /// Send the request, and replace the aging token meanwhile.
    #[non_exhaustive]
    SendAndFetch {
        /// The header's value, marked as sensitive.
        authorization: HeaderValue,
        /// Pass this to [`TokenSession::observe`].
        ticket: Ticket,
    },
    /// Fetch a token, then prepare again.
    Fetch,
    /// Another request is fetching a token: prepare again once that has ended.
    Wait,
}

struct Held {
    token: SecretString,
    authorization: HeaderValue,
    replace_at: Instant,
    expires_at: Instant,
}

impl TokenSession {
    /// Creates a session without a token.
    ///
    /// # Errors
    /// [`AuthError::Unsendable`] if id and secret do not form a valid header value.
    pub fn new(
        how: ClientAuthentication,
        client_id: &str,
        client_secret: &SecretString,
    ) -> Result<Self, AuthError> {
        let client_proof = ClientProof::new(how, client_id, client_secret)?;
        Ok(Self {
            client_proof,
            held: None,
            fetching: false,
            generation: 0,
            fetches: 0,
            refused: None,
        })
    }

    /// Returns the request for a token (RFC 6749 section 4.4.2), its target in origin form: a `POST` of a
    /// form to `/api/oauth/token`.
    pub fn token_request(&self) -> Request<Bytes> {
        self.client_proof.request(TOKEN_TARGET, TOKEN_FORM)
    }

    /// Returns the request that revokes an access token (RFC 7009), its target in origin form.
    pub fn revocation_request(&self, token: &SecretString) -> Request<Bytes> {
        let token = form_encode(token.expose_secret());
        let form = format!("token={token}&token_type_hint=access_token");
        self.client_proof.request(REVOCATION_TARGET, &form)
    }

    /// Returns the last refused token, so that it is not used from a cache again.
    pub fn refused(&self) -> Option<SecretString> {
        self.refused.clone()
    }

    /// Returns what to send for one attempt of a request.
    pub fn prepare(&mut self, now: Instant) -> TokenStep {
        let ticket = Ticket::new(self.generation);
        let valid = self.held.as_ref().filter(|held| now < held.expires_at);
        if let Some(held) = valid {
            let authorization = held.authorization.clone();
            if now < held.replace_at || self.fetching {
                return TokenStep::Send {
                    authorization,
                    ticket,
                };
            }
            self.start();
            return TokenStep::SendAndFetch {
                authorization,
                ticket,
            };
        }
        if self.fetching {
            return TokenStep::Wait;
        }
        self.start();
        TokenStep::Fetch
    }

    fn start(&mut self) {
        self.fetching = true;
        self.fetches += 1;
    }

    /// Returns how many fetches were started: the number of the current or last one.
    pub fn fetches(&self) -> u64 {
        self.fetches
    }

    /// Stores the token of a successful fetch.
    ///
    /// # Errors
    /// [`AuthError::Unsendable`] if it is not a valid header value. The fetch then continues, until
    /// [`failed`](TokenSession::failed) or another token.
    pub fn fetched(&mut self, token: &Token, now: Instant) -> Result<(), AuthError> {
        let authorization = bearer(token.access_token.expose_secret())?;
        self.fetching = false;
        self.generation += 1;
        let margin = MARGIN.min(token.lifetime / 10);
        self.held = Some(Held {
            token: token.access_token.clone(),
            authorization,
            replace_at: later(now, token.lifetime.saturating_sub(margin)),
            expires_at: later(now, token.lifetime),
        });
        Ok(())
    }

    /// Records a fetch without a token. A token that is still valid is replaced 15 s later.
    pub fn failed(&mut self, now: Instant) {
        self.fetching = false;
        if let Some(held) = &mut self.held {
            held.replace_at = later(now, PAUSE);
        }
    }

    /// Evaluates the response to attempt number `attempt` of one request, the first being 1. A refused
    /// token is dropped and replaced once.
    pub fn observe(&mut self, ticket: Ticket, attempt: u32, status: StatusCode) -> Verdict {
        if status != StatusCode::UNAUTHORIZED {
            return Verdict::Done;
        }
        if ticket.generation == self.generation {
            // Only the first refusal of a token drops it.
            self.drop_token();
        }
        if attempt == 1 {
            Verdict::Retry
        } else {
            Verdict::Refused
        }
    }

    /// Drops the token, so that the next call fetches another.
    pub fn drop_token(&mut self) -> Option<SecretString> {
        let token = self.held.take()?.token;
        self.refused = Some(token.clone());
        Some(token)
    }
}

impl fmt::Debug for TokenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSession")
            .field("generation", &self.generation)
            .field("fetching", &self.fetching)
            .finish_non_exhaustive()
    }
}

/// Adds a wait to a time. On overflow returns the time itself: another token is fetched then.
fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::super::ClientAuthentication;
    use super::*;

    fn token(seconds: u64) -> Token {
        Token {
            access_token: "t0ken".into(),
            lifetime: Duration::from_secs(seconds),
        }
    }

    fn session() -> TokenSession {
        TokenSession::new(ClientAuthentication::Basic, "id", &"s3cret".into()).unwrap()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_requested_and_revoked_with_a_form() {
        let session = session();
        let token = "a+b".into();
        for (request, target, form) in [
            (
                session.token_request(),
                "/api/oauth/token",
                "grant_type=client_credentials",
            ),
            (
                session.revocation_request(&token),
                "/api/oauth/revoke",
                "token=a%2Bb&token_type_hint=access_token",
            ),
        ] {
            assert_eq!(request.method(), http::Method::POST);
            assert_eq!(request.uri(), target);
            assert_eq!(request.body(), form);
            let header = |name: &str| request.headers()[name].to_str().unwrap();
            assert_eq!(header("authorization"), "Basic aWQ6czNjcmV0");
            assert_eq!(header("accept"), "application/json");
            assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
        }
    }

    #[test]
    fn debug_shows_the_state_of_a_session_and_no_token() {
        let mut session = session();
        session.fetched(&token(3600), Instant::now()).unwrap();
        assert_eq!(
            format!("{session:?}"),
            "TokenSession { generation: 1, fetching: false, .. }"
        );
        assert_eq!(session.fetches(), 0);
    }

    #[test]
    fn fetches_are_counted() {
        let mut session = session();
        for count in 1..=3 {
            session.prepare(Instant::now());
            assert_eq!(session.fetches(), count);
            session.failed(Instant::now());
        }
    }

    #[test]
    fn a_token_is_fetched_once_and_replaced_while_calls_use_the_old_one() {
        let mut session = session();
        let start = Instant::now();
        assert!(matches!(session.prepare(start), TokenStep::Fetch));
        assert!(matches!(session.prepare(start), TokenStep::Wait));
        session.fetched(&token(3600), start).unwrap();
        let fresh = session.prepare(after(start, 3539));
        assert!(matches!(fresh, TokenStep::Send { .. }), "{fresh:?}");
        let aging = session.prepare(after(start, 3540));
        assert!(matches!(aging, TokenStep::SendAndFetch { .. }), "{aging:?}");
        let others = session.prepare(after(start, 3599));
        assert!(matches!(others, TokenStep::Send { .. }), "{others:?}");
        let expired = session.prepare(after(start, 3600));
        assert!(matches!(expired, TokenStep::Wait), "{expired:?}");
    }

    #[test]
    fn a_short_lived_token_is_replaced_in_its_last_tenth() {
        let mut session = session();
        let start = Instant::now();
        session.fetched(&token(100), start).unwrap();
        assert!(matches!(
            session.prepare(after(start, 89)),
            TokenStep::Send { .. }
        ));
        let aging = session.prepare(after(start, 90));
        assert!(matches!(aging, TokenStep::SendAndFetch { .. }), "{aging:?}");
    }

    #[test]
    fn a_failed_replacement_is_not_retried_at_once() {
        let mut session = session();
        let start = Instant::now();
        session.fetched(&token(3600), start).unwrap();
        assert!(matches!(
            session.prepare(after(start, 3540)),
            TokenStep::SendAndFetch { .. }
        ));
        session.failed(after(start, 3541));
        assert!(matches!(
            session.prepare(after(start, 3555)),
            TokenStep::Send { .. }
        ));
        assert!(matches!(
            session.prepare(after(start, 3556)),
            TokenStep::SendAndFetch { .. }
        ));
    }

    #[test]
    fn a_refused_token_is_replaced_once_and_a_late_refusal_spares_the_new_one() {
        let mut session = session();
        let now = Instant::now();
        session.fetched(&token(3600), now).unwrap();
        let TokenStep::Send { ticket: old, .. } = session.prepare(now) else {
            panic!("expected the first token");
        };
        let refused = StatusCode::UNAUTHORIZED;
        for _ in 0..3 {
            // Several calls were in flight with the same token.
            assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
            assert_eq!(session.refused().unwrap().expose_secret(), "t0ken");
        }
        assert!(matches!(session.prepare(now), TokenStep::Fetch));
        session.fetched(&token(3600), now).unwrap();
        assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
        let TokenStep::Send { ticket: new, .. } = session.prepare(now) else {
            panic!("expected the new token");
        };
        assert_eq!(session.observe(new, 2, refused), Verdict::Refused);
    }
}
