//! Authentication: bearer tokens and HTTP Digest.

use atlas_model::CallOptions;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_auth::parse_challenges;
use jiff::Timestamp;
use md5::{Digest as _, Md5};

use crate::login::Account;
use crate::reply;
use crate::time::later;
use crate::world::{Sandbox, hex};

/// The realm of Atlas.
const REALM: &str = "MMS Public API";

impl Sandbox {
    /// Finds the login of a request; the error is the 401 or 400 to return.
    pub(crate) fn authenticate(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
        options: &CallOptions,
    ) -> Result<Account, Response<Bytes>> {
        let authorization = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let outcome = match authorization.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.bearer(now, token.trim())
            }
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("digest") => {
                self.digest(now, authorization, request)
            }
            _ => Outcome::Refused { stale: false },
        };
        match outcome {
            Outcome::Known(account) if self.stands(&account) => Ok(account),
            Outcome::Known(_) => Err(reply::unauthorized(&self.challenge(now, false), options)),
            Outcome::Refused { stale } => {
                let challenge = self.challenge(now, stale);
                Err(reply::unauthorized(&challenge, options))
            }
            Outcome::Malformed(problem) => Err(reply::error(
                &atlas_model::ApiError::new(
                    StatusCode::BAD_REQUEST,
                    atlas_model::api_error::code::VALIDATION_ERROR,
                    problem,
                ),
                options,
            )),
        }
    }

    fn challenge(&mut self, now: Timestamp, stale: bool) -> String {
        let nonce = self.next_token("nonce");
        let ends = later(now, self.nonce_lifetime);
        let unused = std::collections::BTreeSet::new();
        self.nonces.insert(now, nonce.clone(), ends, unused);
        format!(
            "Digest realm=\"{REALM}\", domain=\"\", nonce=\"{nonce}\", algorithm=MD5, \
             qop=\"auth\", stale={stale}"
        )
    }

    fn bearer(&self, now: Timestamp, token: &str) -> Outcome {
        let standing = |account: &Account| account.access_token.as_deref() == Some(token);
        let fetched = |number: &u64| self.accounts.by_number(*number);
        let account = self
            .accounts
            .find(standing)
            .or_else(|| self.tokens.get(now, token).and_then(fetched));
        account.map_or(Outcome::Refused { stale: false }, |account| {
            Outcome::Known(account.clone())
        })
    }

    /// Verifies a digest (RFC 7616 section 3.4) with code that is independent of the client's.
    fn digest(&mut self, now: Timestamp, authorization: &str, request: &Request<Bytes>) -> Outcome {
        // Credentials use the grammar of a challenge (RFC 9110 section 11).
        let Some(answer) = parse_challenges(authorization)
            .ok()
            .and_then(|answers| answers.into_iter().next())
        else {
            return Outcome::Malformed("The digest cannot be parsed.".to_owned());
        };
        let get = |name: &str| {
            answer
                .params
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_unescaped())
        };
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let (Some(username), Some(nonce), Some(uri), Some(nc), Some(cnonce), Some(response)) = (
            get("username"),
            get("nonce"),
            get("uri"),
            get("nc"),
            get("cnonce"),
            get("response"),
        ) else {
            return Outcome::Malformed("The digest lacks a parameter.".to_owned());
        };
        if uri != target {
            // RFC 7616 section 3.4.6.
            return Outcome::Malformed("The digest's uri is not the request's.".to_owned());
        }
        let algorithm = get("algorithm").unwrap_or_else(|| "MD5".to_owned());
        let fits = algorithm.eq_ignore_ascii_case("MD5")
            && get("qop").as_deref() == Some("auth")
            && get("realm").as_deref() == Some(REALM);
        let account = self.accounts.by_public_key(&username).cloned();
        let (Some(account), true) = (account, fits) else {
            return Outcome::Refused { stale: false };
        };
        let private_key = account.key.as_ref().map_or("", |(_, private)| private);
        let a1 = md5(&[&username, REALM, private_key]);
        let a2 = md5(&[request.method().as_str(), &uri]);
        if md5(&[&a1, &nonce, &nc, &cnonce, "auth", &a2]) != response {
            return Outcome::Refused { stale: false };
        }
        // From here on the key is correct; only the nonce can be wrong.
        let Ok(count) = u32::from_str_radix(&nc, 16) else {
            return Outcome::Malformed("The digest's nc is not a number.".to_owned());
        };
        match self.nonces.get_mut(now, &nonce) {
            None => Outcome::Refused { stale: true },
            Some(used) => {
                if used.insert(count) {
                    Outcome::Known(account)
                } else {
                    Outcome::Refused { stale: false }
                }
            }
        }
    }
}

enum Outcome {
    Known(Account),
    Refused { stale: bool },
    Malformed(String),
}

/// MD5 of texts joined by colons, in hexadecimal digits.
fn md5(parts: &[&str]) -> String {
    hex(&Md5::digest(parts.join(":")))
}
