//! Which calls are sent again, and when: a policy that is told what happened, knows no clock and
//! no socket, and draws no random numbers.
//!
//! # Transient failures
//!
//! Only a transient failure is retried: one that can pass by itself. This is the one list of them; calls, token
//! requests, downloads, the waits for jobs and snapshots of `atlas-backup` and its object stores go by
//! it, and [`Error::is_transient`](crate::Error::is_transient) tells.
//!
//! | failure | transient | why |
//! | --- | --- | --- |
//! | refused, reset, unreachable, timed out | yes | servers restart, networks recover |
//! | a host name that is not found | yes | resolvers answer so while a network comes up, and the system's interface does not tell "no such host" from "no resolver" |
//! | a certificate that is not trusted, TLS that cannot be agreed on | no | the same peer fails the same way until its setup changes |
//! | a proxy's 407, 403 and other 4xx, except 408 and 429 | no | repeated wrong passwords can lock an account |
//! | a SOCKS proxy's refused login, and its replies "not allowed" and "not supported" | no | the same |
//! | a SOCKS proxy's replies for a host that is unreachable or refuses, and "general failure" | yes | as without a proxy |
//! | a proxy that answers in another protocol than its setting says | no | |
//! | a proxy, certificate or key setting that cannot be used | no | |
//! | 408, 429, 5xx | yes | the server says so |
//! | 501, 505, 511 | no | not implemented, not supported, log in first |
//! | any other status | no | it is the answer |
//! | an answer that is malformed, too large or badly compressed | no | |

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::transient::is_transient_status;

/// How often, how soon and for what a call is sent again.
///
/// What is sent again depends on how the last attempt ended, and on whether doing the same twice
/// does harm. `GET`, `HEAD`, `PUT`, `DELETE` and `OPTIONS` are idempotent (RFC 9110 section
/// 9.2.2); a `POST` or `PATCH` counts as idempotent only through [`Client::assume_idempotent`](crate::Client::assume_idempotent).
///
/// | the attempt ended with | idempotent | a `POST` or `PATCH` |
/// | --- | --- | --- |
/// | nothing sent, or a peer that says it did nothing | retried | retried |
/// | 429; 503 with `Retry-After` | retried | retried |
/// | 408; 5xx, except 501, 505 and 511 | retried | the call ends with this answer |
/// | no complete response | retried | [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) |
/// | anything else | the call ends with this answer | the same |
/// | a certificate that is not trusted, a proxy that refuses | the call ends with this error | the same |
///
/// The last rows are what [`Error::is_transient`](crate::Error::is_transient) says of a failure: one
/// that is not transient is never retried.
///
/// The wait before attempt n + 1 is random between nothing and the smaller of `max_delay` and
/// `base_delay` · 2ⁿ⁻¹ ("full jitter"). A `Retry-After` replaces it; a longer one than
/// `retry_after_cap` is cut to that, so that the next attempt comes earlier than the server asked.
/// No wait goes past the end of the call's total time: then the last outcome stands at once.
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
    /// How many attempts a call has at most, the first one included; 3 by default, and 1 is no
    /// retry at all. What authentication needs does not count.
    pub max_attempts: u32,
    /// The upper bound of the first wait; 1 s by default.
    pub base_delay: Duration,
    /// The upper bound of any wait that the server did not ask for; 20 s by default.
    pub max_delay: Duration,
    /// The upper bound of a wait that the server asked for; 60 s by default, the time in which
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

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was sent, or the peer says that it processed nothing.
    NotSent,
    /// The request may have arrived, and no full answer came.
    NoResponse,
    /// An answer that cannot be used, or no connection, and either would be the same another time.
    InvalidResponse,
    /// There was an answer.
    Answered {
        /// Its status.
        status: StatusCode,
        /// When the server wants to be asked again.
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

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing more: what happened stands.
    Stop,
    /// Send the request again after a wait.
    Retry(Duration),
}

impl RetryPolicy {
    /// A policy that sends nothing again.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// Sets how many attempts a call has at most, the first one included.
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

    /// Sets the upper bound of any wait that the server did not ask for.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the upper bound of a wait that the server asked for.
    #[must_use]
    pub fn retry_after_cap(mut self, wait: Duration) -> Self {
        self.retry_after_cap = wait;
        self
    }

    /// Decides after attempt number `attempt`, the first being 1; `random` is a number of at least
    /// 0 and less than 1, and any other is taken as the nearest of these.
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

/// A part of a wait. `Duration::mul_f64` panics where a rounded product no longer fits.
fn part_of(bound: Duration, part: f64) -> Duration {
    let seconds = bound.as_secs_f64() * part.clamp(0.0, 1.0);
    if seconds.is_nan() {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(seconds).map_or(bound, |wait| wait.min(bound))
}

/// What a client may spend on retries, over all its calls.
///
/// A retry draws 14 from a bucket of 500, or 5 if the server was merely too busy. A call that
/// succeeds at once puts 1 back, and one that succeeds after a retry what its last retry drew. With an
/// empty bucket nothing is sent again, so that a server in trouble does not get three times the
/// calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryBudget {
    left: u32,
}

impl RetryBudget {
    /// What a full bucket holds.
    pub const CAPACITY: u32 = 500;
    const RETRY: u32 = 14;
    const THROTTLED: u32 = 5;

    /// A full bucket.
    pub fn new() -> Self {
        Self {
            left: Self::CAPACITY,
        }
    }

    /// What is left.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// Draws for one retry after `outcome`; `None` if too little is left.
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

    /// A call succeeded, after drawing for its last retry what `drawn` says.
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

/// What one retry drew from a [`RetryBudget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn(u32);

#[cfg(test)]
mod tests;
