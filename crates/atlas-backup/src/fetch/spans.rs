//! A file in spans, each through whichever connection is free.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::source::{Source, Transfer};
use super::{DownloadJob, Links, Sink, Span, Stop, workers};
use crate::error::Error;
use crate::journal::Head;

/// Fetches what is missing; `first` is a download of the file's beginning that was opened already.
/// Gives the length of the file.
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
        // Those that go on have to be faster.
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

/// Fetches one span, going on where it was after every failure.
async fn fetch_span(
    source: &Source<'_>,
    head: &Head,
    span: &mut impl Span,
    mut opened: Option<Transfer>,
    least: &Least,
) -> Result<(), Stop> {
    let mut failures = source.retries.failures();
    loop {
        let missing = span.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let got = match opened.take() {
            Some(opened) => receive(span, opened, least).await,
            None => match source.part(head, missing.start, missing.end).await {
                Ok(opened) => receive(span, opened, least).await,
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
        // What came too slowly is no progress: it would go on like that for ever.
        if progressed && !error.as_ref().is_some_and(Error::is_too_slow) {
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
        tracing::info!(%error, "a connection broke; its span goes on");
        if !failures.wait_out(&error).await {
            return Err(error.into());
        }
    }
}

/// Hands over what a download brings. What came before a failure is kept.
async fn receive(span: &mut impl Span, mut opened: Transfer, least: &Least) -> Result<(), Stop> {
    let mut pace = Pace::default();
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
                // More than was asked for is not of this span, whatever it is.
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

/// An answer that brings fewer bytes is no progress: a host that gives some and breaks, again and again,
/// would be asked for ever.
const PROGRESS: u64 = 64 << 10;

/// The least rate at which a file has to come, through all of its connections together.
struct Least {
    bytes_per_second: u64,
    window: Duration,
    connections: AtomicU64,
}

/// How fast one connection is. Only waiting counts: what takes the file may take its time.
#[derive(Default)]
struct Pace {
    received: u64,
    waited: Duration,
}

impl Pace {
    /// Takes what came after a wait; fails at the end of a window in which too little came.
    fn observe(&mut self, bytes: usize, waited: Duration, least: &Least) -> Result<(), Error> {
        self.received = self.received.saturating_add(bytes as u64);
        self.waited = self.waited.saturating_add(waited);
        if self.waited < least.window || least.bytes_per_second == 0 {
            return Ok(());
        }
        let connections = least.connections.load(Ordering::Relaxed).max(1);
        let expected = least
            .bytes_per_second
            .saturating_mul(least.window.as_secs())
            / connections;
        let received = std::mem::take(self).received;
        if received < expected.max(1) {
            return Err(Error::TooSlow {
                bytes_per_second: least.bytes_per_second,
                window: least.window,
            });
        }
        Ok(())
    }
}
