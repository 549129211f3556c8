//! Writing a partial file from one place on, while the next bytes come in.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::unwritable;
use crate::error::Error;
use crate::journal::private;

/// How much is gathered before it is written.
const BATCH: usize = 256 << 10;

/// A partial file, open at one place. At most one batch is being written while another fills.
pub(crate) struct PartFile {
    path: PathBuf,
    file: Option<File>,
    writing: Option<JoinHandle<(File, io::Result<()>)>>,
    /// The bytes of the batch that is being written.
    under_way: u64,
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

    /// Opens it at a place.
    pub(crate) fn open(path: &Path, position: u64) -> Result<Self, Error> {
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
        if self.batched < BATCH {
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
