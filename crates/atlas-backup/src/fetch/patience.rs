//! How long a store may fail before a download is given up.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{PATIENCE, backoff};

/// How long failures that can pass by themselves, such as 503 or a connection that is refused, may
/// last without a byte of progress.
const OUTAGE: Duration = Duration::from_secs(15 * 60);
/// The longest wait that a store may ask for at once.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts failures without progress in between.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
    since: Option<Instant>,
}

impl Patience {
    /// Takes a failure and waits before another try; `false` if there is to be none.
    ///
    /// A failure that can pass by itself is waited out for [`OUTAGE`], and longer where that would be
    /// fewer than [`PATIENCE`] tries. Any other has [`PATIENCE`] tries.
    pub(super) async fn wait_out(&mut self, transient: bool, asked: Option<Duration>) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let lasts = now.saturating_duration_since(since) < OUTAGE;
        if self.failures >= PATIENCE && !(transient && lasts) {
            return false;
        }
        let asked = asked.unwrap_or_default().min(LONGEST);
        sleep(backoff(self.failures).max(asked)).await;
        true
    }
}
