//! A snapshot's file, as it streams in.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, ETAG};
use tokio::time::Instant;

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
    /// The bytes of the current window, and the time that was waited for them.
    window: (usize, Duration),
}

/// A download that brings fewer bytes within one read timeout is stalled, however steadily they
/// drip.
const STALLED: usize = 1 << 10;

impl Download {
    pub(crate) fn new(headers: &HeaderMap, body: Incoming, timer: Timer) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            length: text(CONTENT_LENGTH).and_then(|value| value.trim().parse().ok()),
            etag: text(ETAG).map(str::to_owned),
            body,
            timer,
            window: (0, Duration::ZERO),
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
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) if less than 1 KiB comes within the client's read timeout, and
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if the connection breaks before the announced end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let before = Instant::now();
        let chunk = body::next(&mut self.body, &mut self.timer).await?;
        // Only waiting counts: whoever writes the file may take its time.
        self.window.1 += before.elapsed();
        if let Some(chunk) = &chunk {
            self.window.0 += chunk.len();
            if self.window.1 >= self.timer.read_limit() {
                if self.window.0 < STALLED {
                    return Err(self.timer.out_of_time().into());
                }
                self.window = (0, Duration::ZERO);
            }
        }
        Ok(chunk)
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
