//! Polling Atlas until a deadline.

use std::future::Future;
use std::time::Duration;

use atlas_model::error_line;
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Attempts, ErrorKind, Phase};
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Awaited, Error};
use crate::options::WaitPolicy;
use crate::progress::{Event, Progress};
use crate::retries::Retries;

/// One wait: the time until the next poll, and the end of the wait.
///
/// After a transient failure, such as 503 or a refused connection, the next poll follows, up to the
/// deadline and, where patience is limited, as long as it lasts: no retry policy limits polls. Any
/// other failure ends the wait at once.
pub(crate) struct Wait<'a> {
    policy: &'a WaitPolicy,
    /// The policy for requests that are not polls.
    retry: &'a RetryPolicy,
    /// How long an outage may last; `None` if only the deadline bounds it.
    patience: Option<Duration>,
    /// The awaited operation, for the error at the deadline.
    pub(crate) awaited: Awaited,
    progress: Progress<'a>,
    /// `None` is a deadline beyond the range of the clock.
    end: Option<Instant>,
    delay: Duration,
    /// The wait that the server requested in its last refusal.
    asked: Duration,
    /// Failures in a row.
    outage: Outage,
    /// Whether Atlas has responded yet.
    is_answered: bool,
}

/// Consecutive failures, up to the last poll.
#[derive(Debug, Default)]
struct Outage {
    count: u32,
    since: Option<Instant>,
    /// Why the last look failed.
    last: Option<Box<atlas_transport::Error>>,
}

/// The kinds of requests during a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// A poll, repeated whatever the policy says.
    Look,
    /// Another read request: repeated unless the policy has a single attempt.
    Read,
    /// The same for a request that changes something, which is never dropped once it was sent.
    Request,
}

/// A poll is not started with less time left, and gets at least this much.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// The shortest wait between two polls, whatever the policy says.
const SHORTEST: Duration = Duration::from_millis(50);
/// An unanswered request counts as an outage at the deadline after this time.
const UNANSWERED: Duration = Duration::from_secs(5);

