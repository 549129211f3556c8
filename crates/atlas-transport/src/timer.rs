//! The time limits of one call, with one timer.
//!
//! A timer of the runtime is set only for an actual wait, and is reused for the next one: setting a
//! timer may have to wake another thread.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{ErrorKind, Phase};

/// Bounds each wait of a call, and the call as a whole.
pub(crate) struct Timer {
    read: Duration,
    /// The deadline of the call, and its total time; `None` for a download.
    call: Option<(Instant, Duration)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Starts a call: `read` bounds each wait, `total` all of them together.
    pub(crate) fn new(read: Duration, total: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            read,
            call: total.and_then(|total| Some((now.checked_add(total)?, total))),
            sleep: None,
        }
    }

    /// Returns the time limit of one wait.
    pub(crate) fn read_limit(&self) -> Duration {
        self.read
    }

    /// Waits for the next data from the peer.
    pub(crate) async fn wait<F: Future>(
        &mut self,
        phase: Phase,
        future: F,
    ) -> Result<F::Output, ErrorKind> {
        let mut future = pin!(future);
        // Output that is ready needs no timer.
        if let Some(output) = poll_once(future.as_mut()).await {
            return Ok(output);
        }
        let end = Instant::now().checked_add(self.read);
        let (end, phase, limit) = match (end, self.call) {
            (Some(end), Some((call_end, total))) if call_end < end => {
                (Some(call_end), Phase::Call, total)
            }
            (end, _) => (end, phase, self.read),
        };
        self.until(end, phase, limit, future).await
    }

    /// Returns the time limit of the next wait.
    pub(crate) fn next_limit(&self) -> Duration {
        self.left().map_or(self.read, |left| left.min(self.read))
    }

    /// Waits for a condition before the request, such as a token.
    pub(crate) async fn wait_for_others<F: Future>(
        &mut self,
        future: F,
    ) -> Result<F::Output, ErrorKind> {
        let (end, total) = self.call.unzip();
        self.until(end, Phase::Turn, total.unwrap_or_default(), future)
            .await
    }

    /// Returns the rest of the call's time, if it is limited.
    pub(crate) fn left(&self) -> Option<Duration> {
        let (end, _) = self.call?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Sleeps for a duration.
    pub(crate) async fn pause(&mut self, delay: Duration) -> Result<(), ErrorKind> {
        match Instant::now().checked_add(delay) {
            Some(end) => self.pause_until(end).await,
            None => self.wait_for_others(std::future::pending()).await,
        }
    }

    /// Sleeps until an instant.
    pub(crate) async fn pause_until(&mut self, end: Instant) -> Result<(), ErrorKind> {
        if !end.saturating_duration_since(Instant::now()).is_zero() {
            self.wait_for_others(sleep_until(end)).await?;
        }
        Ok(())
    }

    async fn until<F: Future>(
        &mut self,
        end: Option<Instant>,
        phase: Phase,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, ErrorKind> {
        let mut future = pin!(future);
        let mut set = false;
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            let Some(end) = end else {
                return Poll::Pending;
            };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(end)));
            if !set {
                set = true;
                sleep.as_mut().reset(end);
            }
            match sleep.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(ErrorKind::Timeout { phase, limit })),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Polls a future once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const READ: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_limit_and_the_call_has_one_for_all() {
        let start = Instant::now();
        let mut timer = Timer::new(READ, Some(Duration::from_secs(100)));
        for _ in 0..3 {
            let slow = sleep(Duration::from_secs(29));
            timer.wait(Phase::Head, slow).await.unwrap();
        }
        let error = timer.wait(Phase::Body, pending::<()>()).await.unwrap_err();
        assert!(
            matches!(
                error,
                ErrorKind::Timeout {
                    phase: Phase::Call,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(start.elapsed().as_secs(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_times_out_after_one_wait() {
        let start = Instant::now();
        let mut timer = Timer::new(READ, None);
        let error = timer.wait(Phase::Body, pending::<()>()).await.unwrap_err();
        assert!(
            matches!(
                error,
                ErrorKind::Timeout {
                    phase: Phase::Body,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn limits_beyond_the_range_of_the_clock_are_ignored() {
        let mut timer = Timer::new(Duration::MAX, Some(Duration::MAX));
        timer.wait(Phase::Head, sleep(READ)).await.unwrap();
        timer.wait_for_others(sleep(READ)).await.unwrap();
    }
}
