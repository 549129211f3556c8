//! A snapshot's file, as it streams in.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, ETAG};

use crate::body;
use crate::carry::Incoming;
use crate::error::Error;
use crate::timer::Timer;

/// A snapshot's file under way, from [`Client::download`](crate::Client::download).
///
/// No file or path name is taken from the server. Dropping it ends the transfer.
pub struct Download {
    length: Option<u64>,
    etag: Option<String>,
    body: Incoming,
    timer: Timer,
}

impl Download {
    pub(crate) fn new(headers: &HeaderMap, body: Incoming, timer: Timer) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            length: text(CONTENT_LENGTH).and_then(|value| value.trim().parse().ok()),
            etag: text(ETAG).map(str::to_owned),
            body,
            timer,
        }
    }

    /// How many bytes the store announced, if it did.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The store's tag of this very file, if it gave one.
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Waits for the next bytes; `None` at the end of the file.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if nothing comes within the client's read timeout, and
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if the connection breaks before the announced end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(body::next(&mut self.body, &mut self.timer).await?)
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}
