//! The manifest beside a snapshot's file, which says what it is.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use atlas_model::{ClusterId, ClusterName, ProjectId, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::disk::{self, read_small, with_ending, write_whole};
use crate::error::Error;
use crate::kind::ClusterKind;

/// What a file is, written beside it as `<file>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// That it is a manifest of this program, and of which form.
    #[serde(default)]
    pub(crate) format: Format,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The cluster it was taken of.
    pub cluster: ClusterName,
    /// The id of that cluster, if Atlas said. Another cluster may have had the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<ClusterId>,
    /// The project of that cluster.
    pub project: ProjectId,
    /// What kind of cluster it was.
    pub kind: ClusterKind,
    /// The shard, for a file of a sharded cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// What the restore job called all shards of the snapshot: their names, or their places in that
    /// job where they had none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<String>,
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
    /// When the file was last modified, RFC 3339, at the moment it was last found sound. As long
    /// as length, time and inode are the same, it need not be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// The file's inode, where the system has such numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
}

/// The form of a manifest. One with any other word is not of this program, or of a later version,
/// and is left alone; version 0.1 wrote none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    #[default]
    #[serde(rename = "atlas-backup/1")]
    One,
}

/// The longest manifest that is read.
const LONGEST: u64 = 1 << 20;

fn one() -> u16 {
    1
}

impl Manifest {
    /// The error of a shard's file that another shard has as well: then some shard is missing.
    pub(crate) fn check_distinct<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> Result<(), Error> {
        let mut others = others.into_iter();
        let Some(equal) = others.find(|other| other.sha256 == self.sha256) else {
            return Ok(());
        };
        let shown = |manifest: &Self| manifest.shard.clone().unwrap_or_default();
        Err(Error::EqualShards {
            one: shown(equal),
            other: shown(self),
        })
    }

    /// When the snapshot was taken, if that can be read.
    pub(crate) fn taken(&self) -> Option<jiff::Timestamp> {
        self.taken.as_ref()?.parse().ok()
    }

    /// Where the manifest of a file is.
    pub fn path_of(file: &Path) -> PathBuf {
        with_ending(file, ".json")
    }

    /// Where the manifest of a file is until that file has its name.
    pub(crate) fn pending_path_of(file: &Path) -> PathBuf {
        with_ending(file, ".json.part")
    }

    /// Reads the manifest of a file.
    ///
    /// A run that was killed between naming the file and naming the manifest leaves the manifest as
    /// `<file>.json.part`; that one is read if it fits the file.
    ///
    /// # Errors
    /// [`Error::File`] if there is none, or none that makes sense.
    pub fn read(file: &Path) -> Result<Self, Error> {
        match Self::pending(file) {
            Some(pending) => Ok(pending),
            None => Self::read_at(&Self::path_of(file)),
        }
    }

    /// The manifest that waits for its name, if it is the file's.
    pub(crate) fn pending(file: &Path) -> Option<Self> {
        let pending = Self::read_at(&Self::pending_path_of(file)).ok()?;
        let fits = pending.modified.is_some() && pending.fits(&file.symlink_metadata().ok()?);
        fits.then_some(pending)
    }

    /// Reads a manifest.
    pub(crate) fn read_at(path: &Path) -> Result<Self, Error> {
        let unreadable =
            |source| Error::file(path, "cannot be read as a snapshot's manifest", source);
        let text = read_small(path, LONGEST).map_err(unreadable)?;
        serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))
    }

    /// Writes a manifest, whole or not at all.
    pub(crate) fn write_at(&self, path: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        if text.len() as u64 > LONGEST {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "too long to be read again");
            return Err(Error::file(path, "cannot be written", error));
        }
        write_whole(path, &text)
    }

    /// Notes which file it is, by its time and inode.
    pub(crate) fn stamp(&mut self, metadata: &Metadata) {
        self.modified = modified(metadata);
        self.inode = inode(metadata);
    }

    /// Whether a file is the one that was found sound, by its length, time and inode; `false`, too,
    /// for a manifest that does not say.
    pub(crate) fn fits(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.bytes
            && self.modified.is_some()
            && self.modified == modified(metadata)
            && self.inode == inode(metadata)
    }
}

fn modified(metadata: &Metadata) -> Option<String> {
    let time = jiff::Timestamp::try_from(metadata.modified().ok()?).ok()?;
    Some(time.to_string())
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
fn inode(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(metadata))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<u64> {
    None
}

/// Whether nothing stands at the place of a manifest, or a manifest.
pub(crate) fn is_free_or_manifest(path: &Path) -> Result<bool, Error> {
    let found = disk::look(path)?;
    Ok(found.is_none_or(|found| found.is_file() && Manifest::read_at(path).is_ok()))
}
