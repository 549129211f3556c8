//! A sink without a file: parts are held in memory up to a limit, passed on in any order and
//! checked in the order of the bytes.

mod chunks;
mod shared;
mod span;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};
use tokio::task::JoinHandle;

use super::sink::Sink;
use super::source::Announced;
use super::{LONGEST_FILE, Stop};
use crate::checksums::Checksums;
use crate::error::Error;
use crate::inspect::{Found, Inspection};
use crate::journal::Head;
use crate::progress::Progress;
pub(crate) use chunks::Chunks;
pub(crate) use shared::Part;
use shared::{Filling, Shared, given_up};
use span::WindowSpan;

/// The destination of the parts of a file.
pub(crate) trait Output: Send + Sync + 'static {
    /// The length of the part at an index, in a file of a known or unknown length.
    fn part_size(&self, length: Option<u64>, index: usize) -> u64;

    /// The memory for parts, in bytes.
    fn memory(&self) -> u32;

    /// The state of an earlier run, if it can be resumed.
    fn resume(&self) -> impl Future<Output = Result<Option<Head>, Error>> + Send;

    /// Starts a file, or continues the one that was resumed; any other progress is discarded.
    fn begin(
        &self,
        head: Option<&Head>,
        length: Option<u64>,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Accepts a part, in any order. Its memory is released when all clones of it are dropped.
    fn put(&self, part: Part) -> Result<(), Error>;

    /// Accepts bytes in order.
    fn next(&self, bytes: &Bytes) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether nothing was passed on that cannot be undone.
    fn can_restart(&self) -> bool;

    /// Waits until every accepted part is in place.
    fn settle(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Parts in memory, for an output.
pub(crate) struct Window<'a, O> {
    output: Arc<O>,
    /// The name of the destination, for errors.
    name: String,
    progress: Progress<'a>,
    file: Option<File>,
}

/// A file in progress.
struct File {
    shared: Arc<Shared>,
    kind: Kind,
    /// Passes the bytes on in order.
    sequence: Ending,
    inspection: Option<Inspection>,
}

enum Kind {
    Spans(Head),
    Stream(Announced),
}

/// A task that is aborted with its owner.
struct Ending(JoinHandle<()>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How many chunks may wait for the check.
const WAITING: usize = 16;

impl<'a, O: Output> Window<'a, O> {
    /// Creates a window for an output; `name` is used in errors.
    pub(crate) fn new(output: Arc<O>, name: String, progress: Progress<'a>) -> Self {
        Self {
            output,
            name,
            progress,
            file: None,
        }
    }

    async fn start(&mut self, kind: Kind) -> Result<(), Error> {
        // Before anything else is started.
        self.file = None;
        let (head, length, checksums) = match &kind {
            Kind::Spans(head) => (Some(head), Some(head.length), &head.checksums),
            Kind::Stream(announced) => (None, announced.length, &announced.checksums),
        };
        self.output.begin(head, length).await?;
        let (complete, parts) = mpsc::unbounded_channel();
        let (checked, chunks) = mpsc::channel(WAITING);
        let inspection = self.inspect(chunks, checksums)?;
        let broken = inspection.broken().clone();
        let shared = Arc::new(Shared::new(self.output.memory(), complete, broken));
        let sequence = sequence(self.output.clone(), shared.clone(), parts, checked);
        self.file = Some(File {
            shared,
            kind,
            sequence: Ending(tokio::spawn(sequence)),
            inspection: Some(inspection),
        });
        Ok(())
    }

    fn inspect(&self, chunks: Receiver<Bytes>, announced: &Checksums) -> Result<Inspection, Error> {
        Inspection::read(Path::new(&self.name), Chunks::new(chunks), announced)
    }

    fn span(&self, file: &File, index: usize, filling: Option<Filling>) -> WindowSpan<'a, O> {
        let length = match &file.kind {
            Kind::Spans(head) => Some(head.length),
            Kind::Stream(announced) => announced.length,
        };
        let start: u64 = (0..index)
            .map(|part| self.output.part_size(length, part))
            .sum();
        let had = filling.as_ref().map_or(0, |it| it.gathered.bytes());
        let end = match &file.kind {
            Kind::Spans(Head { length: all, .. }) => start
                .saturating_add(self.output.part_size(length, index))
                .min(*all),
            Kind::Stream(_) => LONGEST_FILE.saturating_add(1),
        };
        WindowSpan {
            output: self.output.clone(),
            shared: file.shared.clone(),
            progress: self.progress,
            length,
            is_stream: matches!(file.kind, Kind::Stream(_)),
            index,
            filling,
            missing: start.saturating_add(had)..end,
            untold: 0,
        }
    }
}

/// Passes parts on in order, to the output and to the check.
async fn sequence<O: Output>(
    output: Arc<O>,
    shared: Arc<Shared>,
    mut parts: UnboundedReceiver<Part>,
    checked: Sender<Bytes>,
) {
    let (mut ready, mut next) = (BTreeMap::new(), 0);
    while let Some(part) = parts.recv().await {
        if let Err(error) = output.put(part.clone()) {
            return shared.fail(error);
        }
        ready.insert(part.index, part);
        while let Some(part) = ready.remove(&next) {
            for bytes in &part.bytes {
                if let Err(error) = output.next(bytes).await {
                    return shared.fail(error);
                }
                // The check accepts no more after it has found a defect, which is reported at the
                // end.
                let _ = checked.send(bytes.clone()).await;
            }
            next += 1;
        }
    }
}

impl<'a, O: Output> Sink for Window<'a, O> {
    type Span = WindowSpan<'a, O>;

    fn first(&self) -> u64 {
        self.output.part_size(None, 0)
    }

    async fn resume(&mut self) -> Result<Option<Head>, Error> {
        if let Some(file) = &self.file {
            return Ok(match &file.kind {
                Kind::Spans(head) => Some(head.clone()),
                Kind::Stream(_) => None,
            });
        }
        let Some(head) = self.output.resume().await? else {
            return Ok(None);
        };
        self.start(Kind::Spans(head.clone())).await?;
        Ok(Some(head))
    }

    async fn begin(&mut self, head: &Head) -> Result<(), Error> {
        if !self.output.can_restart() {
            return Err(Error::Changed);
        }
        self.start(Kind::Spans(head.clone())).await
    }

    async fn begin_stream(&mut self, announced: &Announced) -> Result<Self::Span, Stop> {
        let is_same = match &self.file {
            Some(file) => match &file.kind {
                Kind::Stream(begun) => begun == announced,
                Kind::Spans(_) => false,
            },
            None => false,
        };
        if !is_same {
            if !self.output.can_restart() {
                return Err(Stop::Failed(Error::Changed));
            }
            self.start(Kind::Stream(announced.clone())).await?;
        }
        let Some(file) = &self.file else {
            return Err(Stop::Failed(given_up()));
        };
        let (index, filling) = {
            let mut state = file.shared.state();
            match state.returned.pop_first() {
                Some((index, filling)) => (index, Some(filling)),
                None => (state.next, None),
            }
        };
        Ok(self.span(file, index, filling))
    }

    async fn take(&self) -> Result<Option<Self::Span>, Error> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let Kind::Spans(head) = &file.kind else {
            return Ok(None);
        };
        let shared = &file.shared;
        let _turn = shared.turn.lock().await;
        let index = {
            let mut state = shared.state();
            if let Some((index, filling)) = state.returned.pop_first() {
                return Ok(Some(self.span(file, index, Some(filling))));
            }
            state.next
        };
        let mut span = self.span(file, index, None);
        if span.missing.start >= head.length {
            return Ok(None);
        }
        let size = self.output.part_size(Some(head.length), index);
        let room = shared.room(size, self.output.memory()).await?;
        shared.state().next = index.saturating_add(1);
        span.filling = Some(Filling::new(room));
        Ok(Some(span))
    }

    fn received(&self) -> u64 {
        self.file
            .as_ref()
            .map_or(0, |file| file.shared.state().received)
    }

    /// The check covers only bytes of this run.
    fn is_resumed(&self) -> bool {
        false
    }

    async fn restart(&mut self) -> Result<(), Error> {
        if !self.output.can_restart() {
            return Err(Error::Changed);
        }
        self.file = None;
        Ok(())
    }

    async fn finish(&mut self, length: u64, progress: Progress<'_>) -> Result<Found, Error> {
        let Some(file) = &mut self.file else {
            return Err(given_up());
        };
        {
            // The length of a stream's last part is known only now.
            let mut state = file.shared.state();
            let last = state.returned.pop_first();
            let complete = state.complete.take();
            if let (Some((index, filling)), Some(complete)) = (last, complete) {
                let _ = complete.send(filling.complete(index, &file.shared));
            }
        }
        // Ends when all parts were accepted.
        let _ = (&mut file.sequence.0).await;
        if file.shared.memory.is_closed() {
            return Err(file.shared.failed());
        }
        self.output.settle().await?;
        if file.shared.memory.is_closed() {
            return Err(file.shared.failed());
        }
        let inspection = file.inspection.take().ok_or_else(given_up)?;
        let found = inspection.finish(None, progress).await?;
        if found.bytes != length {
            return Err(Error::Length {
                received: found.bytes,
                expected: length,
            });
        }
        Ok(found)
    }
}
