//! Waiting for Atlas by asking again and again, up to one deadline.

use std::future::Future;
use std::time::Duration;

use atlas_model::RestoreJobId;
use atlas_transport::retry::RetryPolicy;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::Error;
use crate::options::WaitPolicy;

/// One wait: how long until the next look, and when it ends.
///
/// A look that fails in a way that can pass by itself, such as 503 or a connection that is refused, is
/// followed by the next, up to the deadline: looks are polls, and no retry policy ends them. Any other
/// failure ends the wait at once.
pub(crate) struct Wait<'a> {
    policy: &'a WaitPolicy,
    /// How requests that are no looks are met again.
    retry: &'a RetryPolicy,
    /// `None` is a deadline that no clock reaches.
    end: Option<Instant>,
    delay: Duration,
    /// What the server asked for in its last refusal.
    asked: Duration,
    /// Why the last look failed.
    last: Option<Box<atlas_transport::Error>>,
}

/// A look is not begun with less time left, and gets at least this.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// No two looks are nearer, whatever the policy says.
const SHORTEST: Duration = Duration::from_millis(50);

impl<'a> Wait<'a> {
    /// Begins a wait, and with it the time up to its deadline.
    pub(crate) fn new(policy: &'a WaitPolicy, retry: &'a RetryPolicy) -> Self {
        Self {
            policy,
            retry,
            end: Instant::now().checked_add(policy.deadline),
            delay: policy.first.min(policy.longest).max(SHORTEST),
            asked: Duration::ZERO,
            last: None,
        }
    }

    /// Looks until there is an answer, or a failure that does not pass.
    pub(crate) async fn look<T, F>(
        &mut self,
        job: Option<RestoreJobId>,
        ask: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.ask_again(job, true, ask).await
    }

    /// Asks for something to be done. That is no look: a policy without retries ends it at its first
    /// failure.
    pub(crate) async fn request<T, F>(&mut self, ask: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let is_retried = self.retry.max_attempts > 1;
        self.ask_again(None, is_retried, ask).await
    }

    async fn ask_again<T, F>(
        &mut self,
        job: Option<RestoreJobId>,
        waits_out: bool,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            let answered = match self.end.map(|end| end.max(Instant::now() + LAST_LOOK)) {
                Some(end) => timeout_at(end, ask()).await,
                None => timeout(Duration::MAX, ask()).await,
            };
            match answered {
                Ok(Err(Error::Call(error))) if waits_out && error.is_transient() => {
                    tracing::info!(%error, "no answer yet; asking again");
                    let asked = error.retry_after().unwrap_or_default();
                    self.asked = asked.min(self.retry.retry_after_cap);
                    self.last = Some(Box::new(error));
                }
                Ok(ended) => {
                    self.last = None;
                    return ended;
                }
                Err(_) => return Err(self.over(job)),
            }
            self.pause(job).await?;
        }
    }

    /// Lets time pass until the next look; fails when there is no time for one. The last look is
    /// just before the deadline.
    pub(crate) async fn pause(&mut self, job: Option<RestoreJobId>) -> Result<(), Error> {
        let delay = self.delay.max(std::mem::take(&mut self.asked));
        let longer = self.delay.saturating_mul(3) / 2;
        self.delay = longer.min(self.policy.longest).max(SHORTEST);
        let Some(end) = self.end else {
            sleep(delay).await;
            return Ok(());
        };
        let left = end.saturating_duration_since(Instant::now());
        let next = left.checked_sub(LAST_LOOK).filter(|left| !left.is_zero());
        if let Some(left) = next {
            sleep(delay.min(left)).await;
            return Ok(());
        }
        sleep(left).await;
        Err(self.over(job))
    }

    fn over(&mut self, job: Option<RestoreJobId>) -> Error {
        Error::Deadline {
            job,
            limit: self.policy.deadline,
            last: self.last.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        fn no_wait_panics_spins_or_goes_on_after_its_deadline(
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
            let (looks, waited) = runtime.block_on(async {
                let start = Instant::now();
                let mut wait = Wait::new(&policy, &retry);
                let mut looks = 0_u64;
                while wait.pause(None).await.is_ok() {
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
            let retry = RetryPolicy::default();
            let wait = Wait::new(&policy, &retry);
            prop_assert!(wait.delay >= SHORTEST);
        }
    }
}
