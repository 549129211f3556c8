//! When a failed request is sent again: one rule for downloads and uploads.
//!
//! Only transient failures are retried, as [`Error::is_transient`] defines. The client's policy
//! decides how often and how soon; [`DownloadOptions::patience`](crate::DownloadOptions::patience)
//! limits how long an outage may last.

use std::future::Future;
use std::time::Duration;

use atlas_model::error_line;
use atlas_transport::Client;
use atlas_transport::retry::{Decision, Outcome, RetryPolicy};
use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::progress::Event;
use crate::teller::{Teller, Told};

/// The limits for retries: how often, how soon, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    patience: Duration,
    /// Receives the reports of waits, from any task.
    teller: Teller,
}

/// The shortest wait between two attempts, whatever the policy says.
const SHORTEST: Duration = Duration::from_millis(50);

impl Retries {
    pub(crate) fn new(client: &Client, patience: Duration) -> Self {
        Self {
            policy: client.retry_policy().clone(),
            patience,
            teller: Teller::default(),
        }
    }

    /// Creates the limits together with the receiver of the reports of waits.
    pub(crate) fn watched(client: &Client, patience: Duration) -> (Self, Told) {
        let (teller, told) = Teller::new();
        let retries = Self::new(client, patience);
        (Self { teller, ..retries }, told)
    }

    pub(crate) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// How long an outage may last without a byte of progress.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// The sender of events for other tasks and threads of the call.
    pub(crate) fn teller(&self) -> &Teller {
        &self.teller
    }

    /// No retries.
    #[cfg(feature = "object-store")]
    pub(crate) fn none() -> Self {
        Self {
            policy: RetryPolicy::none(),
            patience: Duration::ZERO,
            teller: Teller::default(),
        }
    }

    /// The same for operations that should fail soon: the policy's attempts, without patience.
    pub(crate) fn brief(&self) -> Self {
        Self {
            patience: Duration::ZERO,
            ..self.clone()
        }
    }

    /// The minimum number of attempts, including the first; 1 means no retries.
    pub(crate) fn attempts(&self) -> u32 {
        self.policy.max_attempts.max(1)
    }

    /// Starts counting failures.
    pub(crate) fn failures(&self) -> Failures<'_> {
        Failures {
            retries: self,
            count: 0,
            since: None,
        }
    }

    /// Calls `ask` until it succeeds or a retry cannot help.
    pub(crate) async fn run<T, E, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, Error>
    where
        E: Into<Error>,
        F: Future<Output = Result<T, E>>,
    {
        let mut failures = self.failures();
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error.into(),
            };
            if !failures.wait_out(&error).await {
                return Err(error);
            }
        }
    }

    /// The wait after the n-th failure: random up to the policy's bound, and at least the wait that
    /// the server requested, up to the policy's cap.
    fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let endless = self.policy.clone().max_attempts(u32::MAX);
        let decided = endless.decide(failures, true, &Outcome::NotSent, fastrand::f64());
        let wait = match decided {
            Decision::Retry(wait) => wait,
            Decision::Stop => self.policy.max_delay,
        };
        let asked = asked.unwrap_or_default().min(self.policy.retry_after_cap);
        wait.max(asked).max(SHORTEST)
    }
}

/// Consecutive failures without progress.
#[derive(Debug)]
pub(crate) struct Failures<'a> {
    retries: &'a Retries,
    count: u32,
    since: Option<Instant>,
}

