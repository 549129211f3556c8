//! A local partial file as a sink: spans in any order, a journal of the written bytes, and a check
//! in the order of the bytes.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::part_file::{self, Part, PartFile};
use super::sink::{Sink, Span};
use super::source::Announced;
use super::{LONGEST_FILE, Stop, workers};
use crate::checksums::Checksums;
use crate::disk::UNSYNCED;
use crate::error::Error;
use crate::inspect::{Found, Inspection};
use crate::journal::{self, Head, Journal};
use crate::part_lock::PartLock;
use crate::progress::Progress;

/// A partial file.
pub(crate) struct FileSink<'a> {
    part: Arc<Part>,
    source: String,
    connections: usize,
    progress: Progress<'a>,
    state: Arc<Mutex<State>>,
}

/// The state that the spans share.
#[derive(Default)]
struct State {
    journal: Option<Journal>,
    /// The first piece that no span covers yet.
    next: usize,
    /// The number of spans so far.
    taken: usize,
    inspection: Option<Inspection>,
    is_resumed: bool,
    /// The number of bytes written since the last sync was started.
    unsynced: u64,
    /// The syncs in progress.
    syncs: Vec<JoinHandle<io::Result<()>>>,
}

/// The number of bytes after which a sync is started, so that none takes long.
const SYNCED: u64 = 128 << 20;
/// The longest span: short enough that no connection waits long for the others at the end, and long
/// enough that requests cost little.
const LONGEST_SPAN: u64 = 64 << 20;

impl<'a> FileSink<'a> {
    /// `source` identifies the downloaded file in the journal.
    pub(crate) fn new(
        part: &PartLock,
        source: String,
        connections: usize,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            part: Arc::new(Part::new(part.path(), part.file())),
            source,
            connections: workers(connections),
            progress,
            state: Arc::default(),
        }
    }

    fn path(&self) -> &Path {
        &self.part.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Drops the progress, which cannot be resumed; the file still belongs to this program.
    fn claim(&self) -> Result<(), Error> {
        *self.state() = State::default();
        self.part.check_name()?;
        journal::claim(self.path(), &self.source).map_err(|error| unwritable(self.path(), error))
    }

    /// Whether data could not be written back to the disk, so that the file cannot be trusted.
    pub(crate) async fn is_unsynced(&self) -> bool {
        let syncs = std::mem::take(&mut self.state().syncs);
        for sync in syncs {
            if !matches!(sync.await, Ok(Ok(()))) {
                return true;
            }
        }
        false
    }

    fn inspect(&self, announced: &Checksums) -> Result<Inspection, Error> {
        Inspection::follow(self.path(), self.part.file.clone(), announced)
    }
}

impl<'a> Sink for FileSink<'a> {
    type Span = FileSpan<'a>;

    fn first(&self) -> u64 {
        journal::piece(0)
    }

    async fn resume(&mut self) -> Result<Option<Head>, Error> {
        let mut state = self.state();
        if state.journal.is_none() {
            self.part.check_name()?;
            let Some(mut journal) = Journal::resume(self.path(), &self.source) else {
                return Ok(None);
            };
            let inspection = self.inspect(&journal.head.checksums)?;
            inspection.reach(journal.reached());
            state.is_resumed = journal.received() > 0;
            state.inspection = Some(inspection);
            state.journal = Some(journal);
        }
        (state.next, state.taken) = (0, 0);
        Ok(state.journal.as_ref().map(|journal| journal.head.clone()))
    }

    async fn begin(&mut self, head: &Head) -> Result<(), Error> {
        *self.state() = State::default();
        self.part.create(head.length).await?;
        let mut head = head.clone();
        head.source.clone_from(&self.source);
        let inspection = self.inspect(&head.checksums)?;
        let journal =
            Journal::create(self.path(), head).map_err(|error| unwritable(self.path(), error))?;
        *self.state() = State {
            journal: Some(journal),
            inspection: Some(inspection),
            ..State::default()
        };
        Ok(())
    }

