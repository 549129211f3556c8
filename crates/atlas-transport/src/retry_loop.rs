//! The retry loop of calls, token requests and the opening of files.

use std::future::Future;
use std::time::Duration;

use atlas_model::{AnswerMeta, ApiError, error_line};
use bytes::Bytes;
use http::{Response, StatusCode};

use crate::error::{Attempt, Attempts, Error, ErrorKind, asked_wait};
use crate::retry::{Decision, Drawn, Outcome, RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::sync::Mutex;
use crate::timer::Timer;

/// A request that can be sent more than once.
pub(crate) trait Exchange: Send {
    /// The result of a successful attempt.
    type Response: Answered + Send;

    /// Sends it once, with the requests that authentication needs.
    fn attempt(
        &mut self,
        timer: &mut Timer,
    ) -> impl Future<Output = Result<Self::Response, Failed>> + Send;

    /// Returns a wait that the response requests and that does not count as an attempt of the policy.
    fn waits_out(&self, _: &Self::Response) -> Option<Duration> {
        None
    }
}

/// A response, as seen by the retry policy.
pub(crate) trait Answered {
    fn status(&self) -> StatusCode;

    /// Returns the wait that a 429 or 503 requests.
    fn retry_after(&self) -> Option<Duration>;

    /// Masks secrets that the server repeats.
    fn mask(&mut self, secrets: &Secrets);
}

/// The failure of an attempt, with the status if it was received.
pub(crate) struct Failed {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<StatusCode>,
}

impl From<ErrorKind> for Failed {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, status: None }
    }
}

/// The parameters for the retries of one exchange.
pub(crate) struct Retries<'a> {
    pub(crate) policy: &'a RetryPolicy,
    pub(crate) budget: &'a Mutex<RetryBudget>,
    pub(crate) secrets: &'a Secrets,
    /// Whether repeating the request is safe.
    pub(crate) idempotent: bool,
}

impl Retries<'_> {
    /// Sends a request until its outcome is final. Returns it with the earlier attempts.
    pub(crate) async fn run<E: Exchange>(
        &self,
        exchange: &mut E,
        timer: &mut Timer,
    ) -> Result<(E::Response, Attempts), Error> {
        let mut attempts = Attempts::default();
        let mut drawn = None;
        let mut waited_out = 0;
        loop {
            let mut ended = exchange.attempt(timer).await;
            let outcome = match &mut ended {
                Ok(response) if response.status().is_success() => {
                    self.budget.lock().succeeded(drawn);
                    return self.end(ended, attempts);
                }
                Ok(response) => {
                    response.mask(self.secrets);
                    Outcome::Answered {
                        status: response.status(),
                        retry_after: response.retry_after(),
                    }
                }
                Err(failed) => {
                    self.secrets.mask_error(&mut failed.kind);
                    failed.kind.outcome()
                }
            };
            let waits_out = ended
                .as_ref()
                .ok()
                .and_then(|response| exchange.waits_out(response));
            let attempt = attempts.0.len() + 1 - waited_out;
            let delay = match waits_out.filter(|_| self.policy.max_attempts > 1) {
                Some(asked) => {
                    waited_out += 1;
                    // A wait that would outlast the call is not started.
                    let lasts = timer.left().is_none_or(|left| asked < left);
                    lasts.then(|| asked.min(self.policy.retry_after_cap))
                }
                None => self.delay(attempt, &outcome, timer).map(|(delay, draw)| {
                    drawn = Some(draw);
                    delay
                }),
            };
            let Some(delay) = delay else {
                return self.end(ended, attempts);
            };
            let reason = ended
                .err()
                .map_or_else(|| outcome.to_string(), |failed| error_line(&failed.kind));
            tracing::info!(attempt = attempts.0.len() + 1, reason, ?delay, "retrying");
            attempts.0.push(Attempt { outcome, delay });
            if let Err(kind) = timer.pause(delay).await {
                return Err(Error::new(kind, attempts));
            }
        }
    }

    /// Returns the wait before the next attempt; `None` if the outcome is final.
    fn delay(&self, attempt: usize, outcome: &Outcome, timer: &Timer) -> Option<(Duration, Drawn)> {
        let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        let random = fastrand::f64();
        let decision = self
            .policy
            .decide(attempt, self.idempotent, outcome, random);
        let Decision::Retry(delay) = decision else {
            return None;
        };
        if timer.left().is_some_and(|left| left <= delay) {
            tracing::info!(attempt, %outcome, ?delay, "no time left for a retry");
            return None;
        }
        let drawn = self.budget.lock().draw(outcome);
        if drawn.is_none() {
            tracing::info!(attempt, %outcome, "the retry budget is used up");
        }
        Some((delay, drawn?))
    }

    fn end<T>(&self, ended: Result<T, Failed>, attempts: Attempts) -> Result<(T, Attempts), Error> {
        let Failed { kind, status } = match ended {
            Ok(response) => return Ok((response, attempts)),
            Err(failed) => failed,
        };
        let refused = status.is_some_and(|status| status.is_client_error());
        let known = self.idempotent || refused || !kind.may_have_been_sent();
        let kind = if known {
            kind
        } else {
            ErrorKind::OutcomeUnknown {
                request: None,
                status,
                source: Box::new(kind),
            }
        };
        Err(Error::new(kind, attempts))
    }
}

impl Answered for Response<Bytes> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    /// From the header, or from the numbers in Atlas's own body.
    fn retry_after(&self) -> Option<Duration> {
        let busy = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        if !busy.contains(&self.status()) {
            return None;
        }
        let meta = AnswerMeta::read(self.status(), self.headers());
        if meta.retry_after.is_some() {
            return asked_wait(&meta);
        }
        Some(ApiError::read(self.body())?.throttle()?.wait)
    }

    fn mask(&mut self, secrets: &Secrets) {
        secrets.mask_response(self);
    }
}
