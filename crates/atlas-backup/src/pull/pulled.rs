//! What a pull tells.

use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::error::Error;
use crate::folder::Folder;
use crate::manifest::Manifest;

/// What became of one snapshot.
///
/// `taken` is when the snapshot was complete, or begun if that is all that is known.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pulled {
    /// It was downloaded.
    Downloaded {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Its files: one, or one for each shard.
        files: Vec<PulledFile>,
        /// How long they are together, in bytes.
        bytes: u64,
    },
    /// It was there already.
    AlreadyPresent {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Its files that are there, copies under other names among them.
        files: Vec<PulledFile>,
    },
    /// One of its files is not what its manifest says. It is downloaded again beside the damaged one,
    /// which is replaced once the new one is sound; [`Pulled::Failed`] follows if it cannot be.
    Damaged {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken, as the manifest says.
        taken: Option<Timestamp>,
        /// The file's path, or the URL of an object.
        file: PathBuf,
        /// What is wrong with it, in one line.
        reason: String,
    },
    /// It is dated in the future. It does not count as one of those to keep, and stays.
    Future {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken, as it says.
        taken: Option<Timestamp>,
    },
    /// Some snapshots in the folder are, or may be, of an earlier cluster of the same name. They do
    /// not count as ones to keep, and stay. Told once, and only if others may be removed.
    OtherCluster {
        /// How many.
        snapshots: usize,
    },
    /// It could not be downloaded, or not be removed.
    Failed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Why.
        error: Error,
    },
    /// It was removed, since there are newer ones enough.
    Removed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// The files that were removed, without their manifests, which are removed too.
        files: Vec<PulledFile>,
    },
    /// It would be downloaded, were this no [dry run](crate::PullOptions::dry_run).
    WouldDownload {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
    },
    /// Its files would be read to the end.
    WouldRead {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Its files that are there.
        files: Vec<PulledFile>,
    },
    /// It would be removed, if nothing fails before.
    WouldRemove {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// The files that would be removed, without their manifests, which would be too.
        files: Vec<PulledFile>,
    },
}

/// A file of a snapshot in a folder, or an object in a store, as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PulledFile {
    /// Its path, or the URL of an object.
    pub path: PathBuf,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The shard whose file it is; `None` if the snapshot has a single file.
    pub shard: Option<String>,
}

impl PulledFile {
    pub(crate) fn new(path: PathBuf, manifest: &Manifest) -> Self {
        Self {
            path,
            bytes: manifest.bytes,
            sha256: manifest.sha256.clone(),
            shard: manifest.shard.clone(),
        }
    }
}

/// Where a file of a folder is: its path, or its URL.
pub(crate) type Locate<'a> = &'a (dyn Fn(&Path) -> PathBuf + Send + Sync);

/// The files of a snapshot that are in a folder and sound, as far as is known.
pub(crate) fn files_in(held: &Folder, snapshot: SnapshotId, locate: Locate<'_>) -> Vec<PulledFile> {
    let files = held.sound_files(snapshot);
    files
        .map(|(path, manifest)| PulledFile::new(locate(path), manifest))
        .collect()
}

/// A snapshot that is in a folder.
pub(crate) fn present(held: &Folder, snapshot: SnapshotId, locate: Locate<'_>) -> Pulled {
    Pulled::AlreadyPresent {
        snapshot,
        taken: held.taken(snapshot),
        files: files_in(held, snapshot, locate),
    }
}

/// What was seen while a folder was brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullSummary {
    /// How many snapshots Atlas lists.
    pub listed: usize,
    /// How many of them are complete.
    pub completed: usize,
    /// When the newest complete snapshot was taken, listed or in the folder. Those of an earlier
    /// cluster of the same name and those that are dated in the future do not count.
    pub newest: Option<Timestamp>,
    /// When Atlas listed the snapshots, by its own clock.
    pub date: Option<Timestamp>,
    /// How many snapshots of the cluster are in the folder, at the end.
    pub held: usize,
    /// When the newest of them was taken, of those that count.
    pub newest_held: Option<Timestamp>,
}
