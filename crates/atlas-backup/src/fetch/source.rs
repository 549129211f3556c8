//! The store's side of a download: opening a file or a part of it, and checking whether it is still
//! the same file.

use std::sync::Arc;

use atlas_model::SnapshotUrl;
use atlas_transport::{ByteRange, Client, ContentRange, Download, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Stop;
use crate::checksums::Checksums;
use crate::error::Error;
use crate::journal::Head;
use crate::retries::Retries;

/// How a file is downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In parts, where the store supports it.
    Spans,
    /// As a whole.
    Stream,
}

/// A file at its beginning.
pub(crate) enum Opened {
    /// Its parts can be requested; this is the first.
    Spans(Head, Transfer),
    /// The whole file.
    Stream(Transfer),
}

/// A response in progress, with its connection permit.
pub(crate) struct Transfer {
    pub(super) download: Download,
    _permit: OwnedSemaphorePermit,
}

/// The properties of a file in the headers of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) length: Option<u64>,
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<String>,
    pub(crate) checksums: Checksums,
}

impl Announced {
    pub(super) fn of(download: &Download) -> Self {
        Self {
            length: download.length(),
            etag: download.etag().map(str::to_owned),
            modified: last_modified(download).map(str::to_owned),
            checksums: Checksums::announced(download),
        }
    }
}

/// The longest tag that a journal keeps, so that its first line stays within its limit.
const LONGEST_TAG: usize = 1 << 10;

/// Whether a tag is strong (RFC 9110 section 8.8.1), can be sent back, and is short enough for a
/// journal.
pub(crate) fn is_strong(tag: &str) -> bool {
    let is_quoted = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
    is_quoted && tag.len() <= LONGEST_TAG && tag.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// A link, and the limits for its requests.
pub(super) struct Source<'a> {
    /// For whole files.
    pub(super) client: &'a Client,
    /// For parts, whose rate is checked together.
    pub(super) parts: &'a Client,
    pub(super) link: &'a SnapshotUrl,
    pub(super) retries: &'a Retries,
    /// One permit is needed for each connection to a file host.
    pub(super) permits: &'a Arc<Semaphore>,
}

impl Source<'_> {
    /// Opens a file by its first `length` bytes, so that they arrive as soon as in one stream.
    pub(super) async fn first(&self, length: u64) -> Result<Opened, Error> {
        let range = ByteRange {
            first: 0,
            last: Some(length.saturating_sub(1)),
            if_range: None,
        };
        let opened = self.retries.run(|| self.open_part(&range));
        let opened = match opened.await {
            Ok(opened) => opened,
            // An empty file has no first byte; a store may also not support ranges.
            Err(error) if is_about_the_range(&error) => {
                return Ok(Opened::Stream(self.whole().await?));
            }
            Err(error) => return Err(error),
        };
        let first = &opened.download;
        let Some(ContentRange::Part {
            length: Some(length),
            ..
        }) = first.part()
        else {
            if first.part().is_none() {
                return Ok(Opened::Stream(opened));
            }
            drop(opened);
            return Ok(Opened::Stream(self.whole().await?));
        };
        let (etag, modified) = (strong(first), last_modified(first));
        if etag.or(modified).is_none() {
            // Without a validator, parts of two responses might be of different files.
            drop(opened);
            return Ok(Opened::Stream(self.whole().await?));
        }
        let head = Head::new(length, etag, modified, Checksums::announced(first));
        Ok(Opened::Spans(head, opened))
    }

    /// Opens the whole file.
    pub(super) async fn whole(&self) -> Result<Transfer, Error> {
        self.retries.run(|| self.open_whole()).await
    }

    async fn open_whole(&self) -> Result<Transfer, Error> {
        let permit = self.permit().await?;
        Ok(Transfer {
            download: self.client.download(self.link).await?,
            _permit: permit,
        })
    }

    async fn open_part(&self, range: &ByteRange) -> Result<Transfer, Error> {
        let permit = self.permit().await?;
        Ok(Transfer {
            download: self.parts.download_part(self.link, range).await?,
            _permit: permit,
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = self.permits.clone().acquire_owned().await;
        // The semaphore is never closed.
        permit.map_err(|_| Error::Usage {
            what: "no connections are allowed; allow at least one".to_owned(),
        })
    }

    /// Opens a part of a known file, without retries.
    pub(super) async fn part(&self, head: &Head, first: u64, end: u64) -> Result<Transfer, Stop> {
        let range = ByteRange {
            first,
            last: Some(end.saturating_sub(1)),
            if_range: Some(head.validator().to_owned()),
        };
        let opened = match self.open_part(&range).await {
            Ok(opened) => opened,
            Err(error) => {
                // The file was truncated, or the server no longer supports ranges.
                if is_about_the_range(&error) {
                    return Err(Stop::Changed);
                }
                return Err(Stop::Failed(error));
            }
        };
        let is_same_length = match opened.download.part() {
            Some(ContentRange::Part { length, .. }) => {
                length.is_none_or(|length| length == head.length)
            }
            _ => false,
        };
        if is_same_length && is_of(head, &opened.download) {
            Ok(opened)
        } else {
            Err(Stop::Changed)
        }
    }
}

/// Whether a response may belong to the file.
fn is_of(head: &Head, download: &Download) -> bool {
    match &head.modified {
        Some(moment) => last_modified(download).is_none_or(|it| it == moment),
        None => download.etag().is_none_or(|tag| tag == head.etag),
    }
}

/// The tag of a file, if it is strong.
fn strong(download: &Download) -> Option<&str> {
    download.etag().filter(|tag| is_strong(tag))
}

fn last_modified(download: &Download) -> Option<&str> {
    let moment = download.header("last-modified")?;
    is_moment(moment).then_some(moment)
}

/// Whether a text is an HTTP date, such as `Wed, 21 Oct 2026 07:28:00 GMT`.
pub(crate) fn is_moment(text: &str) -> bool {
    text.len() == 29 && text.ends_with(" GMT") && jiff::fmt::rfc2822::parse(text).is_ok()
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
