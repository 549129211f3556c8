//! A file in pieces, each with its own connection and its own place in the journal.

use std::sync::{Mutex, MutexGuard, PoisonError};

use atlas_model::SnapshotUrl;
use atlas_transport::{ByteRange, Client, ContentRange, Download};
use futures_util::future::try_join_all;

use super::part_file::{Part, PartFile, batch};
use super::{Fetched, Plan, Stop, unwritable, workers};
use crate::error::Error;
use crate::journal::Journal;
use crate::progress::Progress;
use crate::retries::Retries;

/// What the connections share.
struct Shared<'a> {
    client: &'a Client,
    link: &'a SnapshotUrl,
    part: &'a Part,
    progress: Progress<'a>,
    retries: &'a Retries,
    journal: Mutex<Journal>,
    /// The first piece that nobody took.
    next: Mutex<usize>,
    batch: usize,
}

/// Fetches what is missing; `first` is a download of the file's beginning that was opened already.
pub(super) async fn fetch(
    client: &Client,
    link: &SnapshotUrl,
    part: &Part,
    plan: &Plan,
    journal: Journal,
    first: Option<Download>,
    progress: Progress<'_>,
) -> Result<Fetched, Stop> {
    let workers = workers(plan.connections);
    let shared = Shared {
        batch: batch(journal.head.length, workers),
        client,
        link,
        part,
        progress,
        retries: &plan.retries,
        journal: Mutex::new(journal),
        next: Mutex::new(0),
    };
    let mut first = first;
    try_join_all((0..workers).map(|_| shared.work(first.take()))).await?;
    let journal = shared.journal();
    if !journal.is_complete() {
        return Err(Stop::Failed(Error::Length {
            received: journal.received(),
            expected: journal.head.length,
        }));
    }
    Ok(Fetched {
        length: journal.head.length,
        checksums: journal.head.checksums.clone(),
    })
}

impl Shared<'_> {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next piece that is not whole.
    fn take(&self) -> Option<usize> {
        let journal = self.journal();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        while *next < journal.done.len() {
            let piece = *next;
            *next += 1;
            if journal.done[piece] < journal.head.size(piece) {
                return Some(piece);
            }
        }
        None
    }

    /// Fetches pieces until none is left.
    async fn work(&self, mut opened: Option<Download>) -> Result<(), Stop> {
        while let Some(piece) = self.take() {
            self.piece(piece, opened.take()).await?;
        }
        Ok(())
    }

    /// Fetches one piece, going on where it was after every failure.
    async fn piece(&self, piece: usize, mut opened: Option<Download>) -> Result<(), Stop> {
        let mut failures = self.retries.failures();
        loop {
            let (have, size, start) = {
                let journal = self.journal();
                let head = &journal.head;
                (journal.done[piece], head.size(piece), head.start(piece))
            };
            if have >= size {
                return Ok(());
            }
            let got = match opened.take() {
                Some(download) => self.receive(piece, download).await,
                None => self.ask(piece, start + have, start + size - 1).await,
            };
            let error = match got {
                Ok(()) => None,
                Err(Stop::Failed(error)) if error.is_transient() => Some(error),
                Err(stop) => return Err(stop),
            };
            let progressed = self.journal().done[piece] > have;
            // What came too slowly is no progress: it would go on like that for ever.
            if progressed && !error.as_ref().is_some_and(Error::is_too_slow) {
                failures.progressed();
            }
            let error = match error {
                None if progressed => continue,
                None => Error::Length {
                    received: have,
                    expected: size,
                },
                Some(error) => error,
            };
            tracing::info!(piece, %error, "a connection broke; the piece goes on");
            if !failures.wait_out(&error).await {
                return Err(error.into());
            }
        }
    }

    async fn ask(&self, piece: usize, first: u64, last: u64) -> Result<(), Stop> {
        let (etag, length) = {
            let journal = self.journal();
            (journal.head.etag.clone(), journal.head.length)
        };
        let range = ByteRange {
            first,
            last: Some(last),
            if_range: Some(etag.clone()),
        };
        let download = self.client.download_part(self.link, &range).await?;
        let same = match download.part() {
            Some(ContentRange::Part {
                length: Some(known),
                ..
            }) => known == length,
            Some(ContentRange::Part { length: None, .. }) => true,
            _ => false,
        };
        if !same || download.etag().is_some_and(|tag| tag != etag) {
            return Err(Stop::Changed);
        }
        self.receive(piece, download).await
    }

    /// Writes what a download brings, from where the piece is.
    async fn receive(&self, piece: usize, mut download: Download) -> Result<(), Stop> {
        let (mut have, size, start) = {
            let journal = self.journal();
            let head = &journal.head;
            (journal.done[piece], head.size(piece), head.start(piece))
        };
        let mut file = PartFile::open(self.part, start + have, self.batch)?;
        let mut left = size - have;
        let ended = loop {
            match download.chunk().await {
                Ok(Some(chunk)) if chunk.len() as u64 > left => {
                    // More than was asked for is not of this piece, whatever it is.
                    break Err(Error::Length {
                        received: size - left + chunk.len() as u64,
                        expected: size,
                    });
                }
                Ok(Some(chunk)) => {
                    left -= chunk.len() as u64;
                    if let Some(written) = file.write(chunk).await? {
                        have = self.note(piece, have, written)?;
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        // What came before a failure is kept.
        let written = file.finish().await?;
        self.note(piece, have, written)?;
        Ok(ended?)
    }

    fn note(&self, piece: usize, have: u64, written: u64) -> Result<u64, Error> {
        let have = have + written;
        if written > 0 {
            self.journal()
                .note(piece, have)
                .map_err(|error| unwritable(&self.part.path, error))?;
            self.progress.received(written);
        }
        Ok(have)
    }
}
