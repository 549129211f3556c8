//! Retry policy and retry budget: pure functions of their arguments, without a clock, socket or random
//! numbers.
//!
//! # Transient failures
//!
//! Only a transient failure is retried: one that may go away by itself. The table below applies to calls,
//! token requests and downloads, and to the waits and object stores of `atlas-backup`.
//! [`Error::is_transient`](crate::Error::is_transient) returns it for an error.
//!
//! | failure | transient | why |
//! | --- | --- | --- |
//! | refused, reset, unreachable, timed out | yes | servers restart, networks recover |
//! | a host name that is not found | yes | resolvers report this while a network comes up, and the system's interface does not distinguish "no such host" from "no resolver" |
//! | an untrusted certificate, a failed TLS negotiation | no | the same peer fails the same way until its setup changes |
//! | a proxy's 407, 403 and other 4xx, except 408 and 429 | no | repeated wrong passwords can lock an account |
//! | a SOCKS proxy's refused login, and its replies "not allowed" and "not supported" | no | the same |
//! | a SOCKS proxy's replies for a host that is unreachable or refuses, and "general failure" | yes | as without a proxy |
//! | a proxy that uses another protocol than its setting | no | the setting is wrong |
//! | an invalid proxy, certificate or key setting | no | the setting is wrong |
//! | 408, 429, 5xx | yes | by their definition |
//! | 501, 505, 511 | no | not implemented, not supported, log in first |
//! | any other status | no | it is the result |
//! | a response that is malformed, too large or badly compressed | no | a repeated response is the same |

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::transient::is_transient_status;

/// Decides whether and when a call is retried.
///
/// This depends on the outcome of the last attempt, and on whether repeating the request is safe.
/// `GET`, `HEAD`, `PUT`, `DELETE` and `OPTIONS` are idempotent (RFC 9110 section
/// 9.2.2); a `POST` or `PATCH` counts as idempotent only through [`Client::assume_idempotent`](crate::Client::assume_idempotent).
///
/// | the attempt ended with | idempotent | a `POST` or `PATCH` |
/// | --- | --- | --- |
/// | nothing sent, or not processed according to the peer | retried | retried |
/// | 429; 503 with `Retry-After` | retried | retried |
/// | 408; 5xx, except 501, 505 and 511 | retried | the call ends with this response |
/// | no complete response | retried | [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) |
/// | anything else | the call ends with this response | the same |
/// | an untrusted certificate, a refusing proxy | the call ends with this error | the same |
///
/// The last rows are the failures that are not transient by
/// [`Error::is_transient`](crate::Error::is_transient).
///
/// The wait before attempt n + 1 is random between zero and the smaller of `max_delay` and
/// `base_delay` · 2ⁿ⁻¹ ("full jitter"). A `Retry-After` replaces it, up to `retry_after_cap`: the next
/// attempt may then come earlier than the server requested. If a wait would exceed the call's total
/// time, the call ends at once with the last outcome.
///
/// ```
/// use std::time::Duration;
///
/// use atlas_transport::retry::{Decision, Outcome, RetryPolicy};
/// use http::{Method, StatusCode};
///
/// let policy = RetryPolicy::default();
/// let busy = Outcome::Answered {
///     status: StatusCode::SERVICE_UNAVAILABLE,
///     retry_after: Some(Duration::from_secs(2)),
/// };
/// let again = policy.decide(1, Method::POST.is_idempotent(), &busy, 0.5);
/// assert_eq!(again, Decision::Retry(Duration::from_secs(2)));
/// assert_eq!(policy.decide(1, false, &Outcome::NoResponse, 0.5), Decision::Stop);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The maximum number of attempts of a call, the first one included; 3 by default, and 1 disables
    /// retries. Requests for authentication do not count.
    pub max_attempts: u32,
    /// The upper bound of the first wait; 1 s by default.
    pub base_delay: Duration,
    /// The upper bound of a wait that the server did not request; 20 s by default.
    pub max_delay: Duration,
    /// The upper bound of a wait that the server requests; 60 s by default, the time in which
    /// Atlas's rate limits refill.
    pub retry_after_cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(20),
            retry_after_cap: Duration::from_secs(60),
        }
    }
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was sent, or the peer states that it did not process the request.
    NotSent,
    /// The request may have arrived, but no complete response was received.
    NoResponse,
    /// An invalid response, or no connection, with the same result expected from a retry.
    InvalidResponse,
    /// A response was received.
    Answered {
        /// Its status.
        status: StatusCode,
        /// The wait that the server requests.
        retry_after: Option<Duration>,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent => f.write_str("not sent"),
            Self::NoResponse => f.write_str("no response"),
            Self::InvalidResponse => f.write_str("invalid response"),
            Self::Answered { status, .. } => write!(f, "{}", status.as_u16()),
        }
    }
}

