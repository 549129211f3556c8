//! Waiting for Atlas by asking again and again, up to one deadline.

use std::future::Future;
use std::time::Duration;

use atlas_model::RestoreJobId;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::Error;
use crate::job::WaitPolicy;

/// One wait: how long until the next look, and when it ends.
///
/// A failure that can pass by itself, such as 503 or a connection that is refused, is waited out up
/// to the deadline; any other ends the wait at once.
pub(crate) struct Wait<'a> {
    policy: &'a WaitPolicy,
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
/// A longer wait is not taken from a server: its limits refill within a minute.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// No two looks are nearer, whatever the policy says.
const SHORTEST: Duration = Duration::from_millis(50);

impl<'a> Wait<'a> {
    /// Begins a wait, and with it the time up to its deadline.
    pub(crate) fn new(policy: &'a WaitPolicy) -> Self {
        Self {
            policy,
            end: Instant::now().checked_add(policy.deadline),
            delay: policy.first.min(policy.longest).max(SHORTEST),
            asked: Duration::ZERO,
            last: None,
        }
    }

    /// Asks until there is an answer, or a failure that does not pass.
    pub(crate) async fn answer<T, F>(
        &mut self,
        job: Option<RestoreJobId>,
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
                Ok(Err(Error::Call(error))) if error.is_transient() => {
                    tracing::info!(%error, "no answer yet; asking again");
                    self.asked = error.retry_after().unwrap_or_default().min(LONGEST_ASKED);
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
