//! Downloads all bytes behind a link to a sink: in spans over several connections where the store
//! supports it, otherwise in one stream.
//!
//! ```text
//! first span ─┬─ 206, a validator, a length ──► spans; each is resumed after a failure
//!             ├─ 200, or no validator ────────► one stream; restarted after a failure
//!             └─ 403, 401, 404, 410 ──────────► a new link for the same spans
//! spans ──────── another validator, 200, 416 ─► a restart, the last time as a stream
//! ```

mod file;
mod part_file;
mod sink;
mod source;
mod spans;
mod window;

use std::future::Future;
use std::sync::Arc;

use atlas_model::SnapshotUrl;
use atlas_transport::{Client, ErrorKind};
use tokio::sync::Semaphore;

use crate::backups::Backups;
use crate::error::Error;
use crate::inspect::Found;
use crate::progress::{Event, Progress};
use crate::retries::Retries;

pub(crate) use file::{FileSink, unwritable};
pub(crate) use sink::{Sink, Span};
pub(crate) use source::{Announced, is_moment, is_strong};
use source::{Opened, Source, Transfer, Way};
#[cfg(feature = "object-store")]
pub(crate) use window::Chunks;
pub(crate) use window::{Output, Part, Window};

/// A source of new links to the same file.
pub(crate) trait Links: Send {
    /// Requests a new link.
    fn fresh(&mut self) -> impl Future<Output = Result<SnapshotUrl, Error>> + Send;
}

impl<L: Links> Links for &mut L {
    async fn fresh(&mut self) -> Result<SnapshotUrl, Error> {
        (**self).fresh().await
    }
}

/// Why an attempt ended.
pub(crate) enum Stop {
    /// The store's file is a different one, or the store does not support ranges.
    Changed,
    /// Anything else.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The longest accepted file, 64 TiB; no snapshot is longer. Checked before anything is allocated
/// or reserved.
pub(crate) const LONGEST_FILE: u64 = 64 << 40;

/// The number of connections, clamped to the supported range.
pub(crate) fn workers(connections: usize) -> usize {
    connections.clamp(1, 128)
}

/// How many attempts may end with a changed file, unless the policy has fewer.
const RESTARTS: u32 = 3;
/// How many new links one download may use without a byte of progress, unless the policy has fewer
/// attempts.
const RENEWALS: u32 = 3;

/// A download of one file, from its link to a sink that has all of it and found it sound.
pub(crate) struct DownloadJob<'a, L> {
    /// A client without retries.
    client: Client,
    /// One permit is needed for each connection to a file host.
    permits: &'a Arc<Semaphore>,
    /// The maximum number of connections.
    connections: usize,
    /// The limits for retries.
    retries: &'a Retries,
    links: L,
    progress: Progress<'a>,
}

