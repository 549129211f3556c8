//! What the sandbox answers with: bytes, or a range of a snapshot's file that is made on the way.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::snapshot_file::SnapshotFile;

/// The body of a response.
#[derive(Debug, Clone)]
pub struct Body(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Bytes(Bytes),
    File {
        file: SnapshotFile,
        next: u64,
        end: u64,
    },
}

/// How much of a file is made at a time.
const PIECE: u64 = 256 << 10;

impl Body {
    /// The bytes of a file from `start` up to and without `end`.
    pub(crate) fn file(file: SnapshotFile, start: u64, end: u64) -> Self {
        Self(Kind::File {
            file,
            next: start,
            end,
        })
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::File { next, end, .. } => end - next,
        }
    }

    /// All of it, in memory.
    pub fn into_bytes(mut self) -> Bytes {
        if let Kind::Bytes(bytes) = self.0 {
            return bytes;
        }
        let mut all = Vec::new();
        while let Some(piece) = self.piece() {
            all.extend_from_slice(&piece);
        }
        all.into()
    }

    fn piece(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Kind::Bytes(bytes) if bytes.is_empty() => None,
            Kind::Bytes(bytes) => Some(std::mem::take(bytes)),
            Kind::File { file, next, end } => {
                let length = usize::try_from(PIECE.min(*end - *next)).unwrap_or(0);
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
        Self(Kind::Bytes(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
