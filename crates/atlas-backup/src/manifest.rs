//! The manifest next to a snapshot's file, which describes the file.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use atlas_model::{ClusterId, ClusterName, ProjectId, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::disk::{self, read_small, with_ending, write_whole};
use crate::error::Error;
use crate::kind::ClusterKind;

/// The description of a snapshot's file, written next to it as `<file>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Marks a manifest of this program, and its version.
    #[serde(default)]
    pub(crate) format: Format,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The cluster that the snapshot was taken of.
    pub cluster: ClusterName,
    /// The id of that cluster, if Atlas reported it. Another cluster may have had the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<ClusterId>,
    /// The project of that cluster.
    pub project: ProjectId,
    /// The kind of that cluster.
    pub kind: ClusterKind,
    /// The shard, for a file of a sharded cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The names that the restore job used for all shards of the snapshot, or their indexes in that
    /// job if they had no names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<String>,
    /// The number of files of the snapshot: one for each shard.
    #[serde(default = "one")]
    pub files: u16,
    /// When the snapshot was completed, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// When the file was completed here, RFC 3339.
    pub downloaded: String,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// The MongoDB version of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mongodb_version: Option<String>,
    /// The modification time of the file, RFC 3339, when it was last found to be sound. As long as
    /// length, time and inode are unchanged, the file need not be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// The inode of the file, where the system has inodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
}

/// The format of a manifest. One with any other value is of another program or of a later version,
/// and is left alone. Version 0.1 wrote no format.
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
    /// The error of a shard's file that equals another shard's file: some shard is then missing.
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

    /// Returns how many files of a snapshot there are. Two files of one shard count as one, and so do two
    /// with the same bytes, such as a file under two names.
    pub fn distinct<'a>(of_snapshot: impl IntoIterator<Item = &'a Self>) -> usize {
        let (mut shards, mut texts) = (BTreeSet::new(), BTreeSet::new());
        for manifest in of_snapshot {
            shards.insert(&manifest.shard);
            texts.insert(&manifest.sha256);
        }
        shards.len().min(texts.len())
    }

    /// When the snapshot was taken, if that can be parsed.
    pub(crate) fn taken(&self) -> Option<jiff::Timestamp> {
        self.taken.as_ref()?.parse().ok()
    }

    /// Returns the path of a file's manifest.
    pub fn path_of(file: &Path) -> PathBuf {
        with_ending(file, ".json")
    }

    /// The path of a file's manifest until that file has its name.
    pub(crate) fn pending_path_of(file: &Path) -> PathBuf {
        with_ending(file, ".json.part")
    }

    /// Reads the manifest of a file.
    ///
    /// If a run was killed after it named the file and before it named the manifest, the manifest
    /// is at `<file>.json.part`; that one is read if it fits the file.
    ///
    /// # Errors
    /// [`Error::File`] if there is none, or it cannot be parsed.
    pub fn read(file: &Path) -> Result<Self, Error> {
        match Self::pending(file) {
            Some(pending) => Ok(pending),
            None => Self::read_at(&Self::path_of(file)),
        }
    }

    /// The manifest that is not renamed yet, if it describes the file.
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

    /// Writes a manifest, completely or not at all.
    pub(crate) fn write_at(&self, path: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        if text.len() as u64 > LONGEST {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "too long to be read again");
            return Err(Error::file(path, "cannot be written", error));
        }
        write_whole(path, &text)
    }

    /// Records the modification time and inode of the file.
    pub(crate) fn stamp(&mut self, metadata: &Metadata) {
        self.modified = modified(metadata);
        self.inode = inode(metadata);
    }

    /// Whether a file of this length may be the described one, damaged: it is empty, or has its length.
    pub(crate) fn may_be_of(&self, length: u64) -> bool {
        length == 0 || length == self.bytes
    }

    /// Whether a file is the one that was found to be sound, by its length, time and inode; `false`
    /// if the manifest does not record them.
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

/// Whether the path of a manifest is free, or has a manifest.
pub(crate) fn is_free_or_manifest(path: &Path) -> Result<bool, Error> {
    let found = disk::look(path)?;
    Ok(found.is_none_or(|found| found.is_file() && Manifest::read_at(path).is_ok()))
}