impl<'a, L: Links> DownloadJob<'a, L> {
    /// Creates a download over at most `connections` connections.
    pub(crate) fn new(
        backups: &'a Backups,
        connections: usize,
        retries: &'a Retries,
        links: L,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            client: backups.file_client(),
            permits: backups.connections(),
            connections,
            retries,
            links,
            progress,
        }
    }

    /// Downloads a file, or its missing parts.
    pub(crate) async fn run<S: Sink>(
        &mut self,
        mut link: SnapshotUrl,
        sink: &mut S,
    ) -> Result<Found, Error> {
        let attempts = self.retries.attempts();
        let mut renewals = Renewals::new(self.retries);
        let (mut restarts, mut is_healed) = (0, false);
        // The rate of all parts is checked together.
        let (_, window) = self.client.min_rate();
        let parts = &self.client.with_min_rate(0, window);
        self.progress.next_file();
        loop {
            let source = Source {
                client: &self.client,
                parts,
                link: &link,
                retries: self.retries,
                permits: self.permits,
            };
            // After two permanent failures, ranges are not tried again.
            let way = if restarts + 1 < RESTARTS {
                Way::Spans
            } else {
                Way::Stream
            };
            let stop = match self.attempt(&source, sink, way).await {
                Ok(length) => {
                    self.progress.tell(Event::Verifying);
                    match sink.finish(length, self.progress).await {
                        // An earlier run's data may have been lost since, for instance in a power
                        // failure.
                        Err(Error::Unsound { .. }) if sink.is_resumed() && !is_healed => {
                            is_healed = true;
                            sink.restart().await?;
                            self.progress.tell(Event::StartedOver);
                            continue;
                        }
                        finished => return finished,
                    }
                }
                Err(stop) => stop,
            };
            match stop {
                Stop::Changed => {
                    restarts += 1;
                    // Even after the last attempt, or the next run would fail in the same way.
                    sink.restart().await?;
                    if restarts >= RESTARTS.min(attempts) {
                        return Err(Error::Changed);
                    }
                    self.progress.tell(Event::StartedOver);
                }
                Stop::Failed(Error::Unsound { .. }) if sink.is_resumed() && !is_healed => {
                    is_healed = true;
                    sink.restart().await?;
                    self.progress.tell(Event::StartedOver);
                }
                Stop::Failed(error) => {
                    let Some(ended) = error.link_end() else {
                        return Err(error);
                    };
                    if !renewals.may_take(sink.received(), ended) {
                        return Err(renewals.refusal(error));
                    }
                    link = self.links.fresh().await?;
                    self.progress.tell(Event::LinkRenewed);
                }
            }
        }
    }

    async fn attempt<S: Sink>(
        &self,
        source: &Source<'_>,
        sink: &mut S,
        way: Way,
    ) -> Result<u64, Stop> {
        let opened = if way == Way::Spans {
            if let Some(head) = sink.resume().await? {
                self.progress.started(Some(head.length), sink.received());
                return spans::fetch(self, source, sink, &head, None).await;
            }
            source.first(sink.first()).await?
        } else {
            Opened::Stream(source.whole().await?)
        };
        match opened {
            Opened::Stream(opened) => self.stream(source, sink, opened).await,
            Opened::Spans(head, first) => {
                check_length(Some(head.length))?;
                sink.begin(&head).await?;
                self.progress.started(Some(head.length), 0);
                spans::fetch(self, source, sink, &head, Some(first)).await
            }
        }
    }

    /// Streams the whole file, from its beginning each time.
    async fn stream<S: Sink>(
        &self,
        source: &Source<'_>,
        sink: &mut S,
        mut opened: Transfer,
    ) -> Result<u64, Stop> {
        let mut failures = self.retries.failures();
        loop {
            let announced = Announced::of(&opened.download);
            check_length(announced.length)?;
            let mut span = sink.begin_stream(&announced).await?;
            let announced = announced.length;
            let had = span.missing().start;
            self.progress.started(announced, had);
            let ended = pour(&mut span, opened, had).await;
            span.settle().await?;
            let received = span.missing().start;
            let error = match (ended, announced) {
                (Ok(()), Some(expected)) if expected != received => {
                    Error::Length { received, expected }
                }
                (Ok(()), _) => return Ok(received),
                (Err(error), _) => error,
            };
            // Bytes that start again with each stream are not progress.
            if had > 0 && received.saturating_sub(had) >= spans::PROGRESS && !error.is_too_slow() {
                failures.progressed();
            }
            tracing::info!(%error, "the stream broke");
            if !error.is_of_source() || !failures.wait_out(&error).await {
                return Err(error.into());
            }
            opened = source.whole().await?;
        }
    }
}

/// Writes the bytes of a stream after its first `had` bytes.
async fn pour(span: &mut impl Span, mut opened: Transfer, mut had: u64) -> Result<(), Error> {
    while let Some(mut chunk) = opened.download.chunk().await? {
        let skipped = had.min(chunk.len() as u64);
        had -= skipped;
        let rest = chunk.split_off(usize::try_from(skipped).unwrap_or(usize::MAX));
        if !rest.is_empty() {
            span.write(rest).await?;
        }
        check_length(Some(span.missing().start))?;
    }
    Ok(())
}

/// How a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkEnd {
    /// The store reports that it has expired.
    Expired,
    /// The store refuses it in a way that a new link may solve.
    Refused,
}

/// Counts new links without a byte of progress in between.
///
/// An expired link is not a failure that ends a policy's attempts: each link expires four hours
/// after it was created.
struct Renewals {
    most: u32,
    taken: u32,
    received: u64,
}

impl Renewals {
    fn new(retries: &Retries) -> Self {
        Self {
            most: RENEWALS.min(retries.attempts()),
            taken: 0,
            received: 0,
        }
    }

    /// Counts another link, after `received` bytes; `false` if the limit is reached.
    fn may_take(&mut self, received: u64, ended: LinkEnd) -> bool {
        if received > self.received {
            (self.taken, self.received) = (0, received);
        }
        self.taken = self.taken.saturating_add(1);
        let most = match ended {
            LinkEnd::Expired => self.most,
            LinkEnd::Refused => 1,
        };
        self.taken <= most
    }

    /// The error after the last link: a new one that has expired as well was refused.
    fn refusal(&self, error: Error) -> Error {
        let Error::Call(call) = &error else {
            return error;
        };
        match call.kind() {
            ErrorKind::LinkExpired { status, code, .. } if self.taken > 1 => Error::LinksRefused {
                status: *status,
                code: code.clone(),
            },
            _ => error,
        }
    }
}

/// Refuses a file that is longer than any snapshot.
fn check_length(length: Option<u64>) -> Result<(), Error> {
    match length {
        Some(announced) if announced > LONGEST_FILE => Err(Error::TooLong { announced }),
        _ => Ok(()),
    }
}
