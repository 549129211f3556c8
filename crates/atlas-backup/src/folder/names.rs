//! The names in a folder, which show without opening a file where work is needed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use crate::error::Error;

/// The names in a folder, read once.
pub(super) struct Names(BTreeSet<OsString>);

/// The manifests of a file.
pub(super) enum Known {
    Nothing,
    Settled,
    /// A manifest that is not renamed yet.
    Waiting,
}

impl Names {
    /// Reads the names in a folder; a missing folder has none, if it may be missing.
    pub(super) fn read(folder: &Path, may_be_missing: bool) -> Result<Self, Error> {
        let unreadable = |error| Error::file(folder, "cannot be read", error);
        let entries = match std::fs::read_dir(folder) {
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self(BTreeSet::new()));
            }
            entries => entries.map_err(unreadable)?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            names.insert(entry.map_err(unreadable)?.file_name());
        }
        Ok(Self(names))
    }

    /// The names that may be snapshot files.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &OsStr> {
        let names = self.0.iter().map(OsString::as_os_str);
        names.filter(|name| Path::new(name).extension() == Some(OsStr::new("tgz")))
    }

    /// The names of missing files whose manifests exist.
    pub(super) fn lone(&self) -> impl Iterator<Item = &str> {
        let names = self
            .0
            .iter()
            .filter_map(|name| name.to_str()?.strip_suffix(".json"));
        names.filter(|name| {
            let name = OsStr::new(name);
            Path::new(name).extension() == Some(OsStr::new("tgz")) && !self.0.contains(name)
        })
    }

    fn has(&self, name: &OsStr, ending: &str) -> bool {
        let mut name = name.to_owned();
        name.push(ending);
        self.0.contains(&name)
    }

    /// Whether an interrupted run may have left files to repair.
    pub(super) fn is_unsettled(&self, name: &OsStr) -> bool {
        let endings = [".part", ".part.json", ".json.part"];
        endings.iter().any(|ending| self.has(name, ending))
    }

    pub(super) fn manifest(&self, name: &OsStr) -> Known {
        if self.has(name, ".json.part") {
            Known::Waiting
        } else if self.has(name, ".json") {
            Known::Settled
        } else {
            Known::Nothing
        }
    }
}
