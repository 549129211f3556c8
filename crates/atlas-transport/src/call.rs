//! One call: sent as often as authentication and the retry policy ask for.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::{AnswerMeta, ApiError, RateLimit};
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use http::{Request, Response, StatusCode, request};
use http_body_util::Full;

use crate::auth::{Auth, TokenCache, TokenKey, Verdict};
use crate::base_url::{BaseUrl, without_user};
use crate::body;
use crate::builder::Settings;
use crate::error::{Attempt, Attempts, Error, ErrorKind, Phase, asked_wait};
use crate::pace::Pace;
use crate::retry::{Decision, Drawn, Outcome, RetryBudget};
use crate::secrets::Secrets;
use crate::sync::Mutex;
use crate::timer::Timer;
use crate::transport::{self, Incoming, Transport, Transports};

/// What the clones of a client share.
pub(crate) struct Shared {
    pub(crate) base: BaseUrl,
    pub(crate) auth: Arc<Auth>,
    pub(crate) transports: Transports,
    pub(crate) settings: Settings,
    pub(crate) user_agent: HeaderValue,
    pub(crate) cache: Option<(Arc<dyn TokenCache>, TokenKey)>,
    pub(crate) budget: Mutex<RetryBudget>,
    pub(crate) pace: Mutex<Pace>,
    pub(crate) secrets: Secrets,
}

/// Why an attempt failed, and the status that had come by then.
pub(crate) struct Failed {
    kind: ErrorKind,
    status: Option<StatusCode>,
}

impl From<ErrorKind> for Failed {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, status: None }
    }
}

impl Shared {
    /// Carries a request in origin form to an answer, whatever its status.
    pub(crate) async fn call(
        self: &Arc<Self>,
        request: Request<Bytes>,
        idempotent: bool,
    ) -> Result<Response<Bytes>, Error> {
        self.call_for(request, idempotent, None).await
    }

    /// The same, with the body of a successful answer left to be read in `streamed`.
    pub(crate) async fn call_for(
        self: &Arc<Self>,
        request: Request<Bytes>,
        idempotent: bool,
        mut streamed: Option<&mut Option<Incoming>>,
    ) -> Result<Response<Bytes>, Error> {
        let settings = &self.settings;
        let (mut parts, payload) = request.into_parts();
        let target = parts.uri.into_parts().path_and_query;
        let target = target.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
        parts.uri = self
            .base
            .resolve_path(target)
            .map_err(|_| ErrorKind::Unsendable {
                what: "the request target",
            })?;
        // What is streamed is given as it is.
        if streamed.is_none() {
            parts
                .headers
                .insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let idempotent = idempotent || parts.method.is_idempotent();
        let mut timer = Timer::new(settings.read_timeout, Some(settings.total_timeout));
        let mut retries = Retries::new(idempotent);
        loop {
            let streamed = streamed.as_deref_mut();
            let ended = self
                .authenticated(&parts, &payload, &mut timer, streamed)
                .await;
            if let Some(end) = retries.after(self, ended, &mut timer).await {
                return end;
            }
        }
    }

    /// Sends a request as often as authentication asks for.
    async fn authenticated(
        self: &Arc<Self>,
        parts: &request::Parts,
        payload: &Bytes,
        timer: &mut Timer,
        mut streamed: Option<&mut Option<Incoming>>,
    ) -> Result<Response<Bytes>, Failed> {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let method = parts.method.as_str();
        let mut attempt = 1;
        loop {
            let turn = self.pace.lock().reserve(tokio::time::Instant::now());
            if let Some(turn) = turn {
                timer.pause_until(turn).await?;
            }
            let prepared = self
                .auth
                .prepare(method, target, |duty| self.start_fetch(duty));
            let prepared = timer.wait_for_others(prepared).await??;
            let mut parts = parts.clone();
            if let Some(authorization) = prepared.authorization.clone() {
                parts.headers.insert(AUTHORIZATION, authorization);
            }
            let response = self.once(parts, payload.clone(), timer).await?;
            let status = response.status();
            let verdict = prepared.observe(attempt, status, response.headers());
            tracing::debug!(
                %method,
                path = target.split('?').next(),
                attempt,
                status = status.as_u16(),
                ?verdict,
                "answered"
            );
            if let (Some(streamed), true) = (streamed.as_deref_mut(), status.is_success()) {
                let (head, body) = response.into_parts();
                *streamed = Some(body);
                return Ok(Response::from_parts(head, Bytes::new()));
            }
            let collected = self.collect(response, timer).await;
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
                // The connection can be used again once its answer has been read; if it cannot
                // be read, another connection will do.
                Verdict::Retry => attempt += 1,
            }
        }
    }

