//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 section 4.4), and revocation.

use atlas_model::CallOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::jobs::later;
use crate::login::Role;
use crate::reply::{self, set};
use crate::world::Sandbox;

/// How long a token lives, in seconds.
const LIFETIME: i64 = 3600;

impl Sandbox {
    /// Hands out a token for a client id and secret.
    pub(crate) fn token(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(role) = client(request) else {
            return invalid_client();
        };
        if let Err((error, wait)) = self.take_token_request(now, role) {
            let mut response = reply::error(&error, &CallOptions::default());
            set(&mut response, RETRY_AFTER.as_str(), &wait.to_string());
            return response;
        }
        if !is_form(request) {
            return oauth_error(StatusCode::BAD_REQUEST, "invalid_request");
        }
        match form_value(request.body(), "grant_type").as_deref() {
            Some("client_credentials") => {}
            Some(_) => return oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            None => return oauth_error(StatusCode::BAD_REQUEST, "invalid_request"),
        }
        let token = format!("sandbox.{}", self.unheard("token"));
        let ends = later(now, SignedDuration::from_secs(LIFETIME));
        self.tokens.insert(now, token.clone(), ends, role);
        let answer = json!({
            "access_token": token,
            "expires_in": LIFETIME,
            "token_type": "Bearer",
        });
        respond(StatusCode::OK, &answer)
    }

    /// Takes a token back (RFC 7009); an unknown one is no error.
    pub(crate) fn revoke(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        if client(request).is_none() {
            return invalid_client();
        }
        match form_value(request.body(), "token") {
            Some(token) => {
                self.tokens.remove(&token);
                Response::new(Bytes::new())
            }
            None => oauth_error(StatusCode::BAD_REQUEST, "invalid_request"),
        }
    }
}

/// The role of the client that HTTP Basic names.
fn client(request: &Request<Bytes>) -> Option<Role> {
    let authorization = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, pair) = authorization.split_once(' ')?;
    let pair = STANDARD.decode(pair.trim()).ok()?;
    let (id, secret) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    let (_, role) = Role::LOGINS.iter().find(|(login, _)| {
        scheme.eq_ignore_ascii_case("basic")
            && login.client_id == id
            && login.client_secret == secret
    })?;
    Some(*role)
}

fn is_form(request: &Request<Bytes>) -> bool {
    request.headers().get(CONTENT_TYPE).is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next();
        essence.is_some_and(|essence| {
            essence
                .trim_ascii()
                .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        })
    })
}

fn form_value(body: &[u8], name: &str) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    body.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.replace('+', " ");
        (key == name).then(|| {
            percent_encoding::percent_decode_str(&value)
                .decode_utf8_lossy()
                .into_owned()
        })
    })
}

fn invalid_client() -> Response<Bytes> {
    let mut response = oauth_error(StatusCode::UNAUTHORIZED, "invalid_client");
    set(
        &mut response,
        WWW_AUTHENTICATE.as_str(),
        "Basic realm=\"sandbox\"",
    );
    response
}

fn oauth_error(status: StatusCode, error: &str) -> Response<Bytes> {
    respond(status, &json!({ "error": error }))
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    set(
        &mut response,
        CONTENT_TYPE.as_str(),
        "application/json;charset=utf-8",
    );
    set(&mut response, CACHE_CONTROL.as_str(), "no-store");
    response
}
