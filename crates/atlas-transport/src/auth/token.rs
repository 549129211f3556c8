//! OAuth 2.0 client credentials (RFC 6749 section 4.4): one token, shared until shortly before it
//! expires.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Step, Ticket, Verdict, bearer, secret_header};
use crate::error::Error;

/// What the token endpoint answers (RFC 6749 section 5.1).
#[derive(Deserialize)]
pub(crate) struct Token {
    access_token: SecretString,
    /// Lifetime in seconds.
    expires_in: Option<u64>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token([hidden], expires_in: {:?})", self.expires_in)
    }
}

/// How long a token is taken to live if the endpoint does not say; Atlas's live an hour.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// How long before its end a token is replaced, at most a tenth of its life.
const MARGIN: Duration = Duration::from_secs(60);
/// No token is trusted longer, whatever the endpoint says.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct TokenSession {
    basic: HeaderValue,
    state: State,
    generation: u64,
}

enum State {
    Empty,
    Fetching,
    Ready {
        authorization: HeaderValue,
        replace_at: Instant,
    },
}

impl TokenSession {
    pub(crate) fn new(client_id: &str, client_secret: &SecretString) -> Result<Self, Error> {
        // Atlas's ids and secrets are plain ASCII, which the form encoding of RFC 6749
        // section 2.3.1 leaves as it is.
        let pair = format!("{client_id}:{}", client_secret.expose_secret());
        let basic = format!("Basic {}", STANDARD.encode(pair));
        Ok(Self {
            basic: secret_header(&basic, "the client secret")?,
            state: State::Empty,
            generation: 0,
        })
    }

    /// The `Authorization` of the token request.
    pub(crate) fn basic(&self) -> HeaderValue {
        self.basic.clone()
    }

    pub(crate) fn prepare(&mut self, now: Instant) -> Step {
        let ticket = Ticket {
            generation: self.generation,
            leads: false,
        };
        match &self.state {
            State::Ready {
                authorization,
                replace_at,
            } if now < *replace_at => Step::Send(Some(authorization.clone()), ticket),
            State::Fetching => Step::Wait,
            _ => {
                self.state = State::Fetching;
                Step::Fetch(Ticket {
                    leads: true,
                    ..ticket
                })
            }
        }
    }

    pub(crate) fn fetched(&mut self, token: &Token, now: Instant) -> Result<(), Error> {
        let lifetime = token
            .expires_in
            .map_or(DEFAULT_LIFETIME, Duration::from_secs)
            .min(MAX_LIFETIME);
        let lifetime = lifetime.saturating_sub(MARGIN.min(lifetime / 10));
        self.generation += 1;
        self.state = State::Ready {
            authorization: bearer(token.access_token.expose_secret())?,
            replace_at: now + lifetime,
        };
        Ok(())
    }

    /// Takes the answer to a request: a refused token is dropped and replaced once.
    pub(crate) fn observe(&mut self, ticket: Ticket, attempt: u32, status: StatusCode) -> Verdict {
        if status != StatusCode::UNAUTHORIZED {
            return Verdict::Done;
        }
        if ticket.generation == self.generation && matches!(self.state, State::Ready { .. }) {
            self.state = State::Empty;
        }
        if attempt == 1 {
            Verdict::Retry
        } else {
            Verdict::Refused
        }
    }

    pub(crate) fn abandon(&mut self) {
        if matches!(self.state, State::Fetching) {
            self.state = State::Empty;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: Option<u64>) -> Token {
        Token {
            access_token: "t0ken".into(),
            expires_in,
        }
    }

    fn session() -> TokenSession {
        TokenSession::new("id", &"s3cret".into()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fetched_once_and_replaced_shortly_before_it_ends() {
        let mut session = session();
        let start = Instant::now();
        assert!(matches!(session.prepare(start), Step::Fetch(_)));
        assert!(matches!(session.prepare(start), Step::Wait));
        session.fetched(&token(Some(3600)), start).unwrap();
        let late = start + Duration::from_secs(3539);
        assert!(matches!(session.prepare(late), Step::Send(Some(_), _)));
        let later = start + Duration::from_secs(3540);
        assert!(matches!(session.prepare(later), Step::Fetch(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn odd_lifetimes_do_no_harm() {
        for (expires_in, lives) in [(None, true), (Some(u64::MAX), true), (Some(0), false)] {
            let mut session = session();
            let now = Instant::now();
            session.fetched(&token(expires_in), now).unwrap();
            let sends = matches!(session.prepare(now), Step::Send(..));
            assert_eq!(sends, lives, "{expires_in:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once_and_a_late_refusal_spares_the_new_one() {
        let mut session = session();
        let now = Instant::now();
        session.fetched(&token(None), now).unwrap();
        let Step::Send(_, old) = session.prepare(now) else {
            panic!("a token is there");
        };
        let refused = StatusCode::UNAUTHORIZED;
        assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
        assert!(matches!(session.prepare(now), Step::Fetch(_)));
        session.fetched(&token(None), now).unwrap();
        assert_eq!(session.observe(old, 1, refused), Verdict::Retry);
        let Step::Send(_, new) = session.prepare(now) else {
            panic!("the new token is still there");
        };
        assert_eq!(session.observe(new, 2, refused), Verdict::Refused);
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let session = session();
        assert!(!format!("{:?}", token(None)).contains("t0ken"));
        assert!(!format!("{:?}", session.basic()).contains(session.basic().to_str().unwrap()));
    }
}
