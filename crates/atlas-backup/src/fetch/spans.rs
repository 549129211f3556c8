//! Downloading a file in spans, each over any free connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::source::{Source, Transfer};
use super::{DownloadJob, Links, Sink, Span, Stop, workers};
use crate::error::Error;
use crate::journal::Head;

/// Downloads what is missing and returns the length of the file; `first` is an already open
/// download of its beginning.
pub(super) async fn fetch<S: Sink, L: Links>(
    job: &DownloadJob<'_, L>,
    source: &Source<'_>,
    sink: &S,
    head: &Head,
    mut first: Option<Transfer>,
) -> Result<u64, Stop> {
    let (rate, window) = job.client.min_rate();
    let least = &Least {
        bytes_per_second: rate,
        window,
        connections: AtomicU64::new(workers(job.connections) as u64),
    };
    let work = async |mut opened: Option<Transfer>| -> Result<(), Stop> {
        while let Some(mut span) = sink.take().await? {
            fetch_span(source, head, &mut span, opened.take(), least).await?;
        }
        // The remaining connections have to be faster.
        least.connections.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    };
    let workers = (0..workers(job.connections)).map(|_| work(first.take()));
    try_join_all(workers).await?;
    let received = sink.received();
    if received != head.length {
        return Err(Stop::Failed(Error::Length {
            received,
            expected: head.length,
        }));
    }
    Ok(received)
}

/// Downloads one span, resuming after each failure.
async fn fetch_span(
    source: &Source<'_>,
    head: &Head,
    span: &mut impl Span,
    mut opened: Option<Transfer>,
    least: &Least,
) -> Result<(), Stop> {
    let mut failures = source.retries.failures();
    let mut pace = Pace::default();
    loop {
        let missing = span.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let got = match opened.take() {
            Some(opened) => receive(span, opened, &mut pace, least).await,
            None => match source.part(head, missing.start, missing.end).await {
                Ok(opened) => receive(span, opened, &mut pace, least).await,
                Err(stop) => Err(stop),
            },
        };
        let error = match got {
            Ok(()) => None,
            Err(Stop::Failed(error)) if error.is_of_source() && error.is_transient() => Some(error),
            Err(stop) => return Err(stop),
        };
        let now = span.missing();
        let progressed = now.is_empty() || now.start - missing.start >= PROGRESS;
        if now.start - missing.start >= least.bytes_in_window() {
            pace.is_slow = false;
        }
        // Slow progress does not count: it could continue indefinitely.
        if now.is_empty() || progressed && !pace.is_slow {
            failures.progressed();
        }
        let error = match error {
            None if progressed => continue,
            None => Error::Length {
                received: now.start,
                expected: now.end,
            },
            Some(error) => error,
        };
        tracing::info!(%error, "a connection failed; resuming its span");
        if !failures.wait_out(&error).await {
            // Each attempt was too short to measure the rate.
            let is_slow = pace.is_slow && error.is_stalled_body();
            return Err(if is_slow { least.missed() } else { error }.into());
        }
    }
}

/// Writes the bytes of a download. Bytes before a failure are kept.
async fn receive(
    span: &mut impl Span,
    mut opened: Transfer,
    pace: &mut Pace,
    least: &Least,
) -> Result<(), Stop> {
    let ended = loop {
        let missing = span.missing();
        let since = Instant::now();
        let chunk = opened.download.chunk().await;
        let bytes = chunk.as_ref().ok().and_then(|it| Some(it.as_ref()?.len()));
        if let Err(error) = pace.observe(bytes.unwrap_or(0), since.elapsed(), least) {
            break Err(error);
        }
        match chunk {
            Ok(Some(chunk)) if chunk.len() as u64 > missing.end - missing.start => {
                // More bytes than requested do not belong to this span.
                break Err(Error::Length {
                    received: missing.start.saturating_add(chunk.len() as u64),
                    expected: missing.end,
                });
            }
            Ok(Some(chunk)) => span.write(chunk).await?,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    span.settle().await?;
    Ok(ended?)
}

/// The minimum progress of a response: a host that repeatedly sends less and disconnects would
/// otherwise be retried forever.
pub(super) const PROGRESS: u64 = 64 << 10;

/// The minimum rate of a file, over all of its connections together.
struct Least {
    bytes_per_second: u64,
    window: Duration,
    connections: AtomicU64,
}

impl Least {
    /// How many bytes each connection has to receive in a window.
    fn bytes_in_window(&self) -> u64 {
        let connections = self.connections.load(Ordering::Relaxed).max(1);
        let bytes = self.bytes_per_second.saturating_mul(self.window.as_secs());
        (bytes / connections).max(1)
    }

    fn missed(&self) -> Error {
        Error::TooSlow {
            bytes_per_second: self.bytes_per_second,
            window: self.window,
        }
    }
}

/// The rate of a span, over all of its attempts: a host that stalls ends each of them early. Only waiting
/// time counts: the sink may be slow.
#[derive(Default)]
struct Pace {
    received: u64,
    waited: Duration,
    /// Whether the last whole window had too few bytes.
    is_slow: bool,
}

impl Pace {
    /// Records the bytes received after a wait; fails at the end of a window with too few bytes.
    fn observe(&mut self, bytes: usize, waited: Duration, least: &Least) -> Result<(), Error> {
        self.received = self.received.saturating_add(bytes as u64);
        self.waited = self.waited.saturating_add(waited);
        if self.waited < least.window || least.bytes_per_second == 0 {
            return Ok(());
        }
        let received = std::mem::take(self).received;
        self.is_slow = received < least.bytes_in_window();
        if self.is_slow {
            return Err(least.missed());
        }
        Ok(())
    }
}
