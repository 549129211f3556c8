//! Choosing a partial file of this program, and locking it against other runs.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, is_own, look, open_own, same_file, with_ending};
use crate::error::Error;
use crate::journal::{self, Head};

/// A lock on a partial file, which ends with the process at the latest.
///
/// The lock belongs to the open file, not to its name: the name is removed only while it still
/// refers to the locked file.
#[derive(Debug)]
pub(crate) struct PartLock {
    part: PathBuf,
    file: Arc<File>,
}

/// Whether a path can be used for a partial file.
enum Fitness {
    /// It is free, or has a partial file of this program.
    Usable,
    /// A file of this user that another program wrote.
    Foreign(PathBuf),
    /// It must not be written to, for instance a symbolic link or another user's file.
    Unusable,
}

impl PartLock {
    /// Locks `<out>.part`, or `<out>.1.part` and so on if that cannot be used.
    ///
    /// A file that another program wrote is an error, unless `step_aside` allows another name. It
    /// is never written to or removed.
    ///
    /// # Errors
    /// [`Error::Busy`] if another run holds the lock, [`Error::Foreign`] also if no name is free,
    /// [`Error::File`]
    pub(crate) fn take(out: &Path, source: &str, step_aside: bool) -> Result<Self, Error> {
        disk::sweep(disk::folder(out));
        let mut tries = 0;
        let mut number = 0;
        let mut in_the_way = None;
        while tries < TRIES {
            let part = part_of(out, number);
            match fitness(&part, out)? {
                Fitness::Foreign(path) if !step_aside => return Err(Error::Foreign { path }),
                unfit @ (Fitness::Foreign(_) | Fitness::Unusable) => {
                    in_the_way.get_or_insert(match unfit {
                        Fitness::Foreign(path) => path,
                        _ => part,
                    });
                    number += 1;
                    tries += 1;
                    continue;
                }
                Fitness::Usable => {}
            }
            // The journal first: an empty file without one may be another program's.
            if look(&part)?.is_none() && look(&journal::path_of(&part))?.is_none() {
                match journal::claim_new(&part, source) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        tries += 1;
                        continue;
                    }
                    Err(error) => return Err(Error::file(&part, "cannot be created", error)),
                }
            }
            if let Some(lock) = Self::lock(&part)? {
                if Head::read(&part).is_none() {
                    journal::claim(&part, source)
                        .map_err(|error| Error::file(&part, "cannot be created", error))?;
                }
                return Ok(lock);
            }
            tries += 1;
        }
        match in_the_way {
            // No name is left, and no other run is involved.
            Some(path) if number == TRIES => Err(Error::Foreign { path }),
            _ => Err(Error::Busy {
                path: part_of(out, number),
            }),
        }
    }

    /// Locks a file; `None` if its name refers to another file by then.
    fn lock(part: &Path) -> Result<Option<Self>, Error> {
        let uncreated = |error| Error::file(part, "cannot be created", error);
        // Not truncated: it may be the partial file of an earlier run.
        let file = open_own(part, true).map_err(uncreated)?;
        match file.try_lock() {
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy {
                    path: part.to_owned(),
                });
            }
        }
        let lock = Self {
            part: part.to_owned(),
            file: Arc::new(file),
        };
        if lock.is_named() {
            return Ok(Some(lock));
        }
        Ok(None)
    }

    /// The path of the partial file.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// The open file.
    pub(crate) fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Removes the partial file and its journal, which are of no further use.
    pub(crate) fn discard(&self) {
        if self.is_named() {
            // In this order: without a journal, the owner of the file would be unknown.
            let _ = std::fs::remove_file(&self.part);
            let _ = journal::remove(&self.part);
        }
    }

    /// Returns an error if the name refers to another file, or to none.
    pub(crate) fn check_name(&self) -> io::Result<()> {
        check_name(&self.part, &self.file)
    }

    /// Whether the name still refers to the locked file.
    fn is_named(&self) -> bool {
        self.check_name().is_ok()
    }

    /// Removes the journal if another program has given the name to a file of its own: the next run
    /// would take that for the partial file.
    fn disown(&self) {
        let Ok(other) = disk::open_to_read(&self.part) else {
            return;
        };
        // Another run of this program would have locked it.
        let is_held = matches!(other.try_lock_shared(), Err(TryLockError::WouldBlock));
        if !is_held && !self.is_named() {
            let _ = journal::remove(&self.part);
        }
    }
}

