//! The note beside a snapshot's file, which says what it is.

use std::io::Write;
use std::path::{Path, PathBuf};

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kind::ClusterKind;

/// What a file is, written beside it as `<file>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The cluster it was taken of.
    pub cluster: ClusterName,
    /// The project of that cluster.
    pub project: ProjectId,
    /// What kind of cluster it was.
    pub kind: ClusterKind,
    /// The shard, for a file of a sharded cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// How many files the snapshot has: one for each shard.
    #[serde(default = "one")]
    pub files: u16,
    /// When the snapshot was complete, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// When the file was complete here, RFC 3339.
    pub downloaded: String,
    /// How long the file is.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The version of MongoDB that it was taken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mongodb_version: Option<String>,
}

fn one() -> u16 {
    1
}

impl Note {
    /// Where the note of a file is.
    pub fn path_of(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".json");
        name.into()
    }

    /// Reads the note of a file.
    ///
    /// # Errors
    /// [`Error::File`] if there is none, or none that makes sense.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let path = Self::path_of(file);
        let unreadable = |source| Error::file(&path, "cannot be read as a snapshot's note", source);
        let text = std::fs::read(&path).map_err(unreadable)?;
        serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))
    }

    /// Writes the note of a file, whole or not at all.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        let path = Self::path_of(file);
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        write_whole(&path, &text)
    }
}

/// Writes a small file in place of any other of its name, whole or not at all.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> Result<(), Error> {
    let unwritable = |source| Error::file(path, "cannot be written", source);
    let mut file = tempfile::NamedTempFile::new_in(folder(path)).map_err(unwritable)?;
    file.write_all(text).map_err(unwritable)?;
    file.as_file().sync_all().map_err(unwritable)?;
    file.persist(path)
        .map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
