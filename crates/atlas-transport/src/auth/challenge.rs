//! Reading digest challenges: which one to answer, and with which nonce.
//!
//! The grammar is the `http-auth` crate's (RFC 9110 section 11.6.1). Around it stands what real
//! servers need: white space of any length, an algorithm in any case, a scheme before or after
//! whose credentials are no parameters (`Negotiate abc==`), and `nextnonce`.

use http::HeaderMap;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use http_auth::digest::{Algorithm, DigestClient, Qop};
use http_auth::parser::ChallengeParser;
use http_auth::{ChallengeRef, ParamValue};

/// A digest challenge that can be answered, as it was given; its use is counted in the
/// [`DigestClient`] made from it.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// Names and values, the values still escaped.
    parameters: Vec<(String, String)>,
}

/// Why no challenge can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no digest challenge.
    NoDigest,
    /// There is one, but not one that can be answered.
    Unusable(String),
}

impl Challenge {
    /// The strongest challenge over all `WWW-Authenticate` headers, and whether it says that the
    /// last nonce was stale. Other schemes, Basic among them, are passed over.
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

    /// The same challenge with another nonce, from `Authentication-Info` (RFC 7616 section 3.5).
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

    /// The algorithm that it names, if it names one.
    pub(crate) fn algorithm(&self) -> Option<&str> {
        self.get("algorithm").map(canonical)
    }

    /// Whether the user's name is to be sent hashed (RFC 7616 section 3.4.4).
    pub(super) fn wants_hashed_username(&self) -> bool {
        self.get("userhash")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What this challenge says, or why it cannot be answered.
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
            return Err("it asks for qop=\"auth-int\" only, which is not supported".to_owned());
        }
        if client.session() && client.rfc2069_compat() {
            // The session's key is made with a cnonce, which is not sent without a qop.
            return Err("it asks for a -sess algorithm without a qop".to_owned());
        }
        Ok(client)
    }
}

/// The digest challenges of one header.
fn digests(text: &str) -> Result<Vec<Challenge>, String> {
    let mut found = Vec::new();
    let mut broken = false;
    // What is no challenge (`NTLM abc==`) ends the parser; it starts again after the next comma.
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
        return Err("it cannot be parsed".to_owned());
    }
    Ok(found)
}

/// From how many places a header is read before it is given up.
const MAX_STARTS: usize = 16;

/// The challenges up to the first error, and whether there was none.
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

/// Where each element after the first begins: after a comma outside of quotes.
fn commas(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut quotes = Quotes::default();
    text.bytes()
        .enumerate()
        .filter(move |(_, byte)| !quotes.inside(*byte) && *byte == b',')
        .map(|(index, _)| index + 1)
}

/// The text with runs of white space outside of quotes as single spaces.
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

/// Follows quoted strings (RFC 9110 section 5.6.4).
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the next byte stands within a quoted string.
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

/// An algorithm's name as registered (RFC 7616 section 6.1), whatever its case.
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