    /// Sends one request and waits for the head of its answer.
    pub(crate) async fn once(
        &self,
        parts: request::Parts,
        payload: Bytes,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, ErrorKind> {
        self.once_by(&*self.transports.calls, parts, payload, timer)
            .await
    }

    /// The same for a file.
    pub(crate) async fn once_for_a_file(
        &self,
        parts: request::Parts,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, ErrorKind> {
        self.once_by(&*self.transports.files, parts, Bytes::new(), timer)
            .await
    }

    async fn once_by(
        &self,
        transport: &dyn Transport,
        mut parts: request::Parts,
        payload: Bytes,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, ErrorKind> {
        parts.headers.insert(USER_AGENT, self.user_agent.clone());
        parts.uri = without_user(parts.uri);
        let host = parts.uri.authority().cloned();
        let request = Request::from_parts(parts, Full::new(payload));
        let answered = timer.wait(Phase::Head, transport.send(request)).await?;
        let response = answered.map_err(|source| {
            transport::classify(host.as_ref().map_or("", |host| host.as_str()), source)
        })?;
        let headers = response.headers();
        if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
            // Two peers can disagree about where such an answer ends (RFC 9112 section 6.3).
            return Err(ErrorKind::Malformed {
                source: "both Transfer-Encoding and Content-Length".into(),
            });
        }
        Ok(response)
    }

    /// Reads the whole answer.
    pub(crate) async fn collect(
        &self,
        response: Response<Incoming>,
        timer: &mut Timer,
    ) -> Result<Response<Bytes>, ErrorKind> {
        let (head, body) = response.into_parts();
        let limit = self.settings.response_limit;
        let body = body::collect(&head.headers, body, limit, timer).await?;
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

/// The attempts of one call.
pub(crate) struct Retries {
    idempotent: bool,
    attempts: Attempts,
    /// How many of them a rate limit was waited out for.
    waited_out: usize,
    drawn: Option<Drawn>,
}

impl Retries {
    pub(crate) fn new(idempotent: bool) -> Self {
        Self {
            idempotent,
            attempts: Attempts::default(),
            waited_out: 0,
            drawn: None,
        }
    }

    /// Waits out a rate limit, which counts as none of the policy's attempts.
    pub(crate) async fn wait_out(
        &mut self,
        delay: Duration,
        timer: &mut Timer,
    ) -> Result<(), Error> {
        tracing::info!(?delay, "rate limited; trying again");
        let outcome = Outcome::Answered {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(delay),
        };
        self.attempts.0.push(Attempt { outcome, delay });
        self.waited_out += 1;
        let paused = timer.pause(delay).await;
        paused.map_err(|kind| Error::new(kind, std::mem::take(&mut self.attempts)))
    }

    /// Takes how an attempt ended: waits and gives `None` if there is to be another, or gives
    /// what the call comes to.
    pub(crate) async fn after(
        &mut self,
        shared: &Shared,
        mut ended: Result<Response<Bytes>, Failed>,
        timer: &mut Timer,
    ) -> Option<Result<Response<Bytes>, Error>> {
        match &mut ended {
            Ok(response) if !response.status().is_success() => {
                shared.secrets.mask_response(response);
            }
            Ok(_) => {}
            Err(failed) => shared.secrets.mask_error(&mut failed.kind),
        }
        let attempt = self.attempts.0.len() + 1 - self.waited_out;
        let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        let outcome = match &ended {
            Ok(response) => answered(response),
            Err(failed) => failed.kind.outcome(),
        };
        let random = fastrand::f64();
        let policy = &shared.settings.retry;
        let Decision::Retry(delay) = policy.decide(attempt, self.idempotent, &outcome, random)
        else {
            return Some(self.end(shared, ended));
        };
        if timer.left().is_some_and(|left| left <= delay) {
            tracing::info!(attempt, %outcome, ?delay, "no time left to try again");
            return Some(self.end(shared, ended));
        }
        let Some(drawn) = shared.budget.lock().draw(&outcome) else {
            tracing::info!(attempt, %outcome, "the retry budget is spent");
            return Some(self.end(shared, ended));
        };
        self.drawn = Some(drawn);
        let reason = ended
            .err()
            .map_or_else(|| outcome.to_string(), |failed| failed.kind.to_string());
        tracing::info!(attempt, reason, ?delay, "trying again");
        self.attempts.0.push(Attempt { outcome, delay });
        timer.pause(delay).await.err().map(|kind| {
            let attempts = std::mem::take(&mut self.attempts);
            Err(Error::new(kind, attempts))
        })
    }

    /// What the call comes to, with nothing sent again.
    pub(crate) fn end(
        &mut self,
        shared: &Shared,
        ended: Result<Response<Bytes>, Failed>,
    ) -> Result<Response<Bytes>, Error> {
        let attempts = std::mem::take(&mut self.attempts);
        match ended {
            Ok(mut response) => {
                if response.status().is_success() {
                    shared.budget.lock().succeeded(self.drawn);
                }
                if !attempts.0.is_empty() {
                    response.extensions_mut().insert(attempts);
                }
                Ok(response)
            }
            Err(Failed { kind, status }) => {
                let refused = status.is_some_and(|status| status.is_client_error());
                let known = self.idempotent || refused || !kind.may_have_been_sent();
                let kind = if known {
                    kind
                } else {
                    ErrorKind::OutcomeUnknown {
                        status,
                        source: Box::new(kind),
                    }
                };
                Err(Error::new(kind, attempts))
            }
        }
    }
}

/// How an attempt ended that was answered.
fn answered(response: &Response<Bytes>) -> Outcome {
    Outcome::Answered {
        status: response.status(),
        retry_after: retry_after(response),
    }
}

/// The wait that a 429 or 503 asks for: by its header, or by the numbers in Atlas's own body.
pub(crate) fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let busy = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    if !busy.contains(&response.status()) {
        return None;
    }
    let meta = AnswerMeta::read(response.status(), response.headers());
    if meta.retry_after.is_some() {
        return asked_wait(&meta);
    }
    Some(ApiError::read(response.body())?.throttle()?.wait)
}
