//! Reads digest challenges and selects the one to use.
//!
//! The `http-auth` crate parses (RFC 9110 section 11.6.1). This module adds support for real servers:
//! white space of any length, an algorithm in any case, a neighbouring scheme whose credentials are not
//! parameters (`Negotiate abc==`), and `nextnonce`.

use http::HeaderMap;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use http_auth::digest::{Algorithm, DigestClient, Qop};
use http_auth::parser::ChallengeParser;
use http_auth::{ChallengeRef, ParamValue};

/// A digest challenge that can be answered, as received. The [`DigestClient`] made from it counts its
/// use.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// Names and values, the values still escaped.
    parameters: Vec<(String, String)>,
}

/// The reason why no challenge can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The response has no digest challenge.
    NoDigest,
    /// There is one, but it is invalid or not supported.
    Unusable(String),
}

impl Challenge {
    /// Returns the strongest digest challenge of all `WWW-Authenticate` headers. Other schemes, such as
    /// Basic, are ignored.
    pub(crate) fn strongest(headers: &HeaderMap) -> Result<(Self, DigestClient), Refusal> {
        let mut best: Option<(Self, DigestClient)> = None;
        let mut refusal = Refusal::NoDigest;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = collapse(&text);
            match digests(&text) {
                Ok(challenges) => {
                    for challenge in challenges {
                        match challenge.client() {
                            Ok(client) => {
                                let stronger = best.as_ref().is_none_or(|(_, best)| {
                                    strength(client.algorithm()) > strength(best.algorithm())
                                });
                                if stronger {
                                    best = Some((challenge, client));
                                }
                            }
                            Err(problem) => refusal = Refusal::Unusable(problem),
                        }
                    }
                }
                Err(problem) => refusal = Refusal::Unusable(problem),
            }
        }
        best.ok_or(refusal)
    }

    /// Returns the challenge with the next nonce of `Authentication-Info` (RFC 7616 section 3.5).
    pub(crate) fn renewed(&self, headers: &HeaderMap) -> Option<(Self, DigestClient)> {
        let value = headers.get(HeaderName::from_static("authentication-info"))?;
        // The header has the grammar of a challenge's parameters.
        let text = format!("Digest {}", String::from_utf8_lossy(value.as_bytes()));
        let info = digests(&collapse(&text)).ok()?.pop()?;
        let nonce = info.get("nextnonce").filter(|nonce| !nonce.is_empty())?;
        let parameters = self.parameters.iter().filter_map(|(name, value)| {
            if name.eq_ignore_ascii_case("stale") {
                return None;
            }
            let value = if name.eq_ignore_ascii_case("nonce") {
                nonce
            } else {
                value
            };
            Some((name.clone(), value.to_owned()))
        });
        let renewed = Self {
            parameters: parameters.collect(),
        };
        let client = renewed.client().ok()?;
        Some((renewed, client))
    }

    fn new(parsed: &ChallengeRef<'_>) -> Self {
        let parameters = parsed
            .params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_escaped().to_owned()));
        Self {
            parameters: parameters.collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the algorithm, if it is stated.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.get("algorithm").map(canonical)
    }

    /// Returns whether the user's name must be sent hashed (RFC 7616 section 3.4.4).
    pub(super) fn wants_hashed_username(&self) -> bool {
        self.get("userhash")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the client for this challenge, or the reason why it cannot be answered.
    fn client(&self) -> Result<DigestClient, String> {
        let mut parsed = ChallengeRef::new("Digest");
        for (name, value) in &self.parameters {
            let value = if name.eq_ignore_ascii_case("algorithm") {
                canonical(value)
            } else {
                value
            };
            parsed
                .params
                .push((name, ParamValue::try_from_escaped(value)?));
        }
        let client = DigestClient::try_from(&parsed)?;
        if !(client.qop() & Qop::Auth) {
            return Err("it requires qop=\"auth-int\", which is not supported".to_owned());
        }
        if client.session() && client.rfc2069_compat() {
            // The session key depends on a cnonce, which is not sent without a qop.
            return Err("it has a -sess algorithm without a qop".to_owned());
        }
        Ok(client)
    }
}

/// Returns the digest challenges of one header.
fn digests(text: &str) -> Result<Vec<Challenge>, String> {
    let mut found = Vec::new();
    let mut broken = false;
    // Invalid challenges (`NTLM abc==`) stop the parser; it starts again after the next comma.
    for start in std::iter::once(0).chain(commas(text)).take(MAX_STARTS) {
        let (challenges, whole) = parse(text[start..].trim_start());
        let digests = challenges
            .iter()
            .filter(|challenge| challenge.scheme.eq_ignore_ascii_case("digest"));
        found.extend(digests.map(Challenge::new));
        broken = !whole;
        if whole {
            break;
        }
    }
    if found.is_empty() && broken && text.to_ascii_lowercase().contains("digest") {
        return Err("it is malformed".to_owned());
    }
    Ok(found)
}

/// The maximum number of positions at which parsing starts.
const MAX_STARTS: usize = 16;

/// Returns the challenges up to the first error, and whether there was no error.
fn parse(text: &str) -> (Vec<ChallengeRef<'_>>, bool) {
    let mut challenges = Vec::new();
    for challenge in ChallengeParser::new(text) {
        match challenge {
            Ok(challenge) => challenges.push(challenge),
            Err(_) => return (challenges, false),
        }
    }
    (challenges, true)
}

/// Returns the start of each element after the first: after a comma outside of quotes.
fn commas(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut quotes = Quotes::default();
    text.bytes()
        .enumerate()
        .filter(move |(_, byte)| !quotes.inside(*byte) && *byte == b',')
        .map(|(index, _)| index + 1)
}

/// Replaces runs of white space outside of quotes by single spaces.
fn collapse(text: &str) -> String {
    let mut quotes = Quotes::default();
    let mut out = String::with_capacity(text.len());
    for c in text.trim_matches([' ', '\t', ',']).chars() {
        let byte = if c.is_ascii() { c as u8 } else { b'x' };
        if quotes.inside(byte) || !matches!(c, ' ' | '\t') {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Tracks quoted strings (RFC 9110 section 5.6.4).
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Returns whether the next byte is within a quoted string.
    fn inside(&mut self, byte: u8) -> bool {
        let inside = self.open;
        if self.escaped {
            self.escaped = false;
        } else if self.open && byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.open = !self.open;
        }
        inside
    }
}

/// Returns the registered name of an algorithm (RFC 7616 section 6.1), whatever its case.
fn canonical(algorithm: &str) -> &str {
    const KNOWN: [&str; 6] = [
        "MD5",
        "MD5-sess",
        "SHA-256",
        "SHA-256-sess",
        "SHA-512-256",
        "SHA-512-256-sess",
    ];
    KNOWN
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(algorithm))
        .unwrap_or(algorithm)
}

fn strength(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Md5 => 0,
        Algorithm::Sha256 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
