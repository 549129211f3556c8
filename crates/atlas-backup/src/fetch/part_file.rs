//! Writing a partial file from one place on, while the next bytes come in.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::unwritable;
use crate::error::Error;
use crate::journal::private;

/// How much each of several connections gathers before it is written.
///
/// Two batches of each connection are lost with a process that is killed: together at most a
/// hundredth of the file, and at most 8 MiB of memory.
pub(crate) fn batch(length: u64, connections: usize) -> usize {
    let connections = connections.max(1);
    let share = usize::try_from(length / 200).unwrap_or(usize::MAX) / connections;
    share.clamp(16 << 10, ((4 << 20) / connections).max(16 << 10))
}

/// A partial file, open at one place. At most one batch is being written while another fills.
pub(crate) struct PartFile {
    path: PathBuf,
    file: Option<File>,
    writing: Option<JoinHandle<(File, io::Result<()>)>>,
    /// The bytes of the batch that is being written.
    under_way: u64,
    /// How much is gathered before it is written.
    limit: usize,
    batch: Vec<Bytes>,
    batched: usize,
    position: u64,
}

impl PartFile {
    /// Makes a partial file of a length, empty in every sense, in place of any other.
    pub(crate) fn create(path: &Path, length: u64) -> Result<(), Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        private(&mut options);
        let file = options
            .open(path)
            .map_err(|error| Error::file(path, "cannot be created", error))?;
        file.set_len(length)
            .map_err(|error| unwritable(path, error))
    }

    /// Opens it at a place, to be written in batches of `limit` bytes.
    pub(crate) fn open(path: &Path, position: u64, limit: usize) -> Result<Self, Error> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.seek(SeekFrom::Start(position))?;
            Ok(file)
        };
        Ok(Self {
            path: path.to_owned(),
            file: Some(open().map_err(|error| unwritable(path, error))?),
            writing: None,
            under_way: 0,
            limit,
            batch: Vec::new(),
            batched: 0,
            position,
        })
    }

    /// The place after the last byte that was handed over.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes bytes; gives how many more are written by now, if that is news.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<Option<u64>, Error> {
        self.batched += bytes.len();
        self.position += bytes.len() as u64;
        self.batch.push(bytes);
        if self.batched < self.limit {
            return Ok(None);
        }
        let written = self.settle().await?;
        self.begin();
        Ok(Some(written).filter(|written| *written > 0))
    }

    /// Writes what is left; gives how many more bytes are written.
    pub(crate) async fn finish(&mut self) -> Result<u64, Error> {
        let before = self.settle().await?;
        self.begin();
        Ok(before + self.settle().await?)
    }

    fn begin(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.under_way = std::mem::take(&mut self.batched) as u64;
        let Some(mut file) = self.file.take() else {
            return;
        };
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let written = batch.iter().try_for_each(|bytes| file.write_all(bytes));
            (file, written)
        }));
    }

    /// Waits for the batch that is being written.
    async fn settle(&mut self) -> Result<u64, Error> {
        let Some(writing) = self.writing.take() else {
            return Ok(0);
        };
        let failed = |error| unwritable(&self.path, error);
        let (file, written) = writing.await.map_err(|error| failed(error.into()))?;
        written.map_err(failed)?;
        self.file = Some(file);
        Ok(std::mem::take(&mut self.under_way))
    }
}

#[cfg(test)]
mod tests {
    use super::batch;

    #[test]
    fn what_a_kill_loses_is_a_hundredth_of_the_file_at_most() {
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
