//! The `Authorization` header for a digest challenge (RFC 7616 section 3.4).
//!
//! The parts that all requests share, such as H(A1), are computed once per challenge.

use bytes::Bytes;
use const_hex::Buffer;
use http::HeaderValue;
use http_auth::digest::{Algorithm, DigestClient};
use md5::Md5;
use memchr::memchr2;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512_256};

use super::challenge::Challenge;

/// Builds the headers for one challenge, and counts the uses of its nonce.
pub(super) struct Responder {
    algorithm: Hash,
    /// The hash of the common beginning of all responses: H(A1) in hexadecimal digits, then `:nonce:`.
    begun: Begun,
    /// The header up to the value of `uri`.
    before_uri: String,
    /// From there up to the value of `nc`, or of `response` if there is no `qop`.
    after_uri: String,
    /// The rest after the response's value.
    end: String,
    cnonce: Cnonce,
    count: u32,
}

/// The client's nonce, with `qop=auth`.
enum Cnonce {
    /// These digits and the count, so that each request has a different one.
    Counted(String),
    /// A constant, from which the key was derived (`-sess`, section 3.4.2).
    Fixed(String),
    /// No `qop` (RFC 2069).
    None,
}

#[derive(Clone, Copy)]
enum Hash {
    Md5,
    Sha256,
    Sha512Trunc256,
}

impl Responder {
    /// Prepares the headers for a challenge; fails if it contains invalid characters.
    pub(super) fn new(
        challenge: &Challenge,
        parsed: &DigestClient,
        username: &str,
        password: &SecretString,
    ) -> Result<Self, String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| "no random numbers for a cnonce".to_owned())?;
        let random = const_hex::encode(random);
        let cnonce = if parsed.rfc2069_compat() {
            Cnonce::None
        } else if parsed.session() {
            Cnonce::Fixed(random)
        } else {
            Cnonce::Counted(random[..24].to_owned())
        };
        Self::with_cnonce(challenge, parsed, username, password, cnonce)
    }

    fn with_cnonce(
        challenge: &Challenge,
        parsed: &DigestClient,
        username: &str,
        password: &SecretString,
        cnonce: Cnonce,
    ) -> Result<Self, String> {
        let algorithm = match parsed.algorithm() {
            Algorithm::Md5 => Hash::Md5,
            Algorithm::Sha256 => Hash::Sha256,
            Algorithm::Sha512Trunc256 => Hash::Sha512Trunc256,
            other => return Err(format!("unknown algorithm {other:?}")),
        };
        let (realm, nonce) = (parsed.realm(), parsed.nonce());

        let mut key = algorithm.hex(&[username, ":", realm, ":", password.expose_secret()]);
        if let (true, Cnonce::Fixed(cnonce)) = (parsed.session(), &cnonce) {
            key = algorithm.hex(&[key.as_str(), ":", nonce, ":", cnonce]);
        }
        let begun = algorithm.begin(&[key.as_str(), ":", nonce, ":"]);

        let mut before_uri = String::from("Digest ");
        if challenge.wants_hashed_username() {
            let hashed = algorithm.hex(&[username, ":", realm]);
            for piece in ["username=\"", hashed.as_str(), "\", userhash=true"] {
                before_uri.push_str(piece);
            }
        } else if username.bytes().all(is_printable) {
            before_uri.push_str("username=\"");
            escape(&mut before_uri, username);
            before_uri.push('"');
        } else {
            // Section 4: other characters use the extended notation of RFC 8187.
            before_uri.push_str("username*=UTF-8''");
            before_uri.extend(utf8_percent_encode(username, NOT_ATTR_CHAR));
        }
        before_uri.push_str(", realm=\"");
        escape(&mut before_uri, realm);
        before_uri.push_str("\", uri=\"");

        let mut after_uri = String::from("\", nonce=\"");
        escape(&mut after_uri, nonce);
        let mut end = String::from("\"");
        if let Some(opaque) = parsed.opaque() {
            end.push_str(", opaque=\"");
            escape(&mut end, opaque);
            end.push('"');
        }
        if let Cnonce::None = cnonce {
            after_uri.push_str("\", response=\"");
            if let Some(algorithm) = challenge.algorithm() {
                end.push_str(", algorithm=");
                end.push_str(algorithm);
            }
        } else {
            after_uri.push_str("\", algorithm=");
            after_uri.push_str(algorithm.name(parsed.session()));
            after_uri.push_str(", nc=");
        }
        for piece in [&before_uri, &after_uri, &end] {
            HeaderValue::from_bytes(piece.as_bytes())
                .map_err(|_| "it contains control characters".to_owned())?;
        }
        Ok(Self {
            algorithm,
            begun,
            before_uri,
            after_uri,
            end,
            cnonce,
            count: 0,
        })
    }

    /// Returns whether the nonce can be used once more.
    pub(super) fn is_usable(&self) -> bool {
        self.count < u32::MAX
    }

    /// Returns the header for a request, marked as sensitive; `None` if the target is not valid in a
    /// header or the nonce is used up.
    pub(super) fn respond(&mut self, method: &str, target: &str) -> Option<HeaderValue> {
        let count = self.count.checked_add(1)?;
        let a2 = self.algorithm.hex(&[method, ":", target]);
        let fixed = self.before_uri.len() + self.after_uri.len() + self.end.len();
        let mut header = String::with_capacity(fixed + target.len() + 160);
        header.push_str(&self.before_uri);
        escape(&mut header, target);
        header.push_str(&self.after_uri);
        let mut digits = Buffer::<4>::new();
        let digits: &str = digits.format(&count.to_be_bytes());
        let (cnonce, last) = match &self.cnonce {
            Cnonce::Counted(cnonce) => (cnonce.as_str(), digits),
            Cnonce::Fixed(cnonce) => (cnonce.as_str(), ""),
            Cnonce::None => ("", ""),
        };
        let response = if let Cnonce::None = self.cnonce {
            self.begun.hex(&[a2.as_str()])
        } else {
            for piece in [
                digits,
                ", cnonce=\"",
                cnonce,
                last,
                "\", qop=auth, response=\"",
            ] {
                header.push_str(piece);
            }
            let parts = [digits, ":", cnonce, last, ":auth:", a2.as_str()];
            self.begun.hex(&parts)
        };
        header.push_str(response.as_str());
        header.push_str(&self.end);
        let mut header = HeaderValue::from_maybe_shared(Bytes::from(header)).ok()?;
        header.set_sensitive(true);
        self.count = count;
        Some(header)
    }
}

