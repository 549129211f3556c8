//! Waiting for the lease of another run, and reporting it.

use std::time::Duration;

use tokio::time::Instant;

use crate::progress::{Event, Progress};

/// How often the wait is reported.
const EVERY: Duration = Duration::from_secs(60);

/// A wait for other runs.
#[derive(Debug, Default)]
pub(super) struct Turn {
    since: Option<Instant>,
    told: Option<Instant>,
}

impl Turn {
    /// Reports the wait for a lease, unless that was done less than a minute ago.
    pub(super) fn tell(&mut self, lease: &str, progress: Progress<'_>) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let is_due = |told: Instant| now.saturating_duration_since(told) >= EVERY;
        if !self.told.is_none_or(is_due) {
            return;
        }
        self.told = Some(now);
        progress.tell(Event::WaitingForRun {
            path: lease.into(),
            since: now.saturating_duration_since(since),
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::progress::Reporter;

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_reported_at_once_and_then_once_a_minute() {
        let mut told = Vec::new();
        let progress = &Reporter::new(|event| {
            if let Event::WaitingForRun { since, .. } = event {
                told.push(since.as_secs());
            }
        });
        let mut turn = Turn::default();
        for _ in 0..40 {
            turn.tell("s3://bucket/s.tgz.part", progress);
            advance(Duration::from_secs(5)).await;
        }
        assert_eq!(told, [0, 60, 120, 180]);
    }
}
