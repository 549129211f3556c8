//! Verifies digests (RFC 7616 section 3.4) with its own arithmetic, independent of any client.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::{Sha256, Sha512_256};

use crate::difference::{Difference, quoted};

/// A parsed `Authorization: Digest` header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestAnswer {
    /// The unescaped parameters by lowercase name.
    pub parameters: BTreeMap<String, String>,
}

impl DigestAnswer {
    /// Parses a header. Returns `None` if it is not digest credentials (RFC 9110 section 11.4).
    pub fn parse(header: &str) -> Option<Self> {
        // The parser accepts ASCII only; a quoted string may have other octets (RFC 9110 section
        // 5.6.4).
        let ascii = in_ascii(header);
        let parsed = http_auth::parse_challenges(&ascii).ok()?;
        let [answer] = parsed.as_slice() else {
            return None;
        };
        if !answer.scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parameters = answer.params.iter().map(|(name, value)| {
            (
                name.to_ascii_lowercase(),
                out_of_ascii(&value.to_unescaped()),
            )
        });
        Some(Self {
            parameters: parameters.collect(),
        })
    }

    /// Returns a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Returns the difference from a valid digest for a request with this method, raw target, body,
    /// user and password, or `None` if the digest is valid.
    ///
    /// `first_cnonce` is the first cnonce sent with the same nonce: a `-sess` key may be derived
    /// from that one or from the header's own.
    pub fn fault(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
        user: &str,
        password: &str,
        first_cnonce: Option<&str>,
    ) -> Option<Difference> {
        let get = |name: &str| self.get(name).unwrap_or_default();
        let wrong = |name: &str, required: &str| {
            Some(Difference::new(
                format!("digest {name}"),
                required,
                quoted(self.get(name)),
            ))
        };
        if get("uri") != target {
            return wrong("uri", &format!("{target:?}"));
        }
        let algorithm = self.get("algorithm").unwrap_or("MD5");
        let lower = algorithm.to_ascii_lowercase();
        let (base, session) = match lower.strip_suffix("-sess") {
            Some(base) => (base, true),
            None => (lower.as_str(), false),
        };
        let hash_bytes: fn(&[u8]) -> String = match base {
            "md5" => |bytes| hex(&Md5::digest(bytes)),
            "sha-256" => |bytes| hex(&Sha256::digest(bytes)),
            "sha-512-256" => |bytes| hex(&Sha512_256::digest(bytes)),
            _ => return wrong("algorithm", "MD5, SHA-256 or SHA-512-256"),
        };
        let hash = |text: &str| hash_bytes(text.as_bytes());
        let realm = get("realm");
        if !self.names_user(user, &hash(&format!("{user}:{realm}"))) {
            return wrong("username", "the user of the credentials");
        }
        let (nonce, cnonce) = (get("nonce"), get("cnonce"));
        let a2 = match self.get("qop") {
            Some("auth-int") => hash(&format!("{method}:{target}:{}", hash_bytes(body))),
            _ => hash(&format!("{method}:{target}")),
        };
        let response = |session_cnonce: &str| {
            let mut a1 = hash(&format!("{user}:{realm}:{password}"));
            if session {
                a1 = hash(&format!("{a1}:{nonce}:{session_cnonce}"));
            }
            match self.get("qop") {
                None => hash(&format!("{a1}:{nonce}:{a2}")),
                Some(qop) => hash(&format!("{a1}:{nonce}:{}:{cnonce}:{qop}:{a2}", get("nc"))),
            }
        };
        if self.get("qop").is_some() && cnonce.is_empty() {
            return wrong("cnonce", "a value, as there is a qop");
        }
        if self.get("qop").is_some() && get("nc").len() != 8 {
            return wrong("nc", "eight digits, as there is a qop");
        }
        let own = response(cnonce);
        let first = first_cnonce.is_some_and(|cnonce| response(cnonce) == get("response"));
        if own == get("response") || first {
            return None;
        }
        wrong("response", &format!("the digest of this request, {own:?}"))
    }

    fn names_user(&self, user: &str, hashed: &str) -> bool {
        let wants_hash = self.get("userhash") == Some("true");
        match (self.get("username"), self.get("username*")) {
            (Some(seen), None) if wants_hash => seen == hashed,
            (Some(seen), None) => seen == user,
            (None, Some(seen)) => extended(seen).as_deref() == Some(user),
            _ => false,
        }
    }
}

/// Replaces each non-ASCII character by a mark that no header contains and the code point.
fn in_ascii(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '\0'..='\x7f' => character.to_string(),
        _ => format!("{MARK}{:06x}", u32::from(character)),
    });
    escaped.collect()
}

/// Reverses [`in_ascii`].
fn out_of_ascii(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut original = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part
            .get(..6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let Some(character) = number.and_then(char::from_u32) {
            original.push(character);
            original.push_str(&part[6..]);
        }
    }
    original
}

/// The mark before the code point of a character.
const MARK: &str = "!atlas-conformance!";

/// Decodes a value in the format of RFC 8187.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    let decoded = percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .ok()?;
    charset
        .eq_ignore_ascii_case("utf-8")
        .then(|| decoded.into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
