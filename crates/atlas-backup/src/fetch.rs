//! From a link to a complete partial file: in pieces through several connections where the store
//! allows it, and in one stream where it does not.
//!
//! ```text
//! first part ─┬─ 206, a strong tag, a length ──► pieces, a journal; each goes on after a failure
//!             ├─ 200, or no strong tag ────────► one stream; begins again after a failure
//!             └─ 403 ──────────────────────────► a new link, then on with the same pieces
//! pieces ────── another tag, or 200 ───────────► everything begins again
//! ```

mod part_file;
mod patience;
mod pieces;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_transport::{ByteRange, Client, ContentRange, Download, ErrorKind};
use tokio::time::sleep;

use crate::checksums::Checksums;
use crate::error::Error;
use crate::journal::{self, Head, Journal};
use crate::progress::{Event, Progress};

use part_file::{Part, PartFile};
use patience::Patience;

/// Gives new links to the same file.
pub(crate) trait Links: Send {
    /// Asks for a new link.
    fn fresh(&mut self) -> impl Future<Output = Result<SnapshotUrl, Error>> + Send;
}

/// How to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many connections at most.
    pub(crate) connections: usize,
    /// What is fetched, for the journal.
    pub(crate) source: String,
}

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) length: u64,
    pub(crate) checksums: Checksums,
}

/// Why an attempt ended.
pub(crate) enum Stop {
    /// The store's file is another one, or the store forgot what a range is.
    Changed,
    /// Anything else.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The first request asks for this much, so that the first bytes come as soon as from one stream.
const FIRST: u64 = 8 << 20;
/// How long a piece is, so that each connection has the same number of them: from about 8 MiB, where
/// a file is that long, up to 64 MiB, so that asking for pieces costs little and no connection waits
/// long for the others in the end.
fn piece(length: u64, connections: usize) -> u64 {
    let connections = workers(connections) as u64;
    let fewest = length.div_ceil(connections * LONGEST_PIECE);
    let rounds = (length / (connections * FIRST)).clamp(1, 4).max(fewest);
    // Not less than what is asked for first, which is to be of one piece.
    let even = length.div_ceil(connections.saturating_mul(rounds));
    even.max(FIRST)
        .max(length.div_ceil(journal::MAX_PIECES as u64))
}

const LONGEST_PIECE: u64 = 64 << 20;
/// A file that is announced to be longer is none of Atlas's: the journal has an entry for each piece,
/// and nothing is allocated or reserved before this is checked. 64 TiB.
const LONGEST_FILE: u64 = journal::MAX_PIECES as u64 * LONGEST_PIECE;

/// How many connections are used at most, whatever is asked for.
fn workers(connections: usize) -> usize {
    connections.clamp(1, 128)
}

/// How often in a row something may fail without a byte of progress; failures that can pass by
/// themselves are waited out longer, see [`Patience`].
pub(crate) const PATIENCE: u32 = 5;
/// How often everything may begin again because the file changed.
const RESTARTS: u32 = 3;
/// How many new links one download may take without a byte of progress in between.
const RENEWALS: u32 = 3;

/// Fetches a file, or what is missing of it, into `part`.
pub(crate) async fn fetch(
    client: &Client,
    mut link: SnapshotUrl,
    links: &mut impl Links,
    part: &Path,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Fetched, Error> {
    let part = &Part::new(part);
    let (mut restarts, mut renewals, mut received) = (0, 0, 0);
    loop {
        let stop = match attempt(client, &link, part, plan, progress).await {
            Ok(fetched) => return Ok(fetched),
            Err(stop) => stop,
        };
        match stop {
            Stop::Changed => {
                restarts += 1;
                if restarts >= RESTARTS {
                    return Err(Error::Changed);
                }
                claim(part, plan)?;
                progress(Event::StartedOver);
            }
            Stop::Failed(error) if error.link_expired() => {
                let now = Journal::resume(&part.path, &plan.source).map_or(0, |it| it.received());
                renewals = if now > received { 1 } else { renewals + 1 };
                received = now;
                if renewals > RENEWALS {
                    return Err(error);
                }
                link = links.fresh().await?;
                progress(Event::LinkRenewed);
            }
            Stop::Failed(error) => return Err(error),
        }
    }
}

async fn attempt(
    client: &Client,
    link: &SnapshotUrl,
    part: &Part,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Fetched, Stop> {
    if let Some(journal) = Journal::resume(&part.path, &plan.source) {
        progress(Event::Started {
            length: Some(journal.head.length),
            resumed: journal.received(),
        });
        return pieces::fetch(client, link, part, plan, journal, None, progress).await;
    }
    let range = ByteRange {
        first: 0,
        last: Some(FIRST - 1),
        if_range: None,
    };
    let first = patiently(|| client.download_part(link, &range)).await;
    let first = match first {
        Ok(first) => first,
        // An empty file has no first byte; a store may also have no sense of ranges at all.
        Err(error) if is_about_the_range(&error) => patiently(|| client.download(link)).await?,
        Err(error) => return Err(error.into()),
    };
    let Some(ContentRange::Part {
        length: Some(length),
        ..
    }) = first.part()
    else {
        return whole(client, link, part, plan, first, progress).await;
    };
    if length > LONGEST_FILE {
        return Err(Error::TooLong { announced: length }.into());
    }
    let Some(etag) = strong(&first) else {
        // Parts of two answers cannot be told to be of one file.
        let first = patiently(|| client.download(link)).await?;
        return whole(client, link, part, plan, first, progress).await;
    };
    let head = Head {
        source: plan.source.clone(),
        etag,
        length,
        piece: piece(length, plan.connections),
        checksums: Checksums::announced(&first),
    };
    part.create(length).await?;
    let journal =
        Journal::create(&part.path, head).map_err(|error| unwritable(&part.path, error))?;
    progress(Event::Started {
        length: Some(length),
        resumed: 0,
    });
    pieces::fetch(client, link, part, plan, journal, Some(first), progress).await
}

/// The tag of a file, if it is one that its bytes can be told by (RFC 9110 section 8.8.1).
fn strong(download: &Download) -> Option<String> {
    let etag = download.etag()?;
    (etag.len() > 2 && etag.starts_with('"')).then(|| etag.to_owned())
}

fn is_about_the_range(error: &atlas_transport::Error) -> bool {
    match error.kind() {
        ErrorKind::Link { status, .. } => matches!(status.as_u16(), 416 | 501),
        ErrorKind::Malformed { .. } => true,
        _ => false,
    }
}

/// Streams the whole file, from its beginning each time.
async fn whole(
    client: &Client,
    link: &SnapshotUrl,
    part: &Part,
    plan: &Plan,
    mut download: Download,
    progress: Progress<'_>,
) -> Result<Fetched, Stop> {
    let mut patience = Patience::default();
    loop {
        claim(part, plan)?;
        let announced = download.length();
        progress(Event::Started {
            length: announced,
            resumed: 0,
        });
        let checksums = Checksums::announced(&download);
        let error = match stream(part, download, progress).await {
            Ok(length) => {
                if let Some(expected) = announced.filter(|announced| *announced != length) {
                    Error::Length {
                        received: length,
                        expected,
                    }
                } else {
                    return Ok(Fetched { length, checksums });
                }
            }
            Err(error) => error,
        };
        tracing::info!(%error, "the stream broke");
        // The store answers, so this is no outage; opening the stream again waits one out.
        if !may_pass(&error) || !patience.wait_out(false, None).await {
            return Err(error.into());
        }
        download = patiently(|| client.download(link)).await?;
    }
}

/// What is there of the file cannot be gone on with; the file is still this program's.
fn claim(part: &Part, plan: &Plan) -> Result<(), Error> {
    journal::claim(&part.path, &plan.source).map_err(|error| unwritable(&part.path, error))
}

async fn stream(part: &Part, mut download: Download, progress: Progress<'_>) -> Result<u64, Error> {
    part.create(0).await?;
    let mut file = PartFile::open(part, 0, part_file::batch(u64::MAX, 4))?;
    while let Some(chunk) = download.chunk().await? {
        if let Some(bytes) = file.write(chunk).await? {
            progress(Event::Received { bytes });
        }
    }
    let bytes = file.finish().await?;
    progress(Event::Received { bytes });
    Ok(file.position())
}

/// Asks again as long as failing may pass.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, atlas_transport::Error>
where
    F: Future<Output = Result<T, atlas_transport::Error>>,
{
    let mut patience = Patience::default();
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tracing::info!(%error, "the store failed");
        let (transient, asked) = (error.is_transient(), error.retry_after());
        if !call_may_pass(&error) || !patience.wait_out(transient, asked).await {
            return Err(error);
        }
    }
}

/// Takes a failure of a download and waits before another try; `false` if there is to be none.
async fn wait_out(patience: &mut Patience, error: &Error) -> bool {
    let (transient, asked) = match error {
        Error::Call(error) => (error.is_transient(), error.retry_after()),
        _ => (false, None),
    };
    patience.wait_out(transient, asked).await
}

/// Whether a failure is one that may not come again.
pub(crate) fn may_pass(error: &Error) -> bool {
    match error {
        Error::Call(error) => call_may_pass(error),
        Error::Length { .. } => true,
        _ => false,
    }
}

fn call_may_pass(error: &atlas_transport::Error) -> bool {
    // A store that garbles one answer, for instance its `Content-Range`, may not garble the next.
    error.is_transient() || matches!(error.kind(), ErrorKind::Malformed { .. })
}

/// Waits before another try: longer each time, and never the same for two.
#[cfg_attr(
    not(feature = "object-store"),
    allow(dead_code, reason = "stores use it")
)]
pub(crate) async fn pause(failures: u32) {
    sleep(backoff(failures)).await;
}

