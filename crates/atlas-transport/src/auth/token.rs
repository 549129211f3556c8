//! OAuth 2.0 client credentials (RFC 6749 section 4.4): one token, shared by all calls and
//! replaced before it expires.
//!
//! ```text
//! Empty ─ first call ─► Fetching ─ a token ─► Fresh ─ the last part of its life ─► Aging
//!   ▲                      │                    ▲   one call has it replaced meanwhile │
//!   ├──── it failed ◄──────┘                    └──────────────────────────────────────┤
//!   └──────────────────────────── expired, or refused by a 401 ◄───────────────────────┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::token_answer::Token;
use super::{ClientProof, Step, Ticket, Verdict, bearer};
use crate::error::{Error, ErrorKind};

/// How long before its end a token is replaced, at most a tenth of its life.
const MARGIN: Duration = Duration::from_secs(60);
/// How soon a failed replacement is tried again while the old token lasts; the endpoint allows
/// ten requests a minute.
const PAUSE: Duration = Duration::from_secs(15);

pub(crate) struct TokenSession {
    client_proof: ClientProof,
    held: Option<Held>,
    fetching: bool,
    /// Counts the tokens.
    generation: u64,
    /// Counts the fetches, so that those who waited for one learn how that one ended.
    fetches: u64,
    failure: Option<Arc<Error>>,
    /// The last token that a 401 came for.
    refused: Option<SecretString>,
}

struct Held {
    token: SecretString,
    authorization: HeaderValue,
    replace_at: Instant,
    expires_at: Instant,
}

impl TokenSession {
    pub(crate) fn new(client_proof: ClientProof) -> Self {
        Self {
            client_proof,
            held: None,
            fetching: false,
            generation: 0,
            fetches: 0,
            failure: None,
            refused: None,
        }
    }

    /// What the token request carries of the client.
    pub(crate) fn client_proof(&self) -> ClientProof {
        self.client_proof.clone()
    }

    /// The last token that was refused, so that it is not taken from a cache again.
    pub(crate) fn refused(&self) -> Option<SecretString> {
        self.refused.clone()
    }

    pub(crate) fn prepare(&mut self, now: Instant) -> Step {
        let ticket = Ticket {
            generation: self.generation,
            ..Ticket::NONE
        };
        let valid = self.held.as_ref().filter(|held| now < held.expires_at);
        if let Some(held) = valid {
            let authorization = held.authorization.clone();
            if now < held.replace_at || self.fetching {
                return Step::Send(Some(authorization), ticket);
            }
            self.start();
            return Step::SendAndFetch(authorization, ticket);
        }
        if self.fetching {
            return Step::Wait(self.fetches);
        }
        self.start();
        Step::Fetch(self.fetches)
    }

    fn start(&mut self) {
        self.fetching = true;
        self.fetches += 1;
        self.failure = None;
    }

    /// How the fetch that a call waited for failed, if it did.
    pub(crate) fn failure(&self, fetch: u64) -> Option<Arc<Error>> {
        self.failure.clone().filter(|_| fetch == self.fetches)
    }

    /// Takes a token that lives for another `lifetime`.
    pub(crate) fn fetched(&mut self, token: &Token, now: Instant) -> Result<(), ErrorKind> {
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

    /// A fetch gave no token; `None` if it was given up without an answer.
    pub(crate) fn failed(&mut self, failure: Option<Arc<Error>>, now: Instant) {
        self.fetching = false;
        self.failure = failure;
        if let Some(held) = &mut self.held {
            held.replace_at = later(now, PAUSE);
        }
    }

    /// Takes the answer to a request: a refused token is dropped and replaced once.
    pub(crate) fn observe(&mut self, ticket: Ticket, attempt: u32, status: StatusCode) -> Verdict {
        if status != StatusCode::UNAUTHORIZED {
            return Verdict::Done;
        }
        if ticket.generation == self.generation {
            self.drop_token();
        }
        if attempt == 1 {
            Verdict::Retry
        } else {
            Verdict::Refused
        }
    }

    /// Forgets the token, so that the next call fetches another.
    pub(crate) fn drop_token(&mut self) -> Option<SecretString> {
        self.refused = self.held.take().map(|held| held.token);
        self.refused.clone()
    }
}

/// A lifetime that no clock reaches is none at all: another token is fetched then.
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
        let how = ClientAuthentication::Basic;
        TokenSession::new(ClientProof::new(how, "id", &"s3cret".into()).unwrap())
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fetched_once_and_replaced_while_calls_go_on_with_the_old_one() {
        let mut session = session();
        let start = Instant::now();
        assert!(matches!(session.prepare(start), Step::Fetch(1)));
        assert!(matches!(session.prepare(start), Step::Wait(1)));
        session.fetched(&token(3600), start).unwrap();
        let fresh = session.prepare(after(start, 3539));
        assert!(matches!(fresh, Step::Send(Some(_), _)), "{fresh:?}");
        let aging = session.prepare(after(start, 3540));
        assert!(matches!(aging, Step::SendAndFetch(..)), "{aging:?}");
        let others = session.prepare(after(start, 3599));
        assert!(matches!(others, Step::Send(Some(_), _)), "{others:?}");
        let expired = session.prepare(after(start, 3600));
        assert!(matches!(expired, Step::Wait(2)), "{expired:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_of_a_short_life_is_replaced_in_its_last_tenth() {
        let mut session = session();
        let start = Instant::now();
        session.fetched(&token(100), start).unwrap();
        assert!(matches!(session.prepare(after(start, 89)), Step::Send(..)));
        let aging = session.prepare(after(start, 90));
        assert!(matches!(aging, Step::SendAndFetch(..)), "{aging:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_replacement_is_not_tried_again_at_once() {
        let mut session = session();
        let start = Instant::now();
        session.fetched(&token(3600), start).unwrap();
        assert!(matches!(
            session.prepare(after(start, 3540)),
            Step::SendAndFetch(..)
        ));
        session.failed(None, after(start, 3541));
        assert!(matches!(
            session.prepare(after(start, 3555)),
            Step::Send(..)
        ));
        assert!(matches!(
            session.prepare(after(start, 3556)),
            Step::SendAndFetch(..)
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_waited_for_a_failed_fetch_fail_with_it_and_later_calls_try_again() {
        let mut session = session();
        let now = Instant::now();
        assert!(matches!(session.prepare(now), Step::Fetch(1)));
        let error = Error::from(ErrorKind::InsecureLink);
        session.failed(Some(Arc::new(error)), now);
        assert!(session.failure(1).is_some());
        assert!(matches!(session.prepare(now), Step::Fetch(2)));
        assert!(session.failure(1).is_none() && session.failure(2).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once_and_a_late_refusal_spares_the_new_one() {
        let mut session = session();
        let now = Instant::now();
        session.fetched(&token(3600), now).unwrap();
        let Step::Send(_, old) = session.prepare(now) else {
            panic!("a token is there");
        };
        let refused = StatusCode::UNAUTHORIZED;
        assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
        assert_eq!(session.refused().unwrap().expose_secret(), "t0ken");
        assert!(matches!(session.prepare(now), Step::Fetch(_)));
        session.fetched(&token(3600), now).unwrap();
        assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
        let Step::Send(_, new) = session.prepare(now) else {
            panic!("the new token is still there");
        };
        assert_eq!(session.observe(new, 2, refused), Verdict::Refused);
    }
}
