//! Requests to the token endpoint.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::AnswerMeta;
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{Request, Response, StatusCode, request};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::{Token, TokenError, TokenRefusal};
use crate::authenticator::Fetching;
use crate::cache_access::{CacheAccess, LOCK_TIMEOUT, Turn};
use crate::call::{Shared, again, in_runtime};
use crate::error::{Attempts, Error, ErrorKind};
use crate::retry_loop::{Answered, Exchange, Failed};
use crate::secrets::Secrets;
use crate::timer::Timer;

/// The wait after a rate limit that states no duration: ten requests a minute are allowed.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(10);
/// The shortest rate limit that is waited out.
const MIN_RATE_LIMIT_WAIT: Duration = Duration::from_secs(1);

/// A request to the token endpoint.
struct TokenRequest<'a> {
    shared: &'a Shared,
    parts: request::Parts,
    form: Bytes,
    /// The cache, in which another process may store a token between two attempts.
    cache: Option<&'a mut CacheAccess>,
    attempted: bool,
}

/// The result of a token request.
enum Fetched {
    /// A token of another process.
    Cached(Token),
    Response(Response<Bytes>),
}

impl Exchange for TokenRequest<'_> {
    type Response = Fetched;

    async fn attempt(&mut self, timer: &mut Timer) -> Result<Fetched, Failed> {
        if let (Some(cache), true) = (&mut self.cache, self.attempted)
            && let Some(token) = cache.load().await
        {
            tracing::debug!("another process fetched a token meanwhile");
            return Ok(Fetched::Cached(token));
        }
        self.attempted = true;
        let request = again(&self.parts, &self.form);
        let transport = &self.shared.transports.calls;
        let host = self.shared.base.authority();
        let response = self.shared.once(transport, host, request, timer).await?;
        let response = self.shared.collect(response, timer).await?;
        let status = response.status().as_u16();
        tracing::debug!(
            status,
            path = self.parts.uri.path(),
            "token endpoint answered"
        );
        Ok(Fetched::Response(response))
    }

    /// Waits out a rate limit, as often as the time allows. A rate limit of less than a second uses the
    /// attempts of the policy.
    fn waits_out(&self, response: &Fetched) -> Option<Duration> {
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let wait = response.retry_after().unwrap_or(RATE_LIMIT_WAIT);
        (wait >= MIN_RATE_LIMIT_WAIT).then_some(wait)
    }
}

impl Answered for Fetched {
    fn status(&self) -> StatusCode {
        match self {
            Self::Cached(_) => StatusCode::OK,
            Self::Response(response) => response.status(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Cached(_) => None,
            Self::Response(response) => response.retry_after(),
        }
    }

    fn mask(&mut self, secrets: &Secrets) {
        if let Self::Response(response) = self {
            response.mask(secrets);
        }
    }
}

impl Shared {
    /// Starts a task that fetches a token, so that a dropped call does not cancel the fetch.
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

    /// Returns a token, from the cache or the endpoint.
    async fn token(&self, refused: Option<SecretString>) -> Result<Token, Error> {
        let mut cache = self.cache(refused);
        let token = self.cached_or_fetched(cache.as_mut()).await?;
        self.secrets.remember(&token.access_token);
        Ok(token)
    }

    async fn cached_or_fetched(&self, cache: Option<&mut CacheAccess>) -> Result<Token, Error> {
        let Some(cache) = cache else {
            return self.fetch(None).await;
        };
        if let Some(token) = cache.load().await {
            tracing::debug!("using the cached token");
            return Ok(token);
        }
        // Leaves half of the time for the request, in case another process holds the lock.
        let limit = LOCK_TIMEOUT.min(self.calls.total_timeout / 2);
        // Released when the token is stored, or when this future is dropped.
        let _lock = match cache.turn(limit).await {
            Turn::Cached(token) => {
                tracing::debug!("another process fetched a token");
                return Ok(token);
            }
            Turn::Fetch(lock) => lock,
        };
        let token = self.fetch(Some(cache)).await?;
        cache.store(&token).await;
        Ok(token)
    }

    /// Requests a token from the endpoint, checking the cache before each retry.
    async fn fetch(&self, cache: Option<&mut CacheAccess>) -> Result<Token, Error> {
        let request = self.auth.token_request().ok_or(NO_SERVICE_ACCOUNT)?;
        match self.ask(request, cache).await? {
            (Fetched::Cached(token), _) => Ok(token),
            (Fetched::Response(response), attempts) => self.read_token(response, attempts),
        }
    }

    /// Revokes the access token at the endpoint (RFC 7009), and removes it from the client and the cache.
    pub(crate) async fn revoke(&self) -> Result<(), Error> {
        in_runtime()?;
        let mut tokens = Vec::from_iter(self.auth.drop_token());
        if let Some(mut cache) = self.cache(None) {
            tokens.extend(cache.take().await);
        }
        tokens.dedup_by(|one, other| one.expose_secret() == other.expose_secret());
        for token in tokens {
            self.secrets.remember(&token);
            let request = self.auth.revocation_request(&token);
            let request = request.ok_or(NO_SERVICE_ACCOUNT)?;
            if let (Fetched::Response(response), attempts) = self.ask(request, None).await?
                && !response.status().is_success()
            {
                self.read_token(response, attempts)?;
            }
        }
        Ok(())
    }

    fn read_token(&self, response: Response<Bytes>, attempts: Attempts) -> Result<Token, Error> {
        let read = |response: &Response<Bytes>| {
            let (status, retry_after) = (response.status(), response.retry_after());
            if let Some(target) = AnswerMeta::read(status, response.headers()).redirect {
                let refusal = TokenRefusal::Other(format!("with a redirect to {target}"));
                return Err(TokenError {
                    status,
                    refusal: Some(refusal),
                    retry_after,
                });
            }
            Token::read(status, response.body(), retry_after)
        };
        let read = self.secrets.guard(response, read);
        read.map_err(|error: TokenError| {
            // Removing characters from a code can produce a secret that was not there before.
            let mut kind = ErrorKind::from(error);
            self.secrets.mask_error(&mut kind);
            Error::new(kind, attempts)
        })
    }

    /// Sends a request to the token endpoint. It is idempotent: fetching a second token is harmless.
    async fn ask(
        &self,
        request: Request<Bytes>,
        cache: Option<&mut CacheAccess>,
    ) -> Result<(Fetched, Attempts), Error> {
        let (mut parts, form) = request.into_parts();
        let what = "the URL of the token endpoint";
        parts.uri = self.resolve(parts.uri.path(), what)?;
        parts.headers.insert(USER_AGENT, self.user_agent.clone());
        let total = Some(self.calls.total_timeout);
        let mut timer = Timer::new(self.settings.read_timeout, total);
        let mut request = TokenRequest {
            shared: self,
            parts,
            form,
            cache,
            attempted: false,
        };
        let retries = self.retries(&self.calls, true);
        retries.run(&mut request, &mut timer).await
    }
}

/// Only the session of a service account requests tokens.
const NO_SERVICE_ACCOUNT: ErrorKind = ErrorKind::Unsendable {
    what: "a token request without a service account",
};
