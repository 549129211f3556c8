//! Preparing a folder, and locking it against other runs.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::catalogue;
use crate::disk::{look, open_own, sweep};
use crate::error::Error;
use crate::windows_names;

/// Checks that a file at the path of a folder's catalogue is a catalogue.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    if folder.as_os_str().is_empty() {
        return Err(Error::Usage {
            what: "the folder's path is empty; name a folder".to_owned(),
        });
    }
    windows_names::check(folder)?;
    catalogue::check(folder)
}

/// Creates a folder if it is missing, and checks its catalogue.
pub(crate) fn prepare(folder: &Path) -> Result<(), Error> {
    if !folder.as_os_str().is_empty() {
        windows_names::check(folder)?;
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::file(folder, "cannot be created", error))?;
    }
    check(folder)
}

/// A lock on a folder.
#[derive(Debug)]
pub(crate) struct FolderLock(pub(super) File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A child process that is being started may keep the file open a little longer, and the
        // lock with it.
        let _ = self.0.unlock();
    }
}

/// The name of the lock file. It is never removed.
pub(crate) const LOCK: &str = ".lock";

/// How often a lock is tried again.
const LOOKS: usize = 100;

/// Whether a run of `pull` holds the lock of a folder now. The answer can be outdated at once.
pub fn is_busy_folder(folder: &Path) -> bool {
    let path = folder.join(LOCK);
    // Opening a pipe could block.
    if !matches!(look(&path), Ok(Some(found)) if found.is_file()) {
        return false;
    }
    let file = File::open(&path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Locks a folder against other runs, until the lock is dropped.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, Error> {
    let path = folder.join(LOCK);
    let file = open_own(&path, true)
        .map_err(|error| Error::file(&path, "cannot be opened as a lock", error))?;
    let mut locked = file.try_lock();
    // `verify` may be looking whether it is locked.
    for _ in 0..LOOKS {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::yield_now();
        locked = file.try_lock();
    }
    match locked {
        Ok(()) | Err(TryLockError::Error(_)) => {
            sweep(folder);
            Ok(FolderLock(file))
        }
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            path: folder.to_owned(),
        }),
    }
}
