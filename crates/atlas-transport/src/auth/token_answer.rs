//! Responses of a token endpoint: a token (RFC 6749 section 5.1) or a refusal (section 5.2).

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::transient::is_transient_status;

/// An access token and its lifetime.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The token.
    pub access_token: SecretString,
    /// How long the token may be used: from 5 s to a day.
    pub lifetime: Duration,
}

/// A response of the token endpoint without a usable token.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", line(*status, refusal.as_ref(), *retry_after))]
#[non_exhaustive]
pub struct TokenError {
    /// The endpoint's status.
    pub status: StatusCode,
    /// The error code; `None` if the response is not one of RFC 6749.
    pub refusal: Option<TokenRefusal>,
    /// The wait that the endpoint requests.
    pub retry_after: Option<Duration>,
}

impl fmt::Debug for TokenError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token([hidden], valid for {:?})", self.lifetime)
    }
}

/// The lifetime if the endpoint does not state it: that of Atlas's tokens.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// The minimum lifetime. If the token expires earlier, a 401 shows it.
const MIN_LIFETIME: Duration = Duration::from_secs(5);
/// The maximum lifetime, whatever the endpoint states.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The error code of a token endpoint (RFC 6749 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// `invalid_request`: the endpoint did not understand the request.
    InvalidRequest,
    /// `invalid_client`: the client id or secret is wrong, or the service account does not exist.
    InvalidClient,
    /// `invalid_grant`
    InvalidGrant,
    /// `unauthorized_client`: the service account may not request tokens by this grant.
    UnauthorizedClient,
    /// `unsupported_grant_type`: the endpoint does not support client credentials.
    UnsupportedGrantType,
    /// `invalid_scope`
    InvalidScope,
    /// The endpoint returned an access token that cannot be sent: it is empty, longer than 16 KiB, or
    /// not visible ASCII (RFC 6750 section 2.1).
    UnusableToken,
    /// Another code, as received.
    Other(String),
}

impl TokenRefusal {
    fn new(code: &str) -> Self {
        match code {
            "invalid_request" => Self::InvalidRequest,
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            "invalid_scope" => Self::InvalidScope,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnusableToken => {
                "with an invalid access token: expected 1 to 16384 visible ASCII characters"
            }
            Self::Other(code) => code,
        })
    }
}

impl Token {
    /// Reads a response of the token endpoint. Errors never quote its body, which may contain a token.
    /// `retry_after` is the wait of the response's `Retry-After`, copied to the error.
    ///
    /// # Errors
    /// [`TokenError`] for a refusal, and for a success without a usable token.
    pub fn read(
        status: StatusCode,
        body: &[u8],
        retry_after: Option<Duration>,
    ) -> Result<Self, TokenError> {
        read(status, body, retry_after)
    }
}

fn read(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: SecretString,
        #[serde(default)]
        expires_in: Value,
        token_type: Option<String>,
    }
    let problem = |refusal| TokenError {
        status,
        refusal,
        retry_after,
    };
    if status.is_success() {
        let mut answer: Answer =
            serde_json::from_slice(body).map_err(|_| problem(refused(body)))?;
        let trimmed = answer.access_token.expose_secret().trim();
        answer.access_token = SecretString::from(trimmed);
        if !is_usable(&answer.access_token) {
            return Err(problem(Some(TokenRefusal::UnusableToken)));
        }
        // Section 7.1: a token of an unknown type must not be used.
        let kind = answer.token_type.as_deref().unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            let code = format!("token_type {}", printable(kind));
            return Err(problem(Some(TokenRefusal::Other(code))));
        }
        return Ok(Token {
            access_token: answer.access_token,
            lifetime: lifetime(&answer.expires_in),
        });
    }
    Err(problem(refused(body)))
}