impl Hash {
    /// Starts a hash with some parts; more can be added.
    fn begin(self, parts: &[&str]) -> Begun {
        match self {
            Self::Md5 => Begun::Md5(with(Md5::new(), parts)),
            Self::Sha256 => Begun::Sha256(with(Sha256::new(), parts)),
            Self::Sha512Trunc256 => Begun::Sha512Trunc256(with(Sha512_256::new(), parts)),
        }
    }

    fn hex(self, parts: &[&str]) -> Hex {
        self.begin(parts).hex(&[])
    }

    /// Returns the registered name (RFC 7616 section 6.1).
    fn name(self, session: bool) -> &'static str {
        match (self, session) {
            (Self::Md5, false) => "MD5",
            (Self::Md5, true) => "MD5-sess",
            (Self::Sha256, false) => "SHA-256",
            (Self::Sha256, true) => "SHA-256-sess",
            (Self::Sha512Trunc256, false) => "SHA-512-256",
            (Self::Sha512Trunc256, true) => "SHA-512-256-sess",
        }
    }
}

/// A hash that can be continued.
enum Begun {
    Md5(Md5),
    Sha256(Sha256),
    Sha512Trunc256(Sha512_256),
}

impl Begun {
    /// Returns the digits of the hash with some more parts.
    fn hex(&self, parts: &[&str]) -> Hex {
        match self {
            Self::Md5(hash) => {
                let mut hex = Buffer::new();
                hex.format(&with(hash.clone(), parts).finalize().into());
                Hex::Short(hex)
            }
            Self::Sha256(hash) => Hex::long(&with(hash.clone(), parts).finalize().into()),
            Self::Sha512Trunc256(hash) => Hex::long(&with(hash.clone(), parts).finalize().into()),
        }
    }
}

/// The digits of a hash.
enum Hex {
    Short(Buffer<16>),
    Long(Buffer<32>),
}

impl Hex {
    fn long(hash: &[u8; 32]) -> Self {
        let mut hex = Buffer::new();
        hex.format(hash);
        Self::Long(hex)
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short(hex) => hex.as_str(),
            Self::Long(hex) => hex.as_str(),
        }
    }
}

fn with<H: Digest>(mut hash: H, parts: &[&str]) -> H {
    for part in parts {
        hash.update(part);
    }
    hash
}

/// Appends the content of a quoted string (RFC 9110 section 5.6.4).
fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = memchr2(b'"', b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push('\\');
        out.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

fn is_printable(byte: u8) -> bool {
    byte == b'\t' || (b' '..=b'~').contains(&byte)
}

/// The characters that RFC 8187 section 3.2.1 requires to be encoded.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

#[cfg(test)]
mod tests;
