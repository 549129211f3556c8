//! A file in spans, each through whichever connection is free.

use atlas_transport::Download;
use futures_util::future::try_join_all;

use super::source::Source;
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
    mut first: Option<Download>,
) -> Result<u64, Stop> {
    let work = async |mut opened: Option<Download>| -> Result<(), Stop> {
        while let Some(mut span) = sink.take().await? {
            fetch_span(source, head, &mut span, opened.take()).await?;
        }
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
    mut opened: Option<Download>,
) -> Result<(), Stop> {
    let mut failures = source.retries.failures();
    loop {
        let missing = span.missing();
        if missing.is_empty() {
            return Ok(());
        }
        let got = match opened.take() {
            Some(download) => receive(span, download).await,
            None => match source.part(head, missing.start, missing.end).await {
                Ok(download) => receive(span, download).await,
                Err(stop) => Err(stop),
            },
        };
        let error = match got {
            Ok(()) => None,
            Err(Stop::Failed(error)) if error.is_of_source() && error.is_transient() => Some(error),
            Err(stop) => return Err(stop),
        };
        let progressed = span.missing().start > missing.start;
        // What came too slowly is no progress: it would go on like that for ever.
        if progressed && !error.as_ref().is_some_and(Error::is_too_slow) {
            failures.progressed();
        }
        let error = match error {
            None if progressed => continue,
            None => Error::Length {
                received: missing.start,
                expected: missing.end,
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
async fn receive(span: &mut impl Span, mut download: Download) -> Result<(), Stop> {
    let ended = loop {
        let missing = span.missing();
        match download.chunk().await {
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