/// Returns an error if the name of a partial file refers to another file than the locked one, or to
/// none.
pub(crate) fn check_name(part: &Path, locked: &File) -> io::Result<()> {
    if disk::leads_to(part, locked) {
        return Ok(());
    }
    Err(io::Error::other(
        "it was moved, removed or replaced during the download",
    ))
}

impl Drop for PartLock {
    fn drop(&mut self) {
        if !self.is_named() {
            self.disown();
        } else if !Head::read(&self.part).is_some_and(|head| head.is_resumable()) {
            // It cannot be resumed.
            self.discard();
        }
        // A sync in progress, or a child process that is being started, may keep the file open a
        // little longer, and the lock with it.
        let _ = self.file.unlock();
    }
}

/// How many names are tried, and how often a name may change while it is being locked.
const TRIES: u32 = 20;

/// The n-th candidate for the path of a partial file.
pub(crate) fn part_of(out: &Path, number: u32) -> PathBuf {
    match number {
        0 => with_ending(out, ".part"),
        number => with_ending(out, &format!(".{number}.part")),
    }
}

/// Returns an error if the path of a partial file has a file of another program.
pub(crate) fn refuse_foreign_part(out: &Path) -> Result<(), Error> {
    match fitness(&part_of(out, 0), out)? {
        Fitness::Foreign(path) => Err(Error::Foreign { path }),
        Fitness::Usable | Fitness::Unusable => Ok(()),
    }
}

fn fitness(part: &Path, out: &Path) -> Result<Fitness, Error> {
    let journal = journal::path_of(part);
    let (found, found_journal) = (look(part)?, look(&journal)?);
    if let Some(found_journal) = &found_journal
        && !is_own(found_journal, &journal)
    {
        return Ok(Fitness::Unusable);
    }
    let claimed = Head::read(part).is_some();
    if found_journal.is_some() && !claimed {
        return Ok(Fitness::Foreign(journal));
    }
    let Some(found) = found else {
        return Ok(Fitness::Usable);
    };
    if found.is_file() && same_file(part, out) {
        // A rename was interrupted between its two steps: the complete file has both names.
        std::fs::remove_file(part)
            .map_err(|error| Error::file(part, "cannot be removed", error))?;
        return Ok(Fitness::Usable);
    }
    if !is_own(&found, part) {
        return Ok(Fitness::Unusable);
    }
    if !claimed {
        return Ok(Fitness::Foreign(part.to_owned()));
    }
    Ok(Fitness::Usable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "32b6e34b3d91647abb20e7b8/Cluster0/32b6e34b3d91647abb20e7b9/";

    #[test]
    fn a_released_lock_does_not_remove_the_file_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("s");
        let first = PartLock::take(&out, SOURCE, false).unwrap();
        assert!(matches!(
            PartLock::take(&out, SOURCE, false),
            Err(Error::Busy { .. })
        ));
        // The first run has named its file; another run begins.
        std::fs::rename(first.path(), &out).unwrap();
        let second = PartLock::take(&out, SOURCE, false).unwrap();
        drop(first);
        assert!(second.path().exists() && Head::read(second.path()).is_some());
        assert!(matches!(
            PartLock::take(&out, SOURCE, false),
            Err(Error::Busy { .. })
        ));
        drop(second);
        assert!(!part_of(&out, 0).exists(), "it cannot be resumed");
        assert!(PartLock::take(&out, SOURCE, false).is_ok());
    }

    #[test]
    fn names_taken_by_other_programs_are_not_reported_as_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("s");
        for number in 0..TRIES {
            assert!(PartLock::take(&out, SOURCE, true).is_ok());
            std::fs::write(part_of(&out, number), "precious").unwrap();
        }
        let error = PartLock::take(&out, SOURCE, true).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{error}");
    }
}
