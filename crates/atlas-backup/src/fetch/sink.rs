//! Where the bytes of a file go: a file of this machine, an object in a store, standard output.

use std::future::Future;
use std::ops::Range;

use bytes::Bytes;

use super::Stop;
use super::source::Announced;
use crate::error::Error;
use crate::inspect::Found;
use crate::journal::Head;
use crate::progress::Progress;

/// What takes a file, and looks into it on the way.
pub(crate) trait Sink: Send + Sync {
    type Span: Span;

    /// How much of a file is asked for first: no more than its first span has.
    fn first(&self) -> u64;

    /// What an earlier attempt or an earlier run began, if it can go on.
    fn resume(&mut self) -> impl Future<Output = Result<Option<Head>, Error>> + Send;

    /// Begins a file that comes in spans, in place of what was begun before.
    fn begin(&mut self, head: &Head) -> impl Future<Output = Result<(), Error>> + Send;

    /// Begins a file that comes in one stream. Its span misses all but what is kept of an earlier
    /// stream, which the new one brings once more.
    ///
    /// # Errors
    /// [`Stop::Changed`] if something is kept that cannot be of the same file.
    fn begin_stream(
        &mut self,
        announced: &Announced,
    ) -> impl Future<Output = Result<Self::Span, Stop>> + Send;

    /// The next span to fetch; `None` if all were taken. May wait for room.
    fn take(&self) -> impl Future<Output = Result<Option<Self::Span>, Error>> + Send;

    /// How many bytes are there.
    fn received(&self) -> u64;

    /// Whether anything of an earlier run is part of the file.
    fn is_resumed(&self) -> bool;

    /// What was begun counts no more, since the store's file is another one.
    fn restart(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Waits until the whole file is where it should be, and was looked into.
    fn finish(
        &mut self,
        length: u64,
        progress: Progress<'_>,
    ) -> impl Future<Output = Result<Found, Error>> + Send;
}

/// Bytes in a row. Dropping one that is not complete lets another take what is missing.
pub(crate) trait Span: Send {
    /// The bytes that are missing of it.
    fn missing(&self) -> Range<u64>;

    /// Takes the next of its bytes.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// An answer has ended: what came of it is there when this is done.
    fn settle(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}
