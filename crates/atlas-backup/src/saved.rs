//! Giving a complete file its name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::journal;
use crate::note::{Note, folder};

/// A file that is complete and sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// What it is; the same stands in the note beside it.
    pub note: Note,
}

/// Where a file is while it is not complete.
pub(crate) fn part_of(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Removes what there is of a file that will not be completed.
pub(crate) fn discard(part: &Path) {
    let _ = std::fs::remove_file(journal::path_of(part));
    let _ = std::fs::remove_file(part);
}

/// Puts a partial file on the disk and gives it its name.
pub(crate) fn name(part: &Path, out: &Path, replace: bool) -> Result<(), Error> {
    let failing = |source| Error::file(out, "cannot be completed", source);
    File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(failing)?;
    if replace {
        std::fs::rename(part, out).map_err(failing)?;
    } else {
        take(part, out).map_err(failing)?;
    }
    let _ = std::fs::remove_file(journal::path_of(part));
    // The name, too, is to survive a power cut; not every system can sync a folder.
    let _ = File::open(folder(out)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Renames without replacing: a link fails where the name is taken, however late that happened.
fn take(part: &Path, out: &Path) -> io::Result<()> {
    match std::fs::hard_link(part, out) {
        Ok(()) => std::fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) if out.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(part, out),
    }
}
