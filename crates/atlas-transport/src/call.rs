//! Sends one call, with the authentication that it needs.

use std::sync::Arc;

use atlas_model::RateLimit;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{Request, Response, request};
use http_body_util::Full;
use tokio::runtime::Handle;

use crate::auth::{TokenCache, TokenKey, Verdict};
use crate::authenticator::Authenticator;
use crate::base_url::BaseUrl;
use crate::body;
use crate::error::{Attempts, Error, ErrorKind, Phase};
use crate::pace::Pace;
use crate::retry::RetryBudget;
use crate::retry_loop::{Exchange, Failed, Retries};
use crate::secrets::Secrets;
use crate::settings::{CallSettings, Settings};
use crate::sync::Mutex;
use crate::timer::Timer;
use crate::transport::{self, Incoming, Transport, Transports};

/// The state that the clones of a client share.
pub(crate) struct Shared {
    pub(crate) base: BaseUrl,
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) transports: Transports,
    pub(crate) settings: Settings,
    /// The initial settings of a clone; token requests use these.
    pub(crate) calls: CallSettings,
    pub(crate) user_agent: HeaderValue,
    pub(crate) cache: Option<(Arc<dyn TokenCache>, TokenKey)>,
    pub(crate) budget: Mutex<RetryBudget>,
    pub(crate) pace: Mutex<Pace>,
    pub(crate) secrets: Secrets,
}

/// Builds the request of a call, its target in origin form: once for each time that it is sent.
///
/// Building it again is rare, and costs less than cloning every request.
pub(crate) type Requests<'a> = dyn FnMut() -> Result<Request<Bytes>, ErrorKind> + Send + 'a;

impl Shared {
    /// Sends a call and collects the response, whatever its status.
    pub(crate) async fn call(
        self: &Arc<Self>,
        requests: &mut Requests<'_>,
        settings: &CallSettings,
    ) -> Result<Response<Bytes>, Error> {
        let mut call = AuthenticatedCall {
            shared: self,
            next: None,
            requests,
            streamed: None,
        };
        self.run(&mut call, settings).await
    }

    /// Does the same, but leaves the body of a successful response to be streamed.
    #[cfg(feature = "catalog")]
    pub(crate) async fn call_to_stream(
        self: &Arc<Self>,
        requests: &mut Requests<'_>,
        settings: &CallSettings,
    ) -> Result<(Response<Bytes>, Option<Incoming>), Error> {
        let mut streamed = None;
        let mut call = AuthenticatedCall {
            shared: self,
            next: None,
            requests,
            streamed: Some(&mut streamed),
        };
        let response = self.run(&mut call, settings).await?;
        Ok((response, streamed))
    }

    async fn run(
        &self,
        call: &mut AuthenticatedCall<'_>,
        settings: &CallSettings,
    ) -> Result<Response<Bytes>, Error> {
        in_runtime()?;
        let request = call.request()?;
        let idempotent = settings.idempotent || request.method().is_idempotent();
        call.next = Some(request);
        let mut timer = Timer::new(self.settings.read_timeout, Some(settings.total_timeout));
        let retries = self.retries(settings, idempotent);
        let ran = retries.run(call, &mut timer).await;
        let (mut response, attempts) = ran.map_err(|error| error.of_request(|| call.request()))?;
        if !attempts.0.is_empty() {
            response.extensions_mut().insert::<Attempts>(attempts);
        }
        Ok(response)
    }

    /// Returns the settings for the retries of an exchange.
    pub(crate) fn retries<'a>(
        &'a self,
        settings: &'a CallSettings,
        idempotent: bool,
    ) -> Retries<'a> {
        Retries {
            policy: &settings.retry,
            budget: &self.budget,
            secrets: &self.secrets,
            idempotent,
        }
    }

    /// Waits for a turn if calls are spread out to stay under a rate limit. If the turn comes after the
    /// call's deadline, the request is sent at once and the server decides.
    #[inline]
    async fn wait_for_turn(&self, timer: &mut Timer) -> Result<(), ErrorKind> {
        let turn = {
            let mut pace = self.pace.lock();
            let now = pace.is_slow().then(tokio::time::Instant::now);
            let turn = now.and_then(|now| Some((pace.reserve(now)?, now)));
            let Some((at, now)) = turn else {
                return Ok(());
            };
            if timer.left().is_some_and(|left| left <= at - now) {
                pace.give_back();
                return Ok(());
            }
            at
        };
        // If the call is dropped or times out, its turn is returned.
        let mut unused = Unused(Some(&self.pace));
        timer.pause_until(turn).await?;
        unused.0 = None;
        Ok(())
    }

    /// Sends one request to a host and waits for the head of its response.
    pub(crate) async fn once(
        &self,
        transport: &Transport,
        host: &str,
        mut request: Request<Full<Bytes>>,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, ErrorKind> {
        // If the wait may time out before there is a connection, nothing was sent.
        let connecting = (timer.next_limit() <= self.settings.connect_timeout)
            .then(|| transport.capture(&mut request));
        let response = match timer.wait(Phase::Head, transport.send(request)).await {
            Ok(response) => response.map_err(|source| transport::classify(host, source))?,
            Err(ErrorKind::Timeout { limit, .. })
                if connecting.flatten().is_some_and(|it| !it.is_connected()) =>
            {
                return Err(ErrorKind::Connect {
                    host: host.to_owned(),
                    source: transport::not_within(limit),
                });
            }
            Err(kind) => return Err(kind),
        };
        let headers = response.headers();
        if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
            // Two peers can disagree about where such a response ends (RFC 9112 section 6.3).
            return Err(ErrorKind::Malformed {
                source: "both Transfer-Encoding and Content-Length".into(),
            });
        }
        Ok(response)
    }

    /// Reads the whole response.
    pub(crate) async fn collect(
        &self,
        response: Response<Incoming>,
        timer: &mut Timer,
    ) -> Result<Response<Bytes>, ErrorKind> {
        let (head, body) = response.into_parts();
        let limit = self.settings.response_limit;
        let body = body::collect(&head.headers, body, limit, timer).await?;
        body::check_values(&body)?;
        if let Some(rate) = RateLimit::read(&head.headers) {
            let now = tokio::time::Instant::now();
            self.pace.lock().observe(rate, now);
        }
        Ok(Response::from_parts(head, body))
    }

    pub(crate) fn resolve(&self, target: &str, what: &'static str) -> Result<http::Uri, ErrorKind> {
        self.base
            .resolve(target)
            .map_err(|_| ErrorKind::Unsendable { what })
    }
}

