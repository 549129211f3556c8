//! Requests to the token endpoint, for the calls that need its tokens.

use std::sync::Arc;
use std::time::SystemTime;

use atlas_model::AnswerMeta;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, request};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::{CachedToken, Token, TokenError, TokenRefusal};
use crate::authenticator::Fetching;
use crate::call::{Shared, again};
use crate::error::{Error, ErrorKind};
use crate::retry_loop::{Exchange, Failed};
use crate::timer::Timer;

impl Shared {
    /// Has a token fetched beside the calls, so that a dropped call does not lose it.
    pub(crate) fn start_fetch(self: &Arc<Self>, duty: Fetching) {
        let shared = self.clone();
        tokio::spawn(async move {
            let token = shared.token(&duty).await;
            duty.end(token);
        });
    }

    /// A token, from the cache or the endpoint.
    async fn token(&self, duty: &Fetching) -> Result<Token, Error> {
        if let Some((cache, key)) = &self.cache {
            let cached = cache.load(key);
            let fresh = cached.and_then(|cached| cached.fresh(SystemTime::now()));
            let refused = duty.refused();
            let known = |token: &Token, refused: &SecretString| {
                token.access_token.expose_secret() == refused.expose_secret()
            };
            let usable = fresh.filter(|token| {
                !refused
                    .as_ref()
                    .is_some_and(|refused| known(token, refused))
            });
            if let Some(token) = usable {
                self.secrets.remember(&token.access_token);
                tracing::debug!("a token was kept from earlier");
                return Ok(token);
            }
        }
        let form = Bytes::from_static(b"grant_type=client_credentials");
        let response = self.token_request("/api/oauth/token", form).await?;
        let token = self.read_token(response).map_err(ErrorKind::from)?;
        self.secrets.remember(&token.access_token);
        if let Some((cache, key)) = &self.cache {
            cache.store(key, &CachedToken::new(&token, SystemTime::now()));
        }
        Ok(token)
    }

    /// Takes the access token back (RFC 7009), here, in the cache and at the endpoint.
    pub(crate) async fn revoke(&self) -> Result<(), Error> {
        let mut tokens = Vec::from_iter(self.auth.drop_token());
        if let Some((cache, key)) = &self.cache {
            let cached = cache.load(key);
            tokens.extend(cached.map(|cached| cached.access_token));
            cache.remove(key);
        }
        tokens.dedup_by(|one, other| one.expose_secret() == other.expose_secret());
        for token in tokens {
            self.secrets.remember(&token);
            let token: String = form_urlencode(token.expose_secret());
            let form = format!("token={token}&token_type_hint=access_token");
            let response = self.token_request("/api/oauth/revoke", form.into()).await?;
            if !response.status().is_success() {
                self.read_token(response).map_err(ErrorKind::from)?;
            }
        }
        Ok(())
    }

    fn read_token(&self, response: Response<Bytes>) -> Result<Token, TokenError> {
        let read = |response: &Response<Bytes>| {
            let status = response.status();
            if let Some(target) = AnswerMeta::read(status, response.headers()).redirect {
                let refusal = TokenRefusal::Other(format!("with a redirect to {target}"));
                let refusal = Some(refusal);
                return Err(TokenError { status, refusal });
            }
            Token::read(status, response.body())
        };
        self.secrets.guard(response, read)
    }

    /// Sends a form to the token endpoint. Two tokens do no harm, so it can be repeated.
    async fn token_request(&self, path: &str, form: Bytes) -> Result<Response<Bytes>, Error> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = self.resolve(path, "the token endpoint's address")?;
        let headers = &mut parts.headers;
        if let Some(basic) = self.auth.token_authorization() {
            headers.insert(AUTHORIZATION, basic);
        }
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let settings = &self.calls;
        let mut timer = Timer::new(self.settings.read_timeout, Some(settings.total_timeout));
        let mut request = TokenRequest {
            shared: self,
            parts,
            form,
        };
        let retries = self.retries(settings, true);
        let (response, _) = retries.run(&mut request, &mut timer).await?;
        Ok(response)
    }
}

/// A request to the token endpoint.
struct TokenRequest<'a> {
    shared: &'a Shared,
    parts: request::Parts,
    form: Bytes,
}

impl Exchange for TokenRequest<'_> {
    type Response = Response<Bytes>;

    async fn attempt(&mut self, timer: &mut Timer) -> Result<Response<Bytes>, Failed> {
        let request = again(&self.parts, &self.form);
        let transport = &self.shared.transports.calls;
        let response = self.shared.once(transport, request, timer).await?;
        let response = self.shared.collect(response, timer).await?;
        let status = response.status().as_u16();
        tracing::debug!(status, "token endpoint answered");
        Ok(response)
    }
}

fn form_urlencode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
