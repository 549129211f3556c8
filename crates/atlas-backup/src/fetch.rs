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
mod pieces;

use std::future::Future;
use std::path::Path;

use atlas_model::SnapshotUrl;
use atlas_transport::{ByteRange, Client, ContentRange, Download, ErrorKind};

use crate::checksums::Checksums;
use crate::error::Error;
use crate::journal::{self, Head, Journal};
use crate::progress::{Event, Progress};
use crate::retries::Retries;

use part_file::{Part, PartFile};

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
    /// When a request that failed is sent again.
    pub(crate) retries: Retries,
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
pub(crate) fn workers(connections: usize) -> usize {
    connections.clamp(1, 128)
}

/// How many attempts end with a file that changed, unless the policy has fewer.
const RESTARTS: u32 = 3;
/// How many new links one download may take without a byte of progress in between, unless the policy
/// has fewer attempts.
const RENEWALS: u32 = 3;
/// The longest tag that a journal keeps, so that its first line stays short enough to be read.
const LONGEST_TAG: usize = 1 << 10;

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
    let attempts = plan.retries.attempts();
    let mut renewals = Renewals::new(&plan.retries);
    let mut restarts = 0;
    progress.next_file();
    loop {
        let stop = match attempt(client, &link, part, plan, progress).await {
            Ok(fetched) => return Ok(fetched),
            Err(stop) => stop,
        };
        match stop {
            Stop::Changed => {
                restarts += 1;
                // Even after the last attempt, or the next run would meet the same.
                claim(part, plan)?;
                if restarts >= RESTARTS.min(attempts) {
                    return Err(Error::Changed);
                }
                progress.tell(Event::StartedOver);
            }
            Stop::Failed(error) if error.link_expired() => {
                let now = Journal::resume(&part.path, &plan.source).map_or(0, |it| it.received());
                if !renewals.may_take(now) {
                    return Err(error);
                }
                link = links.fresh().await?;
                progress.tell(Event::LinkRenewed);
            }
            Stop::Failed(error) => return Err(error),
        }
    }
}

/// How many new links were taken without a byte of progress in between.
///
/// A link that has ended is not a failure that a policy ends at once: it ends four hours after it
/// was made, whatever is being downloaded.
pub(crate) struct Renewals {
    most: u32,
    taken: u32,
    received: u64,
}

impl Renewals {
    pub(crate) fn new(retries: &Retries) -> Self {
        Self {
            most: RENEWALS.min(retries.attempts()),
            taken: 0,
            received: 0,
        }
    }

    /// Takes another, after so many bytes; `false` if there is to be none.
    pub(crate) fn may_take(&mut self, received: u64) -> bool {
        if received > self.received {
            (self.taken, self.received) = (0, received);
        }
        self.taken = self.taken.saturating_add(1);
        self.taken <= self.most
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
        progress.started(Some(journal.head.length), journal.received());
        return pieces::fetch(client, link, part, plan, journal, None, progress).await;
    }
    let range = ByteRange {
        first: 0,
        last: Some(FIRST - 1),
        if_range: None,
    };
    let retries = &plan.retries;
    let first = retries.run(|| client.download_part(link, &range)).await;
    let first = match first {
        Ok(first) => first,
        // An empty file has no first byte; a store may also have no sense of ranges at all.
        Err(error) if is_about_the_range(&error) => retries.run(|| client.download(link)).await?,
        Err(error) => return Err(error.into()),
    };
    let Some(ContentRange::Part {
        length: Some(length),
        ..
    }) = first.part()
    else {
        return whole(client, link, part, plan, first, progress).await;
    };
    check_length(Some(length))?;
    let Some(etag) = strong(&first) else {
        // Parts of two answers cannot be told to be of one file.
        let first = retries.run(|| client.download(link)).await?;
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
    progress.started(Some(length), 0);
    pieces::fetch(client, link, part, plan, journal, Some(first), progress).await
}

/// The tag of a file, if it is one that its bytes can be told by (RFC 9110 section 8.8.1).
fn strong(download: &Download) -> Option<String> {
    download
        .etag()
        .filter(|tag| is_strong(tag))
        .map(str::to_owned)
}

/// Whether a tag is strong, can be sent back, and is short enough for a journal.
pub(crate) fn is_strong(tag: &str) -> bool {
    let is_quoted = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
    is_quoted && tag.len() <= LONGEST_TAG && tag.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

fn is_about_the_range(error: &Error) -> bool {
    let Error::Call(error) = error else {
        return false;
    };
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
    // The store answers, so a stream that breaks is no outage; opening it again waits one out.
    let retries = plan.retries.brief();
    let mut failures = retries.failures();
    loop {
        claim(part, plan)?;
        let announced = download.length();
        check_length(announced)?;
        progress.started(announced, 0);
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
        if !failures.wait_out(&error).await {
            return Err(error.into());
        }
        download = plan.retries.run(|| client.download(link)).await?;
    }
}

/// What is there of the file cannot be gone on with; the file is still this program's.
fn claim(part: &Part, plan: &Plan) -> Result<(), Error> {
    journal::claim(&part.path, &plan.source).map_err(|error| unwritable(&part.path, error))
}

/// Refuses a file that is longer than any snapshot.
fn check_length(length: Option<u64>) -> Result<(), Error> {
    match length {
        Some(announced) if announced > LONGEST_FILE => Err(Error::TooLong { announced }),
        _ => Ok(()),
    }
}

async fn stream(part: &Part, mut download: Download, progress: Progress<'_>) -> Result<u64, Error> {
    part.create(0).await?;
    let mut file = PartFile::open(part, 0, part_file::batch(u64::MAX, 4))?;
    while let Some(chunk) = download.chunk().await? {
        if let Some(bytes) = file.write(chunk).await? {
            progress.received(bytes);
        }
        check_length(Some(file.position()))?;
    }
    progress.received(file.finish().await?);
    Ok(file.position())
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