/// Returns whether a token can be sent in a header unchanged.
pub(crate) fn is_usable(token: &SecretString) -> bool {
    let token = token.expose_secret();
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The maximum size of a token in bytes: a common limit of servers for all headers.
const MAX_TOKEN: usize = 16 << 10;

/// Reads the code of a refusal: as in RFC 6749, or as in Atlas's own errors, whose `error` is a status.
/// Those have a code, or else a reason.
fn refused(body: &[u8]) -> Option<TokenRefusal> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let is_status = |text: &str| text.trim().parse::<u16>().is_ok();
    let code = |name: &str| {
        let code = body.get(name)?.as_str().filter(|text| !is_status(text))?;
        Some(printable(code)).filter(|code| !code.is_empty())
    };
    let code = code("error")
        .or_else(|| code("errorCode"))
        .or_else(|| code("reason"))?;
    Some(TokenRefusal::new(&code))
}

/// Keeps printable ASCII and spaces, as section 5.2 allows, up to 64 characters.
fn printable(code: &str) -> String {
    let allowed = |c: &char| c.is_ascii_graphic() || *c == ' ';
    let printable: String = code.trim().chars().filter(allowed).take(64).collect();
    printable.trim_end().to_owned()
}

/// Returns a lifetime in seconds, from a number or a number as text. `null`, missing and invalid values
/// are an hour.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds
        .filter(|seconds| *seconds >= 0.0)
        .map_or(DEFAULT_LIFETIME, |seconds| {
            Duration::try_from_secs_f64(seconds).unwrap_or(MAX_LIFETIME)
        })
        .clamp(MIN_LIFETIME, MAX_LIFETIME)
}

/// Returns the message of a response without a token, with a hint.
pub(crate) fn line(
    status: StatusCode,
    refusal: Option<&TokenRefusal>,
    retry_after: Option<Duration>,
) -> String {
    let number = status.as_u16();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let code = refusal.map_or_else(String::new, |refusal| format!(" {refusal}"));
        let when = again(retry_after).unwrap_or_else(|| "in a minute".to_owned());
        return format!(
            "rate limit of the token endpoint reached ({number}{code}): ten requests a minute are \
             allowed; try again {when}"
        );
    }
    let hint = match number {
        400 | 401 | 403 => {
            "check the client id and secret, and the service account's access list".to_owned()
        }
        _ if is_transient_status(status) => {
            let when = again(retry_after).unwrap_or_else(|| "later".to_owned());
            format!("try again {when}")
        }
        _ => "check the base URL and any proxy in between".to_owned(),
    };
    match refusal {
        Some(refusal) => format!("the token endpoint answered {number} {refusal}; {hint}"),
        None => format!("the token endpoint answered {number} without a token; {hint}"),
    }
}

