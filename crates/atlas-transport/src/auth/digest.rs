//! HTTP Digest (RFC 7616) with a challenge that is kept, so that a call costs one request.
//!
//! Section 3.6 lets a client send `Authorization` ahead with a nonce it was given before, counting
//! its uses in `nc`. Parsing and hashing are the `http-auth` crate's; what is kept here is which
//! challenge is current, who waits for one, and when a 401 means what.
//!
//! ```text
//! Unchallenged ─ first call, without Authorization ─► Probing ─ 401 + challenge ─► Challenged
//!      ▲                                                 │                          │   ▲
//!      └───────────── abandoned, or no challenge ────────┘      stale, or once over ─┘
//! ```

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};
use http_auth::digest::{Algorithm, DigestClient};
use http_auth::{PasswordParams, parse_challenges};
use secrecy::{ExposeSecret, SecretString};

use super::{Step, Ticket, Verdict, secret_header};
use crate::error::Error;

/// How many requests one call may cost, a probe and a stale nonce included.
const MAX_ATTEMPTS: u32 = 3;

pub(crate) struct DigestSession {
    username: String,
    password: SecretString,
    state: State,
    generation: u64,
}

enum State {
    Unchallenged,
    Probing,
    Challenged {
        client: Box<DigestClient>,
        /// Whether an answer made with this challenge was ever accepted.
        proven: bool,
    },
}

impl DigestSession {
    pub(crate) fn new(username: String, password: SecretString) -> Self {
        Self {
            username,
            password,
            state: State::Unchallenged,
            generation: 0,
        }
    }

    /// Answers the current challenge for one request; `target` is the one on the request line.
    pub(crate) fn prepare(&mut self, method: &str, target: &str) -> Result<Step, Error> {
        let ticket = |leads| Ticket {
            generation: self.generation,
            leads,
        };
        match &mut self.state {
            State::Probing => Ok(Step::Wait),
            State::Challenged { client, .. } if client.nonce_count() < u32::MAX => {
                let answer = client.respond(&PasswordParams {
                    username: &self.username,
                    password: self.password.expose_secret(),
                    uri: target,
                    method,
                    body: None,
                });
                let answer = answer.map_err(|problem| Error::Challenge { problem })?;
                let header = secret_header(&answer, "the public key")?;
                Ok(Step::Send(Some(header), ticket(false)))
            }
            _ => {
                self.state = State::Probing;
                Ok(Step::Send(None, ticket(true)))
            }
        }
    }

