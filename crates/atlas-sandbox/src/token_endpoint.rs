//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 section 4.4) and revocation.

use atlas_model::CallOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::reply::{self, set};
use crate::time::later;
use crate::world::Sandbox;

/// The lifetime of a token, in seconds.
const LIFETIME: i64 = 3600;

impl Sandbox {
    /// Issues a token for a client id and secret.
    pub(crate) fn token(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let form = Form::read(request);
        let account = match self.client(now, request, form.as_ref()) {
            Ok(account) => account,
            Err(refusal) => return refusal,
        };
        if let Err((error, wait)) = self.take_token_request(now, account) {
            let mut response = reply::error(&error, &CallOptions::default());
            set(&mut response, RETRY_AFTER.as_str(), &wait.to_string());
            return response;
        }
        match form.map(|form| form.one("grant_type")) {
            Some(Ok(Some(grant))) if grant == "client_credentials" => {}
            Some(Ok(Some(_))) => {
                return oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type");
            }
            None | Some(_) => return invalid_request(),
        }
        let token = format!("sandbox.{}", self.next_token("token"));
        let ends = later(now, SignedDuration::from_secs(LIFETIME));
        self.tokens.insert(now, token.clone(), ends, account);
        let answer = json!({
            "access_token": token,
            "expires_in": LIFETIME,
            "token_type": "Bearer",
        });
        respond(StatusCode::OK, &answer)
    }

    /// Revokes a token (RFC 7009). An unknown token is not an error, but that of another client is.
    pub(crate) fn revoke(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let form = Form::read(request);
        let account = match self.client(now, request, form.as_ref()) {
            Ok(account) => account,
            Err(refusal) => return refusal,
        };
        match form.map(|form| form.one("token")) {
            Some(Ok(Some(token))) => {
                let owner = self.tokens.get(now, &token);
                if owner.is_some_and(|owner| *owner != account) {
                    return oauth_error(StatusCode::BAD_REQUEST, "unauthorized_client");
                }
                self.tokens.remove(&token);
                Response::new(Bytes::new())
            }
            _ => invalid_request(),
        }
    }

    /// The account of the client in HTTP Basic, or in the form if the settings allow it.
    fn client(
        &self,
        now: Timestamp,
        request: &Request<Bytes>,
        form: Option<&Form>,
    ) -> Result<u64, Response<Bytes>> {
        let in_form = form.filter(|_| self.form_credentials);
        let secret = match in_form.map(|form| form.one("client_secret")) {
            None => None,
            Some(Ok(secret)) => secret,
            Some(Err(Repeated)) => return Err(invalid_request()),
        };
        let Some(secret) = secret else {
            return self.basic(now, request).ok_or_else(invalid_client);
        };
        // A client must not authenticate in more than one way (RFC 6749 section 2.3).
        if request.headers().contains_key(AUTHORIZATION) {
            return Err(invalid_request());
        }
        match in_form.map(|form| form.one("client_id")) {
            Some(Ok(Some(id))) => self
                .account_of(now, &id, &secret)
                .ok_or_else(invalid_client),
            _ => Err(invalid_request()),
        }
    }

    /// The account of the client in HTTP Basic. Its id and secret may be form-encoded (RFC 6749
    /// section 2.3.1).
    fn basic(&self, now: Timestamp, request: &Request<Bytes>) -> Option<u64> {
        let authorization = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, pair) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = STANDARD.decode(pair.trim()).ok()?;
        let (id, secret) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        self.account_of(now, id, secret)
            .or_else(|| self.account_of(now, &decoded(id)?, &decoded(secret)?))
    }

    fn account_of(&self, now: Timestamp, id: &str, secret: &str) -> Option<u64> {
        let account = self.accounts.by_client_id(id)?;
        let (_, secrets) = account.client.as_ref()?;
        let place = secrets.iter().position(|known| known == secret)?;
        let lives = self.stands(account) && self.secret_lives(now, account, place);
        lives.then_some(account.number)
    }
}

fn decoded(text: &str) -> Option<String> {
    // A text with these has more than one value.
    if text.contains(['&', '=']) {
        return None;
    }
    let (value, _) = form_urlencoded::parse(text.as_bytes()).next()?;
    Some(value.into_owned())
}

/// The form of a body.
struct Form(Vec<(String, String)>);

/// The error for a repeated parameter (RFC 6749 section 3.2).
struct Repeated;

impl Form {
    fn read(request: &Request<Bytes>) -> Option<Self> {
        let pairs = form_urlencoded::parse(request.body()).into_owned();
        is_form(request).then(|| Self(pairs.collect()))
    }

    fn one(&self, name: &str) -> Result<Option<String>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Repeated),
            (value, None) => Ok(value.map(|(_, value)| value.clone())),
        }
    }
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

fn invalid_request() -> Response<Bytes> {
    oauth_error(StatusCode::BAD_REQUEST, "invalid_request")
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