/// Returns the time of the next try, in whole seconds.
fn again(retry_after: Option<Duration>) -> Option<String> {
    let wait = retry_after?;
    let seconds = wait
        .as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0));
    Some(format!("in {seconds} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_clamped_to_5_seconds_and_a_day() {
        for (expires_in, seconds) in [
            ("", 3600),
            (r#", "expires_in": null"#, 3600),
            (r#", "expires_in": 0"#, 5),
            (r#", "expires_in": -1"#, 3600),
            (r#", "expires_in": "600""#, 600),
            (r#", "expires_in": "soon""#, 3600),
            (r#", "expires_in": 599.5"#, 599),
            (r#", "expires_in": 1e300"#, 86400),
            (r#", "expires_in": 18446744073709551615"#, 86400),
        ] {
            let body = format!(r#"{{"access_token": "t"{expires_in}}}"#);
            let token = read(StatusCode::OK, body.as_bytes(), None).unwrap();
            assert_eq!(token.lifetime.as_secs(), seconds, "{expires_in}");
        }
    }

    #[test]
    fn a_refusal_keeps_its_code_and_an_unknown_body_has_none() {
        let refusal = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            match read(status, body.as_bytes(), None) {
                Err(error) => error.refusal,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            refusal(401, r#"{"error": "invalid_client"}"#),
            Some(TokenRefusal::InvalidClient)
        );
        assert_eq!(
            refusal(400, r#"{"error": "so\nodd"}"#),
            Some(TokenRefusal::Other("soodd".into()))
        );
        for (body, code) in [
            (
                r#"{"error":401,"errorCode":"UNEXPECTED_ERROR","reason":"Unauthorized"}"#,
                "UNEXPECTED_ERROR",
            ),
            (
                r#"{"error":"401","errorCode":null,"reason":"Unauthorized"}"#,
                "Unauthorized",
            ),
            (
                r#"{"error":"invalid_client","errorCode":"A_CODE"}"#,
                "invalid_client",
            ),
            (r#"{"errorCode":"A_CODE","detail":"s3cret"}"#, "A_CODE"),
            (r#"{"reason":"Bad Request"}"#, "Bad Request"),
        ] {
            assert_eq!(refusal(401, body).unwrap().to_string(), code, "{body}");
            assert_eq!(refusal(200, body).unwrap().to_string(), code, "{body}");
        }
        for page in [
            "<html>",
            "",
            "{}",
            "[]",
            "7",
            r#"{"error": ""}"#,
            r#"{"error": 401}"#,
        ] {
            assert_eq!(refusal(503, page), None, "{page}");
            assert_eq!(refusal(200, page), None, "{page}");
        }
        let mac = r#"{"access_token": "s3cret", "token_type": "mac"}"#;
        assert!(refusal(200, mac).unwrap().to_string().contains("mac"));
    }

    #[test]
    fn the_hint_of_a_refusal_depends_on_its_status() {
        for (status, advice) in [
            (400, "client id and secret"),
            (401, "client id and secret"),
            (403, "client id and secret"),
            (404, "base URL"),
            (200, "base URL"),
            (502, "try again later"),
        ] {
            let message = line(StatusCode::from_u16(status).unwrap(), None, None);
            assert!(message.contains(advice), "{status}: {message}");
        }
        let busy = Some(Duration::from_millis(2_500));
        let message = line(StatusCode::SERVICE_UNAVAILABLE, None, busy);
        assert!(message.ends_with("try again in 3 s"), "{message}");
    }

    #[test]
    fn the_message_of_a_rate_limit_states_when_to_try_again() {
        let limit = StatusCode::TOO_MANY_REQUESTS;
        let code = TokenRefusal::Other("RATE_LIMITED".into());
        assert_eq!(
            line(limit, Some(&code), Some(Duration::from_secs(17))),
            "rate limit of the token endpoint reached (429 RATE_LIMITED): ten requests a minute \
             are allowed; try again in 17 s"
        );
        let message = line(limit, None, None);
        assert!(message.ends_with("try again in a minute"), "{message}");
        for message in [message, line(limit, Some(&code), Some(Duration::MAX))] {
            assert!(
                !message.contains("refused") && !message.contains("secret"),
                "{message}"
            );
        }
    }

    #[test]
    fn debug_of_a_refusal_reads_like_display() {
        let error = read(StatusCode::NOT_FOUND, b"", None).unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            "the token endpoint answered 404 without a token; check the base URL and any proxy in between"
        );
        assert_eq!(format!("{error:?}"), error.to_string());
    }

    #[test]
    fn a_token_has_16_kib_of_visible_ascii_at_most() {
        for (token, usable) in [
            ("!".into(), true),
            ("~".repeat(16_384), true),
            ("a".repeat(16_385), false),
            ("a b".into(), false),
            (String::new(), false),
        ] {
            let length = token.len();
            assert_eq!(is_usable(&token.into()), usable, "{length}");
        }
    }

    #[test]
    fn debug_shows_the_lifetime_of_a_token_and_not_the_token() {
        let token = read(StatusCode::OK, br#"{"access_token": "s3cret"}"#, None).unwrap();
        assert_eq!(format!("{token:?}"), "Token([hidden], valid for 3600s)");
    }
}
