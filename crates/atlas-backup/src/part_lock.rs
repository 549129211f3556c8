//! Keeping two runs from writing one partial file.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::journal::{self, private};

/// A lock on a partial file, which ends with the process at the latest.
#[derive(Debug)]
pub(crate) struct PartLock {
    part: PathBuf,
    _file: File,
}

impl PartLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Error::Busy`] if another run has it.
    pub(crate) fn take(part: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        // Not truncated: it may be what an earlier run left.
        options.write(true).create(true).truncate(false);
        private(&mut options);
        let file = options
            .open(part)
            .map_err(|error| Error::file(part, "cannot be created", error))?;
        match file.try_lock() {
            // Some file systems know no locks; they have to do without.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self {
                part: part.to_owned(),
                _file: file,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy {
                path: part.to_owned(),
            }),
        }
    }
}

impl Drop for PartLock {
    fn drop(&mut self) {
        // Without a journal nobody can go on with it.
        if !journal::path_of(&self.part).exists() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
