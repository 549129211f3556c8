//! Destinations of a file: a local file, an object in a store, a writer.

use std::future::Future;
use std::ops::Range;

use bytes::Bytes;

use super::Stop;
use super::source::Announced;
use crate::error::Error;
use crate::inspect::Found;
use crate::journal::Head;
use crate::progress::Progress;

/// The destination of a file, which checks the file as it is written.
pub(crate) trait Sink: Send + Sync {
    type Span: Span;

    /// How much of a file is requested first: no more than its first span has.
    fn first(&self) -> u64;

    /// The state of an earlier attempt or run, if it can be resumed.
    fn resume(&mut self) -> impl Future<Output = Result<Option<Head>, Error>> + Send;

    /// Starts a file in spans, in place of an earlier attempt.
    fn begin(&mut self, head: &Head) -> impl Future<Output = Result<(), Error>> + Send;

    /// Starts a file in one stream. Its span misses all bytes except those kept of an earlier
    /// stream, which the new one repeats.
    ///
    /// # Errors
    /// [`Stop::Changed`] if kept bytes cannot belong to the same file.
    fn begin_stream(
        &mut self,
        announced: &Announced,
    ) -> impl Future<Output = Result<Self::Span, Stop>> + Send;

    /// The next span to download; `None` if there is none left. May wait for memory.
    fn take(&self) -> impl Future<Output = Result<Option<Self::Span>, Error>> + Send;

    /// The number of received bytes.
    fn received(&self) -> u64;

    /// Whether data of an earlier run is part of the file.
    fn is_resumed(&self) -> bool;

    /// Discards the progress, since the store's file is a different one.
    fn restart(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Waits until the whole file is in place and checked.
    fn finish(
        &mut self,
        length: u64,
        progress: Progress<'_>,
    ) -> impl Future<Output = Result<Found, Error>> + Send;
}

/// Consecutive bytes. Dropping an incomplete span lets another one cover the missing bytes.
pub(crate) trait Span: Send {
    /// The missing bytes.
    fn missing(&self) -> Range<u64>;

    /// Writes the next bytes.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// Called when a response has ended; its bytes are in place when this is done.
    fn settle(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}
