//! The time limit for all the pages of a list together.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::call::in_runtime;
use crate::error::{Error, ErrorKind, Phase};

/// The time left for a list. The caller's time between two pages is not included.
#[derive(Debug)]
pub(crate) struct ListTime {
    limit: Duration,
    left: Duration,
}

impl ListTime {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, left: limit }
    }

    /// Waits for a page.
    pub(crate) async fn wait<T>(
        &mut self,
        page: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        in_runtime()?;
        let start = Instant::now();
        let ended = timeout(self.left, page).await;
        self.left = self.left.saturating_sub(start.elapsed());
        ended.unwrap_or_else(|_| {
            let (phase, limit) = (Phase::List, self.limit);
            Err(ErrorKind::Timeout { phase, limit }.into())
        })
    }
}
