//! Writing a partial file from a position on, while the next bytes arrive.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use super::unwritable;
use crate::disk::write_all_at;
use crate::error::Error;
use crate::gathered::Gathered;
use crate::part_lock::check_name;

/// How much each of several connections collects before it is written.
///
/// A killed process loses two batches of each connection: together at most a hundredth of the file,
/// and at most 8 MiB of memory.
pub(crate) fn batch(length: u64, connections: usize) -> usize {
    let connections = connections.max(1);
    let share = usize::try_from(length / 200).unwrap_or(usize::MAX) / connections;
    share.clamp(16 << 10, ((4 << 20) / connections).max(16 << 10))
}

/// A partial file and the writes in progress.
///
/// A write continues when its future is dropped. The file is recreated only when all writes have
/// ended, so that no byte of an old one ends up in it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    /// The handle that holds the lock of the file. All bytes are read and written through it. It
    /// stays open, so that it reports every failed write-back.
    pub(crate) file: Arc<File>,
    writes: Arc<RwLock<()>>,
}

impl Part {
    pub(crate) fn new(path: &Path, file: Arc<File>) -> Self {
        Self {
            path: path.to_owned(),
            file,
            writes: Arc::default(),
        }
    }

    /// Fails if the path leads to another file.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        check_name(&self.path, &self.file).map_err(|error| unwritable(&self.path, error))
    }

    /// Gives the file a length and removes its content.
    pub(crate) async fn create(&self, length: u64) -> Result<(), Error> {
        let _all_ended = self.writes.write().await;
        self.check_name()?;
        self.file
            .set_len(0)
            .and_then(|()| self.file.set_len(length))
            .map_err(|error| unwritable(&self.path, error))
    }
}

/// A position in a partial file. At most one batch is being written while another one
/// fills.
pub(crate) struct PartFile {
    path: PathBuf,
    writes: Arc<RwLock<()>>,
    file: Arc<File>,
    /// The position of the next batch.
    position: u64,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// The number of bytes in the batch that is being written.
    under_way: u64,
    /// The size of a batch.
    limit: usize,
    batch: Gathered,
}

impl PartFile {
    /// Starts at a position, to be written in batches of `limit` bytes; fails if the path leads to
    /// another file.
    pub(crate) fn open(part: &Part, position: u64, limit: usize) -> Result<Self, Error> {
        part.check_name()?;
        Ok(Self {
            path: part.path.clone(),
            writes: Arc::clone(&part.writes),
            file: part.file.clone(),
            position,
            writing: None,
            under_way: 0,
            limit,
            batch: Gathered::default(),
        })
    }

    /// Adds bytes; returns how many more are written, if that has changed.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<Option<u64>, Error> {
        self.batch.push(bytes);
        if self.batch.bytes() < self.limit as u64 {
            return Ok(None);
        }
        let written = self.settle().await?;
        self.begin().await;
        Ok(Some(written).filter(|written| *written > 0))
    }

    /// Writes the rest; returns how many more bytes are written.
    pub(crate) async fn finish(&mut self) -> Result<u64, Error> {
        let before = self.settle().await?;
        self.begin().await;
        Ok(before + self.settle().await?)
    }

    async fn begin(&mut self) {
        self.under_way = self.batch.bytes();
        let batch = self.batch.take();
        let file = self.file.clone();
        let mut position = self.position;
        self.position = position.saturating_add(self.under_way);
        let under_way = Arc::clone(&self.writes).read_owned().await;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let _under_way = under_way;
            batch.iter().try_for_each(|bytes| {
                write_all_at(&file, bytes, position)?;
                position = position.saturating_add(bytes.len() as u64);
                Ok(())
            })
        }));
    }

    /// Waits for the batch that is being written.
    async fn settle(&mut self) -> Result<u64, Error> {
        let Some(writing) = self.writing.take() else {
            return Ok(0);
        };
        let failed = |error| unwritable(&self.path, error);
        let written = writing.await.map_err(|error| failed(error.into()))?;
        written.map_err(failed)?;
        Ok(std::mem::take(&mut self.under_way))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::disk::open_own;

    #[tokio::test]
    async fn a_file_is_recreated_only_when_the_writes_to_the_old_one_have_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.part");
        let locked = Arc::new(open_own(&path, true).unwrap());
        let part = Part::new(&path, locked);
        let under_way = part.writes.clone().read_owned().await;
        let mut created = pin!(part.create(10));
        let mut context = Context::from_waker(Waker::noop());
        assert!(created.as_mut().poll(&mut context).is_pending());
        assert_eq!(part.path.metadata().unwrap().len(), 0);
        drop(under_way);
        assert!(matches!(
            created.as_mut().poll(&mut context),
            Poll::Ready(Ok(()))
        ));
        assert_eq!(part.path.metadata().unwrap().len(), 10);
    }

    #[test]
    fn a_kill_loses_at_most_a_hundredth_of_the_file() {
        for length in [16_u64 << 20, 64 << 20, 1 << 30, 100 << 30] {
            for connections in [1, 4, 8, 32] {
                let lost = 2 * connections * batch(length, connections);
                assert!(
                    lost as u64 <= (length / 100).max(1 << 20),
                    "{length} {connections}"
                );
                assert!(lost <= 8 << 20, "{length} {connections}");
            }
        }
    }
}
