//! Requests to the token endpoint, for the calls that need its tokens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode, request};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::{ClientProof, Fetching, Token, form_encode, read_token};
use crate::cache_access::{CacheAccess, LOCK_TIMEOUT, Turn};
use crate::call::{Failed, Retries, Shared, retry_after};
use crate::error::{Attempts, Error, ErrorKind};
use crate::timer::Timer;

/// How long a rate limit is waited out that does not say how long it lasts: ten requests a minute
/// are allowed.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(10);
/// The shortest wait after a rate limit that is waited out.
const MIN_RATE_LIMIT_WAIT: Duration = Duration::from_secs(1);

/// A request to the token endpoint, which may be sent several times.
struct TokenRequest {
    path: &'static str,
    parts: request::Parts,
    form: Bytes,
    timer: Timer,
    retries: Retries,
}

impl Shared {
    /// Has a token fetched beside the calls, so that a dropped call does not lose it.
    pub(crate) fn start_fetch(self: &Arc<Self>, duty: Fetching) {
        let shared = self.clone();
        tokio::spawn(async move {
            let token = shared.token(duty.refused()).await;
            duty.end(token);
        });
    }

    fn cache(&self, refused: Option<SecretString>) -> Option<CacheAccess> {
        let (cache, key) = self.cache.as_ref()?;
        Some(CacheAccess::new(cache.clone(), key.clone(), refused))
    }

    /// A token, from the cache or the endpoint.
    async fn token(&self, refused: Option<SecretString>) -> Result<Token, Error> {
        let mut cache = self.cache(refused);
        let token = self.cached_or_fetched(cache.as_mut()).await?;
        self.secrets.remember(&token.access_token);
        Ok(token)
    }

    async fn cached_or_fetched(&self, cache: Option<&mut CacheAccess>) -> Result<Token, Error> {
        let mut request = self.token_request("/api/oauth/token", TOKEN_FORM)?;
        let Some(cache) = cache else {
            loop {
                if let Some(end) = self.attempt(&mut request).await {
                    return self.read_token(end?);
                }
            }
        };
        if let Some(token) = cache.load().await {
            tracing::debug!("a token was kept from earlier");
            return Ok(token);
        }
        // Half of the time is left for the request, if another process never ends.
        let limit = LOCK_TIMEOUT.min(self.settings.total_timeout / 2);
        // Released when the token is stored, or when this future is dropped.
        let _lock = match cache.turn(limit).await {
            Turn::Cached(token) => {
                tracing::debug!("another process fetched a token");
                return Ok(token);
            }
            Turn::Fetch(lock) => lock,
        };
        loop {
            if let Some(end) = self.attempt(&mut request).await {
                let token = self.read_token(end?)?;
                cache.store(&token).await;
                return Ok(token);
            }
            if let Some(token) = cache.load().await {
                tracing::debug!("another process fetched a token meanwhile");
                return Ok(token);
            }
        }
    }

    /// Takes the access token back (RFC 7009), here, in the cache and at the endpoint.
    pub(crate) async fn revoke(&self) -> Result<(), Error> {
        let mut tokens = Vec::from_iter(self.auth.drop_token());
        if let Some(mut cache) = self.cache(None) {
            tokens.extend(cache.take().await);
        }
        tokens.dedup_by(|one, other| one.expose_secret() == other.expose_secret());
        for token in tokens {
            self.secrets.remember(&token);
            let token = form_encode(token.expose_secret());
            let form = format!("token={token}&token_type_hint=access_token");
            let mut request = self.token_request("/api/oauth/revoke", &form)?;
            let response = loop {
                if let Some(end) = self.attempt(&mut request).await {
                    break end?;
                }
            };
            if !response.status().is_success() {
                self.read_token(response)?;
            }
        }
        Ok(())
    }

    fn read_token(&self, mut response: Response<Bytes>) -> Result<Token, Error> {
        let attempts: Attempts = response.extensions_mut().remove().unwrap_or_default();
        let read = |response: Response<Bytes>| {
            let wait = retry_after(&response);
            read_token(response.status(), response.body(), wait)
        };
        let read = self.secrets.guard(response, read);
        read.map_err(|kind: ErrorKind| Error::new(kind, attempts))
    }

    /// A request with a form for the token endpoint.
    fn token_request(&self, path: &'static str, form: &str) -> Result<TokenRequest, ErrorKind> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = self.resolve(path, "the token endpoint's address")?;
        let headers = &mut parts.headers;
        let form = match self.auth.client_proof() {
            Some(ClientProof::Header(basic)) => {
                headers.insert(AUTHORIZATION, basic);
                form.to_owned()
            }
            Some(ClientProof::Form(fields)) => format!("{form}&{}", fields.expose_secret()),
            None => form.to_owned(),
        };
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let settings = &self.settings;
        Ok(TokenRequest {
            path,
            parts,
            form: form.into(),
            timer: Timer::new(settings.read_timeout, Some(settings.total_timeout)),
            // Two tokens do no harm, so it can be repeated.
            retries: Retries::new(true),
        })
    }

    /// Sends a request to the token endpoint once: gives what it comes to, or waits and gives
    /// `None` if there is to be another attempt.
    async fn attempt(&self, request: &mut TokenRequest) -> Option<Result<Response<Bytes>, Error>> {
        let (parts, form) = (request.parts.clone(), request.form.clone());
        let timer = &mut request.timer;
        let ended = match self.once(parts, form, timer).await {
            Ok(response) => self.collect(response, timer).await,
            Err(kind) => Err(kind),
        };
        let ended = ended.map_err(Failed::from);
        if let Ok(response) = &ended {
            let status = response.status().as_u16();
            tracing::debug!(status, path = request.path, "token endpoint answered");
            if self.waits_out(response) {
                let Some(wait) = self.rate_limit(response, timer) else {
                    return Some(request.retries.end(self, ended));
                };
                return request.retries.wait_out(wait, timer).await.err().map(Err);
            }
        }
        request.retries.after(self, ended, &mut request.timer).await
    }

    /// Whether an answer is a rate limit that is waited out, as often as the time allows. One that
    /// says to come back at once gets the attempts of the policy and no more.
    fn waits_out(&self, response: &Response<Bytes>) -> bool {
        let retries = self.settings.retry.max_attempts > 1;
        let limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let waits = retry_after(response).is_none_or(|asked| asked >= MIN_RATE_LIMIT_WAIT);
        retries && limited && waits
    }

    /// How long to wait after a rate limit; `None` if the time does not last.
    fn rate_limit(&self, response: &Response<Bytes>, timer: &Timer) -> Option<Duration> {
        let asked = retry_after(response).unwrap_or(RATE_LIMIT_WAIT);
        let wait = asked.min(self.settings.retry.retry_after_cap);
        let lasts = timer.left().is_none_or(|left| asked < left);
        lasts.then(|| wait.max(MIN_RATE_LIMIT_WAIT))
    }
}

/// Asks for a token by client credentials (RFC 6749 section 4.4.2).
const TOKEN_FORM: &str = "grant_type=client_credentials";