/// Returns an error outside of a Tokio runtime, where Tokio's timers would panic.
pub(crate) fn in_runtime() -> Result<(), ErrorKind> {
    Handle::try_current()
        .map(drop)
        .map_err(|_| ErrorKind::OutsideRuntime)
}

/// Copies a request that may be sent more than once.
pub(crate) fn again(parts: &request::Parts, payload: &Bytes) -> Request<Full<Bytes>> {
    Request::from_parts(parts.clone(), Full::new(payload.clone()))
}

/// A turn that is returned on drop unless it was used.
struct Unused<'a>(Option<&'a Mutex<Pace>>);

impl Drop for Unused<'_> {
    fn drop(&mut self) {
        if let Some(pace) = self.0 {
            pace.lock().give_back();
        }
    }
}

/// A call of the API, with its authentication.
struct AuthenticatedCall<'a> {
    shared: &'a Arc<Shared>,
    /// The request built for the next attempt.
    next: Option<Request<Full<Bytes>>>,
    requests: &'a mut Requests<'a>,
    /// Receives the body of a success, if it is to be streamed.
    streamed: Option<&'a mut Option<Incoming>>,
}

impl AuthenticatedCall<'_> {
    /// Builds the request, with the headers of every call.
    fn request(&mut self) -> Result<Request<Full<Bytes>>, ErrorKind> {
        let (mut parts, payload) = (self.requests)()?.into_parts();
        let target = parts.uri.into_parts().path_and_query;
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let what = "the request target";
        parts.uri = self
            .shared
            .base
            .resolve_path(target)
            .map_err(|_| ErrorKind::Unsendable { what })?;
        let user_agent = self.shared.user_agent.clone();
        parts.headers.insert(USER_AGENT, user_agent);
        if self.streamed.is_none() {
            // A streamed body is passed on unchanged.
            let gzip = HeaderValue::from_static("gzip");
            parts.headers.insert(ACCEPT_ENCODING, gzip);
        }
        Ok(Request::from_parts(parts, Full::new(payload)))
    }
}

impl Exchange for AuthenticatedCall<'_> {
    type Response = Response<Bytes>;

    /// Sends the request, and repeats it as authentication requires.
    async fn attempt(&mut self, timer: &mut Timer) -> Result<Response<Bytes>, Failed> {
        let shared = self.shared;
        let mut attempt = 1;
        loop {
            let mut request = match self.next.take() {
                Some(request) => request,
                None => self.request()?,
            };
            shared.wait_for_turn(timer).await?;
            let target = request.uri().path_and_query();
            let target = target.map_or("/", PathAndQuery::as_str);
            let prepared = shared
                .auth
                .prepare(request.method().as_str(), target, |duty| {
                    shared.start_fetch(duty);
                });
            let prepared = timer.wait_for_others(prepared).await??;
            let sent = tracing::enabled!(tracing::Level::DEBUG)
                .then(|| (request.method().clone(), request.uri().path().to_owned()));
            if let Some(authorization) = prepared.authorization.clone() {
                request.headers_mut().insert(AUTHORIZATION, authorization);
            }
            let transport = &shared.transports.calls;
            let host = shared.base.authority();
            let response = shared.once(transport, host, request, timer).await?;
            let status = response.status();
            let verdict = prepared.observe(attempt, status, response.headers());
            if let Some((method, path)) = sent {
                let status = status.as_u16();
                tracing::debug!(%method, path, attempt, status, ?verdict, "answered");
            }
            if let (Some(streamed), true) = (&mut self.streamed, status.is_success()) {
                let (head, body) = response.into_parts();
                **streamed = Some(body);
                return Ok(Response::from_parts(head, Bytes::new()));
            }
            let collected = shared.collect(response, timer).await;
            match verdict {
                Verdict::Done | Verdict::Refused => {
                    return collected.map_err(|kind| Failed {
                        kind,
                        status: Some(status),
                    });
                }
                Verdict::Unanswerable(problem) => {
                    return Err(ErrorKind::Challenge { problem }.into());
                }
                // The connection is reusable once its response has been read; if reading fails, the
                // next request uses another connection.
                Verdict::Retry => attempt += 1,
            }
        }
    }
}