fn backoff(failures: u32) -> Duration {
    let bound = Duration::from_millis(200).saturating_mul(1 << failures.min(7));
    bound.mul_f64(fastrand::f64())
}

pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::file(path, "cannot be written", source)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_FILE, journal, piece};

    #[test]
    fn no_length_has_more_pieces_than_a_journal_and_no_number_overflows() {
        for length in [0, 1, 1 << 45, LONGEST_FILE - 1, LONGEST_FILE] {
            for connections in [0, 1, 3, 4, 128, usize::MAX] {
                let pieces = length.div_ceil(piece(length, connections));
                assert!(
                    pieces <= journal::MAX_PIECES as u64,
                    "{length} {connections}"
                );
            }
        }
        for connections in [0, 1, usize::MAX] {
            assert!(piece(u64::MAX, connections) > 0);
        }
    }

    #[test]
    fn every_connection_has_as_many_pieces_as_the_others() {
        for mebibytes in [1, 7, 40, 160, 1024, 100_000] {
            let length = mebibytes << 20;
            for connections in [1, 4, 8] {
                let piece = piece(length, connections);
                assert!(
                    (1 << 20..=64 << 20).contains(&piece),
                    "{mebibytes} {connections}"
                );
                let pieces = length.div_ceil(piece);
                let even = pieces % connections as u64 == 0 || pieces < connections as u64;
                assert!(even, "{mebibytes} {connections}: {pieces}");
            }
        }
    }
}
