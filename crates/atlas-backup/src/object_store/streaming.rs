//! One object: from a link through verification into an upload that is completed only if it is sound.

use std::io::{self, Read};

use atlas_model::SnapshotUrl;
use atlas_transport::{ByteRange, Download};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Stored;
use super::commit::Commit;
use super::upload::{Place, Upload};
use crate::backups::Backups;
use crate::checksums::Checksums;
use crate::error::Error;
use crate::fetch::{Links, Renewals, is_strong};
use crate::manifest::Manifest;
use crate::progress::{Event, Progress};
use crate::retries::Retries;
use crate::saving::OneFile;
use crate::verify::{Found, inspect_reader};

/// How many pieces may wait to be verified.
const WAITING: usize = 16;
/// How many bytes are taken before their number is told.
const TOLD: u64 = 64 << 10;

/// One object that is being written.
pub(super) struct Streaming<'a> {
    pub(super) backups: &'a Backups,
    pub(super) place: Place,
    /// The objects of other shards.
    pub(super) stored: &'a [Stored],
    pub(super) progress: Progress<'a>,
    /// When a request that failed is sent again.
    pub(super) retries: &'a Retries,
}

impl Streaming<'_> {
    /// Streams a file into the store; completes the object only if it is sound.
    pub(super) async fn run(
        &self,
        mut link: SnapshotUrl,
        mut links: impl Links,
        file: &OneFile<'_>,
        replace: bool,
    ) -> Result<Manifest, Error> {
        let client = &self.backups.file_client(1);
        let mut renewals = Renewals::new(self.retries);
        self.progress.next_file();
        let first = loop {
            match self.retries.run(|| client.download(&link)).await {
                Ok(first) => break first,
                Err(error) if error.link_expired() && renewals.may_take(0) => {
                    link = links.fresh().await?;
                    self.progress.tell(Event::LinkRenewed);
                }
                Err(error) => return Err(error),
            }
        };
        let mut upload = Upload::start(self.place.clone(), first.length()).await?;
        let copied = self.copy(first, link, links, renewals, &mut upload);
        let found = match copied.await {
            Ok(found) => found,
            Err(error) => return Err(upload.abort(error).await),
        };
        let manifest = file.manifest(found.bytes, found.sha256);
        let others = self.stored.iter().map(|stored| &stored.manifest);
        if let Err(error) = manifest.check_distinct(others) {
            return Err(upload.abort(error).await);
        }
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        text.push(b'\n');
        let commit = Commit {
            manifest: text.into(),
            bytes: found.bytes,
            replace,
        };
        upload.commit(|uploaded| uploaded.commit(commit)).await?;
        Ok(manifest)
    }

    async fn copy(
        &self,
        first: Download,
        mut link: SnapshotUrl,
        mut links: impl Links,
        mut renewals: Renewals,
        upload: &mut Upload,
    ) -> Result<Found, Error> {
        let announced = first.length();
        let checksums = Checksums::announced(&first);
        let etag = first.etag().filter(|tag| is_strong(tag)).map(str::to_owned);
        self.progress.started(announced, 0);
        let (sender, pieces) = mpsc::channel(WAITING);
        let verifying =
            tokio::task::spawn_blocking(move || inspect_reader(Pieces::new(pieces), &checksums));
        let (mut received, mut failures) = (0, self.retries.failures());
        let mut opened = Some(first);
        loop {
            let before = received;
            let error = match opened.take() {
                Some(download) => match self
                    .pour(download, announced, upload, &sender, &mut received)
                    .await
                {
                    Ok(()) if announced.is_none_or(|length| length == received) => break,
                    Ok(()) => Error::Length {
                        received,
                        expected: announced.unwrap_or(received),
                    },
                    Err(error) => error,
                },
                None => match self.open_at(&link, received, etag.as_deref()).await {
                    Ok(download) => {
                        opened = Some(download);
                        continue;
                    }
                    Err(error) => error,
                },
            };
            if received > before && !error.is_too_slow() {
                failures.progressed();
            }
            if error.link_expired() && renewals.may_take(received) {
                link = links.fresh().await?;
                self.progress.tell(Event::LinkRenewed);
                continue;
            }
            tracing::info!(%error, "the stream broke");
            // A part that was not stored is not met again from here: the upload would lack it.
            let is_of_source = matches!(error, Error::Call(_) | Error::Length { .. });
            // Without a strong tag, it cannot be told whether what follows is of the same file.
            if !is_of_source || etag.is_none() || !failures.wait_out(&error).await {
                return Err(error);
            }
        }
        drop(sender);
        upload.finish().await?;
        self.progress.tell(Event::Verifying);
        let verified = verifying.await.map_err(io::Error::from);
        verified.map_err(|error| {
            Error::file(
                std::path::Path::new(&self.place.url),
                "cannot be verified",
                error,
            )
        })?
    }

    /// Opens the rest of the file.
    async fn open_at(
        &self,
        link: &SnapshotUrl,
        first: u64,
        etag: Option<&str>,
    ) -> Result<Download, Error> {
        let range = ByteRange {
            first,
            last: None,
            if_range: etag.map(str::to_owned),
        };
        let client = self.backups.file_client(1);
        let download = client.download_part(link, &range).await?;
        if download.part().is_none() || download.etag().is_some_and(|tag| Some(tag) != etag) {
            return Err(Error::Changed);
        }
        Ok(download)
    }

    /// Hands what comes to the upload and to the thread that verifies it.
    async fn pour(
        &self,
        mut download: Download,
        announced: Option<u64>,
        upload: &mut Upload,
        verified: &mpsc::Sender<Bytes>,
        received: &mut u64,
    ) -> Result<(), Error> {
        let mut untold = 0;
        let ended = loop {
            let chunk = match download.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break Ok(()),
                // All has come, however the connection ended.
                Err(_) if announced == Some(*received) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            let bytes = chunk.len() as u64;
            let sum = received.saturating_add(bytes);
            if let Some(expected) = announced.filter(|length| sum > *length) {
                break Err(Error::Length {
                    received: sum,
                    expected,
                });
            }
            // A thread that has found a fault has ended; the fault is reported in the end.
            let _ = verified.send(chunk.clone()).await;
            upload.write(chunk).await?;
            *received = sum;
            untold += bytes;
            if untold >= TOLD {
                self.progress.received(std::mem::take(&mut untold));
            }
        };
        self.progress.received(untold);
        ended
    }
}

/// What comes through a channel, as a reader.
struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    left: Bytes,
}

impl Pieces {
    fn new(receiver: mpsc::Receiver<Bytes>) -> Self {
        Self {
            receiver,
            left: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.left = piece,
                None => return Ok(0),
            }
        }
        let length = self.left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.left.split_to(length));
        Ok(length)
    }
}