    async fn begin_stream(&mut self, announced: &Announced) -> Result<FileSpan<'a>, Stop> {
        self.claim()?;
        self.part.create(0).await?;
        let inspection = self.inspect(&announced.checksums)?;
        self.state().inspection = Some(inspection);
        let batch = part_file::batch(u64::MAX, 4);
        Ok(FileSpan::new(
            self,
            0..LONGEST_FILE.saturating_add(1),
            batch,
        ))
    }

    async fn take(&self) -> Result<Option<FileSpan<'a>>, Error> {
        let mut state = self.state();
        let State {
            journal: Some(journal),
            next,
            taken,
            ..
        } = &mut *state
        else {
            return Ok(None);
        };
        let head = &journal.head;
        let is_missing = |piece: usize| journal.done[piece] < head.size(piece);
        let Some(first) = (*next..journal.done.len()).find(|piece| is_missing(*piece)) else {
            *next = journal.done.len();
            return Ok(None);
        };
        let most = pieces_at_once(
            *taken / self.connections,
            journal.done.len() - first,
            self.connections,
            head.piece,
        );
        let mut end = first + 1;
        // A partly present piece is resumed in a span of its own.
        while end < first + most && end < journal.done.len() && journal.done[end] == 0 {
            end += 1;
        }
        (*next, *taken) = (end, taken.saturating_add(1));
        let start = head.start(first).saturating_add(journal.done[first]);
        let missing = start..head.start(end).min(head.length);
        let batch = part_file::batch(head.length, self.connections);
        Ok(Some(FileSpan::new(self, missing, batch)))
    }

    fn received(&self) -> u64 {
        self.state().journal.as_ref().map_or(0, Journal::received)
    }

    async fn restart(&mut self) -> Result<(), Error> {
        self.claim()
    }

    fn is_resumed(&self) -> bool {
        self.state().is_resumed
    }

    async fn finish(&mut self, length: u64, progress: Progress<'_>) -> Result<Found, Error> {
        let (inspection, mut syncs) = {
            let mut state = self.state();
            (state.inspection.take(), std::mem::take(&mut state.syncs))
        };
        let Some(inspection) = inspection else {
            let error = io::Error::other("its check was not started");
            return Err(Error::file(self.path(), "cannot be read", error));
        };
        let file = self.part.file.clone();
        syncs.push(spawn_blocking(move || file.sync_all()));
        let synced = async {
            for sync in syncs {
                let synced = sync.await.map_err(io::Error::from).flatten();
                synced.map_err(|error| Error::file(self.path(), UNSYNCED, error))?;
            }
            Ok::<_, Error>(())
        };
        let (found, synced) = tokio::join!(inspection.finish(Some(length), progress), synced);
        synced?;
        found
    }
}

/// The number of pieces of a span: few at first, so that the check can start soon; more in the
/// middle; few at the end, so that no connection and no check is left with much.
fn pieces_at_once(round: usize, left: usize, connections: usize, piece: u64) -> usize {
    let longest = usize::try_from(LONGEST_SPAN / piece.max(1)).unwrap_or(usize::MAX);
    let growing = 1_usize << round.min(20);
    let even = left / connections.saturating_mul(2).max(1);
    growing.min(even).min(longest).max(1)
}

/// A range of a partial file.
pub(crate) struct FileSpan<'a> {
    part: Arc<Part>,
    state: Arc<Mutex<State>>,
    progress: Progress<'a>,
    batch: usize,
    /// Opened for the first bytes, and again after each response.
    file: Option<PartFile>,
    /// Starts at the first byte that is not on disk.
    missing: Range<u64>,
    /// The position of the first byte that was not yet passed to `file`.
    position: u64,
}

impl<'a> FileSpan<'a> {
    fn new(sink: &FileSink<'a>, missing: Range<u64>, batch: usize) -> Self {
        Self {
            part: sink.part.clone(),
            state: sink.state.clone(),
            progress: sink.progress,
            batch,
            file: None,
            position: missing.start,
            missing,
        }
    }

    /// Records what is on disk.
    fn written(&mut self, bytes: u64) -> Result<(), Error> {
        if bytes == 0 {
            return Ok(());
        }
        let from = self.missing.start;
        self.missing.start = from.saturating_add(bytes);
        {
            let mut state = lock(&self.state);
            let mut reached = self.missing.start;
            if let Some(journal) = &mut state.journal {
                journal
                    .note(from, bytes)
                    .map_err(|error| unwritable(&self.part.path, error))?;
                reached = journal.reached();
            }
            if let Some(inspection) = &state.inspection {
                inspection.reach(reached);
                if let Some(fault) = inspection.broken().get() {
                    return Err(fault.clone().into());
                }
            }
            state.unsynced = state.unsynced.saturating_add(bytes);
            if state.unsynced >= SYNCED && state.syncs.last().is_none_or(JoinHandle::is_finished) {
                let file = self.part.file.clone();
                state.syncs.push(spawn_blocking(move || file.sync_data()));
                state.unsynced = 0;
            }
        }
        self.progress.received(bytes);
        Ok(())
    }
}

impl Span for FileSpan<'_> {
    fn missing(&self) -> Range<u64> {
        self.position..self.missing.end
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => PartFile::open(&self.part, self.position, self.batch)?,
        };
        self.position = self.position.saturating_add(bytes.len() as u64);
        let written = file.write(bytes).await?;
        self.file = Some(file);
        self.written(written.unwrap_or(0))
    }

    async fn settle(&mut self) -> Result<(), Error> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let written = file.finish().await?;
        self.written(written)
    }
}

pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::file(path, "cannot be written", source)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
