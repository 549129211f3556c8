//! Response bodies: bytes, or a range of a snapshot file that is generated while it is sent.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::snapshot_file::{Reader, SnapshotFile};

/// The body of a response.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// The number of bytes left until it stops, and how it stops.
    stops: Option<(u64, Stop)>,
    pace: Option<Pace>,
    /// Counts the sent bytes.
    sent: Option<Arc<AtomicU64>>,
}

/// How a body stops early.
#[derive(Debug)]
enum Stop {
    /// Breaks off once the preceding bytes had a chance to be flushed.
    Break { flushed: bool },
    /// Stalls forever; counted when it does.
    Stall(Option<Arc<AtomicU64>>),
}

/// A rate in bytes per second.
#[derive(Debug)]
struct Pace {
    rate: u64,
    wait: Pin<Box<tokio::time::Sleep>>,
}

#[derive(Debug)]
enum Kind {
    Bytes(Bytes),
    File { file: Reader, next: u64, end: u64 },
}

/// The number of pieces per second of a slow body.
const BEATS: u64 = 10;
/// The number of bytes of a file that are generated at a time.
const PIECE: usize = 256 << 10;

impl Body {
    /// The bytes of a file from `start` to `end`, exclusive.
    pub(crate) fn file(file: &SnapshotFile, start: u64, end: u64) -> Self {
        Self::of(Kind::File {
            file: file.reader(),
            next: start,
            end,
        })
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            sent: None,
            stops: None,
            pace: None,
        }
    }

    /// Counts the bytes that are sent.
    pub(crate) fn counted(mut self, sent: Arc<AtomicU64>) -> Self {
        self.sent = Some(sent);
        self
    }

    fn count(&self, bytes: usize) {
        if let Some(sent) = &self.sent {
            sent.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Breaks off after this number of bytes, regardless of the announced length.
    pub(crate) fn breaking_after(mut self, bytes: u64) -> Self {
        self.stops = Some((bytes, Stop::Break { flushed: false }));
        self
    }

    /// Stalls after this number of bytes, and increments the counter when it does.
    pub(crate) fn stalling_after(mut self, bytes: u64, stalled: Arc<AtomicU64>) -> Self {
        self.stops = Some((bytes, Stop::Stall(Some(stalled))));
        self
    }

    /// Limits the rate to this number of bytes per second; requires a Tokio runtime.
    pub(crate) fn at_rate(mut self, rate: u64) -> Self {
        let wait = Box::pin(tokio::time::sleep(Duration::ZERO));
        self.pace = Some(Pace { rate, wait });
        self
    }

    /// Returns the number of remaining bytes.
    pub fn length(&self) -> u64 {
        match &self.kind {
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::File { next, end, .. } => end - next,
        }
    }

    /// Returns the whole body in memory.
    pub fn into_bytes(mut self) -> Bytes {
        if let Kind::Bytes(bytes) = self.kind {
            return bytes;
        }
        let mut all = Vec::new();
        while let Some(piece) = self.piece(PIECE) {
            all.extend_from_slice(&piece);
        }
        self.count(all.len());
        all.into()
    }

    /// The maximum size of the next piece.
    fn limit(&self) -> usize {
        let paced = self
            .pace
            .as_ref()
            .map_or(u64::MAX, |pace| (pace.rate / BEATS).max(1));
        let left = self.stops.as_ref().map_or(u64::MAX, |(left, _)| *left);
        usize::try_from(paced.min(left)).map_or(PIECE, |limit| limit.min(PIECE))
    }

    fn piece(&mut self, limit: usize) -> Option<Bytes> {
        match &mut self.kind {
            Kind::Bytes(bytes) if bytes.is_empty() => None,
            Kind::Bytes(bytes) => {
                let length = bytes.len().min(limit);
                Some(bytes.split_to(length))
            }
            Kind::File { file, next, end } => {
                let length = usize::try_from(*end - *next).map_or(limit, |left| left.min(limit));
                let mut piece = vec![0; length];
                let read = file.read(*next, &mut piece);
                piece.truncate(read);
                *next += read as u64;
                (!piece.is_empty()).then(|| piece.into())
            }
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(Kind::Bytes(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pace) = &mut self.pace {
            ready!(pace.wait.as_mut().poll(context));
        }
        if let Some((0, stop)) = &mut self.stops {
            match stop {
                Stop::Break { flushed: true } => {
                    let error = io::ErrorKind::ConnectionReset.into();
                    return Poll::Ready(Some(Err(error)));
                }
                Stop::Break { flushed } => {
                    *flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stop::Stall(stalled) => {
                    if let Some(stalled) = stalled.take() {
                        stalled.fetch_add(1, Ordering::SeqCst);
                    }
                    // Nothing wakes it: it is dropped when the connection closes.
                    return Poll::Pending;
                }
            }
        }
        let limit = self.limit();
        let Some(piece) = self.piece(limit) else {
            return Poll::Ready(None);
        };
        if let Some((left, _)) = &mut self.stops {
            *left -= piece.len() as u64;
        }
        self.count(piece.len());
        if let Some(pace) = &mut self.pace {
            let nanoseconds = piece.len() as u64 * 1_000_000_000 / pace.rate.max(1);
            let due = tokio::time::Instant::now() + Duration::from_nanos(nanoseconds);
            pace.wait.as_mut().reset(due);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0 && self.stops.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
