//! Masks the secrets of a client in texts from a server.

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::auth::{TokenError, TokenRefusal, basic_pair, form_encode};
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::sync::Mutex;

/// The secrets of a client: its credentials, in each form in which they are sent, and the last fetched
/// access tokens.
pub(crate) struct Secrets {
    own: Vec<SecretString>,
    tokens: Mutex<Vec<SecretString>>,
}

/// The replacement of a secret.
const MASK: &str = "[hidden]";
/// A shorter text is not masked, since it may occur in ordinary words.
const MIN_LENGTH: usize = 6;
/// The number of fetched tokens to remember.
const MAX_TOKENS: usize = 4;

impl Secrets {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        let own = match credentials {
            Credentials::Bearer { token } => forms(token.expose_secret()),
            Credentials::ApiKey { private_key, .. } => forms(private_key.expose_secret()),
            Credentials::ServiceAccount {
                client_id,
                client_secret,
                ..
            } => {
                let secret = client_secret.expose_secret();
                [forms(&basic_pair(client_id, secret)), forms(secret)].concat()
            }
        };
        Self {
            own,
            tokens: Mutex::new(Vec::new()),
        }
    }

    /// Adds an access token that was fetched, or read from a cache.
    pub(crate) fn remember(&self, token: &SecretString) {
        let mut tokens = self.tokens.lock();
        let known = |known: &SecretString| known.expose_secret() == token.expose_secret();
        if tokens.iter().any(known) {
            return;
        }
        if tokens.len() >= MAX_TOKENS {
            tokens.remove(0);
        }
        tokens.push(token.clone());
    }

    /// Reads a response. On failure, masks the secrets in the response and reads it again, so that the
    /// error quotes none of them.
    pub(crate) fn guard<T, E>(
        &self,
        mut response: Response<Bytes>,
        read: impl Fn(&Response<Bytes>) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = match read(&response) {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        self.mask_response(&mut response);
        Err(read(&response).err().unwrap_or(failed))
    }

    /// Masks secrets in the headers and the body of a response.
    pub(crate) fn mask_response(&self, response: &mut Response<Bytes>) {
        let secrets = self.all();
        mask_headers(response.headers_mut(), &secrets);
        if let Some(masked) = mask_body(response.body(), &secrets) {
            *response.body_mut() = masked.into();
        }
    }

    /// Masks secrets in the parts of an error that quote a server.
    pub(crate) fn mask_error(&self, kind: &mut ErrorKind) {
        let (ErrorKind::Challenge { problem: quoted }
        | ErrorKind::Encoding { encoding: quoted }
        | ErrorKind::Token(TokenError {
            refusal: Some(TokenRefusal::Other(quoted)),
            ..
        })) = kind
        else {
            return;
        };
        if let Some(masked) = mask_text(quoted, &self.all()) {
            *quoted = masked;
        }
    }

    fn all(&self) -> Vec<SecretString> {
        let tokens = self.tokens.lock();
        let mut all: Vec<SecretString> = tokens
            .iter()
            .flat_map(|token| forms(token.expose_secret()))
            .chain(self.own.iter().cloned())
            .collect();
        // The longest first: a secret may be part of another.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        all
    }
}

/// Returns a secret unchanged, and encoded for a form or query.
fn forms(secret: &str) -> Vec<SecretString> {
    let secret = secret.trim();
    if secret.len() < MIN_LENGTH {
        return Vec::new();
    }
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![secret.to_owned(), encoded, form_encode(secret)];
    // Servers may use lower-case digits in escapes.
    let lower: Vec<String> = forms[1..].iter().map(|form| lower_escapes(form)).collect();
    forms.extend(lower);
    forms.dedup();
    forms.into_iter().map(SecretString::from).collect()
}