impl Failures<'_> {
    /// Resets the count after progress.
    pub(crate) fn progressed(&mut self) {
        (self.count, self.since) = (0, None);
    }

    /// Records a failure and waits before another attempt; `false` if there must not be one.
    pub(crate) async fn wait_out(&mut self, error: &Error) -> bool {
        let (transient, asked) = (error.is_transient(), error.retry_after());
        self.wait_out_if(transient, asked, || error_line(error))
            .await
    }

    /// The same for a failure whose kind is known.
    pub(crate) async fn wait_out_if(
        &mut self,
        transient: bool,
        asked: Option<Duration>,
        reason: impl FnOnce() -> String,
    ) -> bool {
        let retries = self.retries;
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.count = self.count.saturating_add(1);
        let may_last = now.saturating_duration_since(since) < retries.patience;
        let is_left = self.count < retries.attempts() || may_last;
        if !transient || retries.attempts() == 1 || !is_left {
            return false;
        }
        let wait = retries.wait(self.count, asked);
        tracing::info!(failures = self.count, ?wait, "a request failed; retrying");
        retries.teller.tell(Event::Retrying {
            reason: reason(),
            since: now.saturating_duration_since(since),
            wait,
        });
        sleep(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn retries(policy: RetryPolicy, patience: Duration) -> Retries {
        Retries {
            policy,
            patience,
            teller: Teller::default(),
        }
    }

    /// The number of attempts if all fail, and their total time.
    async fn exhaust(retries: &Retries, asked: Option<Duration>) -> (u32, Duration) {
        let start = Instant::now();
        let mut failures = retries.failures();
        let mut attempts = 1;
        while failures.wait_out_if(true, asked, String::new).await {
            attempts += 1;
        }
        (attempts, start.elapsed())
    }

    const MINUTES: Duration = Duration::from_secs(900);

    #[tokio::test(start_paused = true)]
    async fn a_policy_of_one_attempt_makes_every_failure_final_whatever_the_patience_is() {
        for attempts in [0, 1] {
            let policy = RetryPolicy::default().max_attempts(attempts);
            for patience in [Duration::ZERO, MINUTES, Duration::MAX] {
                let retries = retries(policy.clone(), patience);
                assert_eq!(exhaust(&retries, None).await, (1, Duration::ZERO));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_waited_out_as_long_as_patience_lasts_and_for_all_attempts() {
        let (attempts, waited) = exhaust(&retries(RetryPolicy::default(), MINUTES), None).await;
        assert!(attempts > 40, "{attempts}");
        assert!(waited >= MINUTES && waited <= MINUTES + Duration::from_secs(20));
        let without = retries(RetryPolicy::default().max_attempts(7), Duration::ZERO);
        assert_eq!(exhaust(&without, None).await.0, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_does_not_pass_is_never_waited_out() {
        let retries = retries(RetryPolicy::default(), MINUTES);
        assert!(
            !retries
                .failures()
                .wait_out_if(false, None, String::new)
                .await
        );
    }

    #[tokio::test(start_paused = true)]
    async fn delays_and_the_cap_of_the_policy_bound_each_wait() {
        let mut policy = RetryPolicy::default().base_delay(Duration::from_secs(2));
        policy.max_delay = Duration::from_secs(3);
        policy.retry_after_cap = Duration::from_secs(7);
        let retries = retries(policy, Duration::ZERO);
        for failures in 1..100 {
            assert!(retries.wait(failures, None) <= Duration::from_secs(3));
            let asked = Some(Duration::from_secs(86_400));
            assert_eq!(retries.wait(failures, asked), Duration::from_secs(7));
        }
    }

    fn durations() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::from_nanos(1)),
            Just(Duration::MAX),
            any::<Duration>(),
        ]
    }

    proptest! {
        #[test]
        fn no_policy_makes_a_wait_panic_or_shorter_than_its_least(
            (base, longest, cap) in (durations(), durations(), durations()),
            (failures, attempts) in (any::<u32>(), any::<u32>()),
            asked in proptest::option::of(durations()),
        ) {
            let mut policy = RetryPolicy::default().max_attempts(attempts).base_delay(base);
            (policy.max_delay, policy.retry_after_cap) = (longest, cap);
            let retries = retries(policy, Duration::MAX);
            let wait = retries.wait(failures, asked);
            prop_assert!(wait >= SHORTEST);
            prop_assert!(wait <= longest.max(cap).max(SHORTEST));
        }
    }
}