impl<'a> Wait<'a> {
    /// Starts a wait that only its deadline bounds.
    pub(crate) fn new(
        policy: &'a WaitPolicy,
        retry: &'a RetryPolicy,
        awaited: Awaited,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            policy,
            retry,
            patience: None,
            awaited,
            progress,
            end: Instant::now().checked_add(policy.deadline),
            delay: policy.first.min(policy.longest).max(SHORTEST),
            asked: Duration::ZERO,
            outage: Outage::default(),
            is_answered: false,
        }
    }

    /// Starts the wait of a download, in which patience limits an outage.
    pub(crate) fn of_download(
        policy: &'a WaitPolicy,
        retries: &'a Retries,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            patience: Some(retries.patience()),
            ..Self::new(policy, retries.policy(), Awaited::Download, progress)
        }
    }

    /// Polls until there is a response, or a failure that is not transient.
    pub(crate) async fn look<T, F>(&mut self, ask: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask(Asking::Look, ask).await
    }

    /// Sends a read request that is not a poll: a policy without retries makes its first failure
    /// final.
    pub(crate) async fn read<T, F>(&mut self, ask: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask(Asking::Read, ask).await
    }

    /// Sends a request that changes something and is not a poll. Once it was sent, the call's own
    /// time limit bounds it, not the deadline.
    pub(crate) async fn request<T, F>(&mut self, ask: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask(Asking::Request, ask).await
    }

    async fn ask<T, F>(&mut self, asking: Asking, mut ask: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let begun = Instant::now();
            let answered = match self.end.map(|end| end.max(begun + LAST_LOOK)) {
                Some(end) if asking != Asking::Request => timeout_at(end, ask()).await.ok(),
                _ => Some(ask().await),
            };
            match answered {
                Some(Err(Error::Call(error))) if error.is_transient() => {
                    if !self.may_ask_again(asking) {
                        return Err(error.into());
                    }
                    self.wait_out(error).await?;
                }
                Some(ended) => {
                    self.outage = Outage::default();
                    self.is_answered = true;
                    return ended;
                }
                None => {
                    self.unanswered(begun.elapsed());
                    return Err(self.over());
                }
            }
        }
    }

    /// Counts a failure, and returns whether another attempt may follow.
    fn may_ask_again(&mut self, asking: Asking) -> bool {
        let now = Instant::now();
        let since = *self.outage.since.get_or_insert(now);
        self.outage.count = self.outage.count.saturating_add(1);
        if asking != Asking::Look && self.retry.max_attempts <= 1 {
            return false;
        }
        let Some(patience) = self.patience else {
            return true;
        };
        let is_left = self.outage.count < self.retry.max_attempts;
        is_left || now.saturating_duration_since(since) < patience
    }

    /// Reports a failure, and waits until the next attempt.
    async fn wait_out(&mut self, error: atlas_transport::Error) -> Result<(), Error> {
        tracing::info!(%error, "the request failed; retrying");
        let asked = error.retry_after().unwrap_or_default();
        self.asked = asked.min(self.retry.retry_after_cap);
        let reason = error_line(&error);
        self.outage.last = Some(Box::new(error));
        let mut delay = self.delay();
        let since = self.outage.since.map_or(Duration::ZERO, |it| it.elapsed());
        if let Some(patience) = self.patience {
            // The last attempt is made when patience ends, unless the server requests a longer
            // wait.
            let left = patience.saturating_sub(since).max(SHORTEST);
            delay = delay.min(left.max(asked.min(self.retry.retry_after_cap)));
        }
        if let Some(wait) = self.fitting(delay) {
            self.progress.tell(Event::Retrying {
                reason,
                since,
                wait,
            });
        }
        self.pause_for(delay).await
    }

    /// Records an outage for an attempt that the deadline cut off.
    fn unanswered(&mut self, limit: Duration) {
        let is_outage = !self.is_answered || limit >= UNANSWERED;
        if self.outage.last.is_none() && is_outage {
            let phase = Phase::Head;
            let error = ErrorKind::Timeout { phase, limit };
            let error = atlas_transport::Error::new(error, Attempts::default());
            self.outage.last = Some(Box::new(error));
        }
    }

    /// Waits until the next poll; fails if no time is left for one. The last poll is made just
    /// before the deadline.
    pub(crate) async fn pause(&mut self) -> Result<(), Error> {
        let delay = self.delay();
        self.pause_for(delay).await
    }

    /// The time until the next poll; the one after it is half as long again.
    fn delay(&mut self) -> Duration {
        let delay = self.delay.max(std::mem::take(&mut self.asked));
        let longer = self.delay.saturating_mul(3) / 2;
        self.delay = longer.min(self.policy.longest).max(SHORTEST);
        delay
    }

    /// The part of a delay that leaves time for a poll; `None` if there is none.
    fn fitting(&self, delay: Duration) -> Option<Duration> {
        let Some(end) = self.end else {
            return Some(delay);
        };
        let left = end.saturating_duration_since(Instant::now());
        let next = left.checked_sub(LAST_LOOK).filter(|left| !left.is_zero());
        next.map(|left| delay.min(left))
    }

    async fn pause_for(&mut self, delay: Duration) -> Result<(), Error> {
        if let Some(delay) = self.fitting(delay) {
            sleep(delay).await;
            return Ok(());
        }
        if let Some(end) = self.end {
            sleep(end.saturating_duration_since(Instant::now())).await;
        }
        Err(self.over())
    }

    fn over(&mut self) -> Error {
        Error::Deadline {
            awaited: self.awaited,
            limit: self.policy.deadline,
            last: self.outage.last.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::progress::{Reporter, silent};

    fn durations() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::from_nanos(1)),
            (0..10_000_u64).prop_map(Duration::from_secs),
            any::<Duration>(),
            Just(Duration::MAX),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_wait_panics_spins_or_continues_after_its_deadline(
            (first, longest, deadline) in (durations(), durations(), 0..1000_u64),
            cap in durations(),
            asked in durations(),
        ) {
            let deadline = Duration::from_secs(deadline);
            let policy = WaitPolicy::default().first(first).longest(longest).deadline(deadline);
            let mut retry = RetryPolicy::none();
            retry.retry_after_cap = cap;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let quiet = Reporter::new(silent);
            let (looks, waited) = runtime.block_on(async {
                let start = Instant::now();
                let mut wait = Wait::new(&policy, &retry, Awaited::Download, &quiet);
                let mut looks = 0_u64;
                while wait.pause().await.is_ok() {
                    looks += 1;
                    wait.asked = asked.min(retry.retry_after_cap);
                }
                (looks, start.elapsed())
            });
            prop_assert!(waited <= deadline + Duration::from_millis(1));
            prop_assert!(looks <= deadline.as_secs() * 20 + 1, "{looks}");
        }

        #[test]
        fn a_wait_of_any_deadline_can_begin(deadline in durations(), first in durations()) {
            let policy = WaitPolicy::default().deadline(deadline).first(first);
            let (retry, quiet) = (RetryPolicy::default(), Reporter::new(silent));
            let wait = Wait::new(&policy, &retry, Awaited::Download, &quiet);
            prop_assert!(wait.delay >= SHORTEST);
        }
    }
}