/// Changes the escapes of a percent-encoded text to lower case, such as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    let lower = |c: char| {
        if c == '%' {
            digits = 2;
            return c;
        }
        let of_escape = digits > 0;
        digits = u8::saturating_sub(digits, 1);
        if of_escape { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

fn mask_text(text: &str, secrets: &[SecretString]) -> Option<String> {
    let mut masked = None;
    for secret in secrets {
        let current: &str = masked.as_deref().unwrap_or(text);
        if current.contains(secret.expose_secret()) {
            masked = Some(current.replace(secret.expose_secret(), MASK));
        }
    }
    masked
}

fn mask_bytes(bytes: &[u8], secrets: &[SecretString]) -> Option<Vec<u8>> {
    let mut masked: Option<Vec<u8>> = None;
    for secret in secrets {
        let secret = secret.expose_secret().as_bytes();
        let mut rest = masked.as_deref().unwrap_or(bytes);
        let mut kept = Vec::new();
        let mut found = false;
        while let Some(at) = rest.windows(secret.len()).position(|part| part == secret) {
            found = true;
            kept.extend_from_slice(&rest[..at]);
            kept.extend_from_slice(MASK.as_bytes());
            rest = &rest[at + secret.len()..];
        }
        if found {
            kept.extend_from_slice(rest);
            masked = Some(kept);
        }
    }
    masked
}

fn mask_headers(headers: &mut HeaderMap, secrets: &[SecretString]) {
    for value in headers.values_mut() {
        let masked = mask_bytes(value.as_bytes(), secrets);
        if let Some(masked) = masked.and_then(|masked| HeaderValue::from_bytes(&masked).ok()) {
            *value = masked;
        }
    }
}

/// Masks secrets in a body; in JSON, whatever their escapes.
fn mask_body(body: &[u8], secrets: &[SecretString]) -> Option<Vec<u8>> {
    if secrets.is_empty() {
        return None;
    }
    let mut json: Option<Value> = serde_json::from_slice(body).ok();
    let changed = json
        .as_mut()
        .filter(|_| body.contains(&b'\\'))
        .is_some_and(|json| mask_json(json, secrets));
    let written = json
        .filter(|_| changed)
        .and_then(|json| serde_json::to_vec(&json).ok());
    let masked = mask_bytes(written.as_deref().unwrap_or(body), secrets);
    masked.or(written)
}

fn mask_json(json: &mut Value, secrets: &[SecretString]) -> bool {
    match json {
        Value::String(text) => match mask_text(text, secrets) {
            Some(masked) => {
                *text = masked;
                true
            }
            None => false,
        },
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= mask_json(item, secrets);
            }
            changed
        }
        Value::Object(fields) => {
            let odd: Vec<(String, String)> = fields
                .keys()
                .filter_map(|name| Some((name.clone(), mask_text(name, secrets)?)))
                .collect();
            let mut changed = !odd.is_empty();
            for (name, masked) in odd {
                if let Some(value) = fields.remove(&name) {
                    fields.insert(masked, value);
                }
            }
            for value in fields.values_mut() {
                changed |= mask_json(value, secrets);
            }
            changed
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn secrets() -> Secrets {
        let secrets = Secrets::new(&Credentials::service_account("mdb_sa_id", "mdb_sa_sk_s/3"));
        secrets.remember(&"t0ken.of.mine".into());
        secrets
    }

    fn masked(body: &str) -> String {
        let mut response = Response::new(Bytes::from(body.to_owned()));
        secrets().mask_response(&mut response);
        String::from_utf8(response.into_body().to_vec()).unwrap()
    }

    #[test]
    fn a_secret_is_masked_in_every_form_that_a_server_may_echo() {
        let basic = STANDARD.encode("mdb_sa_id:mdb_sa_sk_s%2F3");
        for (body, expected) in [
            ("<p>mdb_sa_sk_s/3</p>", "<p>[hidden]</p>".to_owned()),
            (
                "client_secret=mdb%5Fsa%5Fsk%5Fs%2F3&",
                "client_secret=[hidden]&".to_owned(),
            ),
            (
                "client_secret=mdb_sa_sk_s%2f3",
                "client_secret=[hidden]".to_owned(),
            ),
            (
                "client_id=mdb_sa_id&client_secret=mdb_sa_sk_s%2F3",
                "client_id=mdb_sa_id&client_secret=[hidden]".to_owned(),
            ),
            (
                r#"{"error": "mdb_sa_sk_s/3 t0ken.of.mine"}"#,
                r#"{"error": "[hidden] [hidden]"}"#.to_owned(),
            ),
            (
                r#"{"error":"mdb_sa_sk_s\/3"}"#,
                r#"{"error":"[hidden]"}"#.to_owned(),
            ),
            (
                r#"{"a":[{"\u006ddb_sa_sk_s/3":1}]}"#,
                r#"{"a":[{"[hidden]":1}]}"#.to_owned(),
            ),
            (&format!("Basic {basic}"), "Basic [hidden]".to_owned()),
            ("nothing of it", "nothing of it".to_owned()),
        ] {
            assert_eq!(masked(body), expected);
        }
    }

    #[test]
    fn a_short_secret_does_not_blot_out_ordinary_words() {
        let secrets = Secrets::new(&Credentials::bearer("a"));
        assert!(secrets.all().is_empty());
    }
}