    pub(crate) fn observe(
        &mut self,
        ticket: Ticket,
        attempt: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let current = ticket.generation == self.generation;
        if status != StatusCode::UNAUTHORIZED {
            match &mut self.state {
                State::Challenged { proven, .. } if current => *proven = true,
                // Accepted without authentication: there was nothing to be challenged for.
                State::Probing if ticket.leads => self.state = State::Unchallenged,
                _ => {}
            }
            return Verdict::Done;
        }
        let challenge = match strongest(headers) {
            Ok(challenge) => challenge,
            Err(Refusal::NoDigest) => {
                self.abandon_if(ticket.leads);
                return Verdict::Refused;
            }
            Err(Refusal::Unusable(problem)) => {
                self.abandon_if(ticket.leads);
                return Verdict::Unanswerable(problem);
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
        let stale = challenge.stale();
        let refused_fresh = matches!(self.state, State::Challenged { proven: false, .. });
        if !stale && refused_fresh {
            return Verdict::Refused;
        }
        self.generation += 1;
        self.state = State::Challenged {
            client: Box::new(challenge),
            proven: false,
        };
        again
    }

    /// Gives up a probe, so that a waiting call can make its own.
    pub(crate) fn abandon(&mut self) {
        if matches!(self.state, State::Probing) {
            self.state = State::Unchallenged;
        }
    }

    fn abandon_if(&mut self, leads: bool) {
        if leads {
            self.abandon();
        }
    }
}

enum Refusal {
    NoDigest,
    Unusable(String),
}

/// The strongest digest challenge that can be answered, over all `WWW-Authenticate` headers.
fn strongest(headers: &HeaderMap) -> Result<DigestClient, Refusal> {
    let mut best: Option<DigestClient> = None;
    let mut refusal = Refusal::NoDigest;
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    for value in values.filter_map(|value| value.to_str().ok()) {
        let Ok(challenges) = parse_challenges(value) else {
            continue;
        };
        for challenge in challenges {
            if !challenge.scheme.eq_ignore_ascii_case("digest") {
                continue;
            }
            match DigestClient::try_from(&challenge) {
                Ok(client) => {
                    let stronger = best.as_ref().is_none_or(|best| {
                        strength(client.algorithm()) > strength(best.algorithm())
                    });
                    if stronger {
                        best = Some(client);
                    }
                }
                Err(problem) => refusal = Refusal::Unusable(problem),
            }
        }
    }
    best.ok_or(refusal)
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Md5 => 0,
        Algorithm::Sha256 => 1,
        Algorithm::Sha512Trunc256 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> DigestSession {
        DigestSession::new("public".into(), "private".into())
    }

    fn challenged(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
        headers
    }

    fn nonce(nonce: &str, stale: bool) -> HeaderMap {
        challenged(&format!(
            "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"{nonce}\", \
             algorithm=MD5, qop=\"auth\", stale={stale}"
        ))
    }

    fn send(session: &mut DigestSession) -> (Option<String>, Ticket) {
        match session.prepare("GET", "/a?b=c").unwrap() {
            Step::Send(header, ticket) => (
                header.map(|value| value.to_str().unwrap().to_owned()),
                ticket,
            ),
            step => panic!("{step:?}"),
        }
    }

    const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

    fn started() -> DigestSession {
        let mut session = session();
        let (header, ticket) = send(&mut session);
        assert_eq!(header, None);
        let verdict = session.observe(ticket, 1, REFUSED, &nonce("n1", false));
        assert_eq!(verdict, Verdict::Retry);
        session
    }

    #[test]
    fn a_challenge_is_kept_and_its_uses_are_counted() {
        let mut session = started();
        for count in 1..=3 {
            let (header, ticket) = send(&mut session);
            let header = header.unwrap();
            assert!(header.contains("nonce=\"n1\""), "{header}");
            assert!(header.contains(&format!("nc=0000000{count}")), "{header}");
            assert!(header.contains("uri=\"/a?b=c\""), "{header}");
            let verdict = session.observe(ticket, 1, StatusCode::OK, &HeaderMap::new());
            assert_eq!(verdict, Verdict::Done);
        }
    }

    #[test]
    fn others_wait_for_the_first_probe_and_one_takes_over_when_it_is_abandoned() {
        let mut session = session();
        let (_, ticket) = send(&mut session);
        assert!(ticket.leads);
        assert!(matches!(session.prepare("GET", "/").unwrap(), Step::Wait));
        session.abandon();
        assert!(send(&mut session).1.leads);
    }

    #[test]
    fn a_wrong_key_is_an_answer_not_a_loop() {
        let mut session = started();
        let (_, ticket) = send(&mut session);
        let verdict = session.observe(ticket, 2, REFUSED, &nonce("n2", false));
        assert_eq!(verdict, Verdict::Refused);
    }

    #[test]
    fn a_stale_nonce_is_replaced_but_not_for_ever() {
        let mut session = started();
        let (_, ticket) = send(&mut session);
        let verdict = session.observe(ticket, 2, REFUSED, &nonce("n2", true));
        assert_eq!(verdict, Verdict::Retry);
        let (header, ticket) = send(&mut session);
        assert!(
            header
                .unwrap()
                .contains("nonce=\"n2\", algorithm=MD5, nc=00000001")
        );
        let verdict = session.observe(ticket, 3, REFUSED, &nonce("n3", true));
        assert_eq!(verdict, Verdict::Refused);
    }

    #[test]
    fn a_plain_refusal_after_a_success_is_challenged_once_more() {
        let mut session = started();
        let (_, ticket) = send(&mut session);
        session.observe(ticket, 1, StatusCode::NOT_FOUND, &HeaderMap::new());
        let (_, ticket) = send(&mut session);
        let verdict = session.observe(ticket, 1, REFUSED, &nonce("n2", false));
        assert_eq!(verdict, Verdict::Retry);
        let (_, ticket) = send(&mut session);
        let verdict = session.observe(ticket, 2, REFUSED, &nonce("n3", false));
        assert_eq!(verdict, Verdict::Refused);
    }

    #[test]
    fn a_late_refusal_of_an_old_nonce_does_not_push_out_a_newer_challenge() {
        let mut session = started();
        let (_, early) = send(&mut session);
        let (_, late) = send(&mut session);
        session.observe(early, 1, REFUSED, &nonce("n2", true));
        assert_eq!(
            session.observe(late, 1, REFUSED, &nonce("n1", true)),
            Verdict::Retry
        );
        assert!(send(&mut session).0.unwrap().contains("nonce=\"n2\""));
    }

    #[test]
    fn the_strongest_challenge_is_answered_and_basic_never() {
        let mut session = session();
        let (_, ticket) = send(&mut session);
        let mut headers = challenged("Basic realm=\"a\"");
        for algorithm in ["MD5", "SHA-256", "TURTLE"] {
            let value =
                format!("Digest realm=\"a, b\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}");
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        assert_eq!(
            session.observe(ticket, 1, REFUSED, &headers),
            Verdict::Retry
        );
        assert!(send(&mut session).0.unwrap().contains("algorithm=SHA-256"));
    }

    #[test]
    fn what_cannot_be_answered_is_refused_before_a_secret_is_sent() {
        for (challenge, answerable) in [
            ("Basic realm=\"a\"", Verdict::Refused),
            (
                "Digest realm=\"a\", nonce=\"n\", qop=\"auth\", algorithm=TURTLE",
                Verdict::Unanswerable(String::new()),
            ),
            ("Digest realm=\"a\"", Verdict::Unanswerable(String::new())),
        ] {
            let mut session = session();
            let (_, ticket) = send(&mut session);
            let verdict = session.observe(ticket, 1, REFUSED, &challenged(challenge));
            assert_eq!(
                std::mem::discriminant(&verdict),
                std::mem::discriminant(&answerable),
                "{challenge}: {verdict:?}"
            );
            assert!(matches!(session.state, State::Unchallenged), "{challenge}");
        }
    }
}