/// The decision after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// End with the last outcome.
    Stop,
    /// Send the request again after a wait.
    Retry(Duration),
}

impl RetryPolicy {
    /// Returns a policy without retries.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// Sets the maximum number of attempts of a call, the first one included.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the upper bound of the first wait.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets the upper bound of a wait that the server did not request.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the upper bound of a wait that the server requests.
    #[must_use]
    pub fn retry_after_cap(mut self, wait: Duration) -> Self {
        self.retry_after_cap = wait;
        self
    }

    /// Decides what to do after attempt number `attempt`, the first being 1. `random` is clamped to 0..1
    /// and scales the wait.
    pub fn decide(
        &self,
        attempt: u32,
        idempotent: bool,
        outcome: &Outcome,
        random: f64,
    ) -> Decision {
        let asked = match outcome {
            Outcome::Answered { retry_after, .. } => *retry_after,
            _ => None,
        };
        let again = match outcome {
            Outcome::NotSent => true,
            Outcome::NoResponse => idempotent,
            Outcome::InvalidResponse => false,
            Outcome::Answered { status, .. } => match status.as_u16() {
                429 => true,
                503 => idempotent || asked.is_some(),
                _ => idempotent && is_transient_status(*status),
            },
        };
        if !again || attempt >= self.max_attempts {
            return Decision::Stop;
        }
        if let Some(asked) = asked {
            return Decision::Retry(asked.min(self.retry_after_cap));
        }
        let doubled = 1_u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = self.base_delay.saturating_mul(doubled).min(self.max_delay);
        Decision::Retry(part_of(bound, random))
    }
}

/// Returns a part of a wait. `Duration::mul_f64` would panic if a rounded product does not fit.
fn part_of(bound: Duration, part: f64) -> Duration {
    let seconds = bound.as_secs_f64() * part.clamp(0.0, 1.0);
    if seconds.is_nan() {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(seconds).map_or(bound, |wait| wait.min(bound))
}

/// The budget of a client for retries, over all its calls.
///
/// A retry takes 14 from a bucket of 500, or 5 after a 429. A call that succeeds at the first attempt
/// adds 1, and one that succeeds after a retry adds the cost of its last retry. With an empty bucket
/// nothing is retried, so that an overloaded server does not receive three times the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    left: u32,
}

impl RetryBudget {
    /// The content of a full bucket.
    pub const CAPACITY: u32 = 500;
    const RETRY: u32 = 14;
    const THROTTLED: u32 = 5;

    /// Returns a full budget.
    pub fn new() -> Self {
        Self {
            left: Self::CAPACITY,
        }
    }

    /// Returns the remaining content.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// Takes the cost of one retry after `outcome`; `None` if too little is left.
    pub fn draw(&mut self, outcome: &Outcome) -> Option<Drawn> {
        let cost = match outcome {
            Outcome::Answered { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
                Self::THROTTLED
            }
            _ => Self::RETRY,
        };
        self.left = self.left.checked_sub(cost)?;
        Some(Drawn(cost))
    }

    /// Records the success of a call; `drawn` is the cost of its last retry.
    pub fn succeeded(&mut self, drawn: Option<Drawn>) {
        let back = drawn.map_or(1, |drawn| drawn.0);
        self.left = self.left.saturating_add(back).min(Self::CAPACITY);
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// The cost of one retry, taken from a [`RetryBudget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn(u32);

#[cfg(test)]
mod tests;
