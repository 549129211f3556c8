//! Preparing a folder, and keeping two runs from working in it.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::catalogue;
use crate::disk::{open_own, sweep};
use crate::error::Error;

/// Checks that what stands at the place of a folder's catalogue is one.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    if folder.as_os_str().is_empty() {
        return Err(Error::Usage {
            what: "the folder's path is empty; name a folder".to_owned(),
        });
    }
    catalogue::check(folder)
}

/// Creates a folder where it is missing, and checks its catalogue.
pub(crate) fn prepare(folder: &Path) -> Result<(), Error> {
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::file(folder, "cannot be created", error))?;
    }
    check(folder)
}

/// A lock of a folder.
#[derive(Debug)]
pub(crate) struct FolderLock(pub(super) File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A child that this process is just starting may have the file open for another moment, and
        // with it the lock.
        let _ = self.0.unlock();
    }
}

/// The name of the file that one run at a time has locked. It is never removed.
const LOCK: &str = ".lock";

/// Locks a folder against other runs, until the end of this one.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, Error> {
    let path = folder.join(LOCK);
    let file = open_own(&path, true)
        .map_err(|error| Error::file(&path, "cannot be opened as a lock", error))?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => {
            sweep(folder);
            Ok(FolderLock(file))
        }
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            path: folder.to_owned(),
        }),
    }
}
