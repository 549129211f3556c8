//! One file of a folder, and whether it is trusted.

use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::error::Error;
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::saved::recheck;
use crate::teller::Teller;

#[derive(Debug, Clone)]
pub(crate) struct HeldFile {
    pub(crate) manifest: Manifest,
    pub(crate) state: State,
}

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It was read in this run, and matches its manifest.
    Read,
    /// Its length, time and inode are unchanged since it was last read.
    Unchanged,
    /// It must be read, but this is a dry run.
    Unread,
    /// It does not match its manifest.
    Damaged,
}

/// How a folder is read. Files of other clusters are only listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Files whose length, time or inode have changed are read to the end.
    Changed,
    /// All files are read to the end.
    All,
    /// No file is read, and nothing is repaired.
    Look {
        /// Whether another run would read all files.
        all: bool,
    },
}

/// A file that does not match its manifest.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) snapshot: SnapshotId,
    pub(crate) taken: Option<Timestamp>,
    pub(crate) path: PathBuf,
    pub(crate) error: Error,
}

impl Reading {
    pub(super) fn is_look(self) -> bool {
        matches!(self, Self::Look { .. })
    }
}

impl HeldFile {
    /// Checks whether the file matches its manifest, and reports how much of it was read.
    pub(super) fn check(
        &mut self,
        path: &Path,
        reading: Reading,
        teller: &Teller,
    ) -> Option<Damage> {
        if self.state != State::Unchanged {
            return None;
        }
        // A symbolic link is followed: the file may have been moved to another disk.
        let metadata = path.metadata().ok();
        let found = metadata.as_ref().map_or(0, std::fs::Metadata::len);
        let expected = self.manifest.bytes;
        let fits = metadata.is_some_and(|metadata| self.manifest.fits(&metadata));
        let read = !fits || matches!(reading, Reading::All | Reading::Look { all: true });
        let checked = if found != expected {
            Err(Fault::Length { found, expected }.into())
        } else if reading.is_look() {
            Ok(())
        } else {
            recheck(path, &mut self.manifest, read, teller)
        };
        self.state = match checked {
            Ok(()) if read && reading.is_look() => State::Unread,
            Ok(()) if read => State::Read,
            Ok(()) => State::Unchanged,
            // A file that cannot be read is as useless as a damaged one.
            Err(error) => {
                self.state = State::Damaged;
                return Some(Damage {
                    snapshot: self.manifest.snapshot,
                    taken: self.manifest.taken(),
                    path: path.to_owned(),
                    error,
                });
            }
        };
        None
    }
}
