//! The reports of a pull.

use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::error::Error;
use crate::folder::Folder;
use crate::manifest::Manifest;

/// The result of a pull for one snapshot.
///
/// `taken` is when the snapshot was completed, or started if only that is known.
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
        /// Their total length in bytes.
        bytes: u64,
    },
    /// It was already in the folder.
    AlreadyPresent {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Its files in the folder, including copies under other names.
        files: Vec<PulledFile>,
    },
    /// One of its files does not match its manifest. It is downloaded again next to the damaged
    /// file, which is replaced once the new one is sound; [`Pulled::Failed`] follows if that fails.
    Damaged {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken, according to the manifest.
        taken: Option<Timestamp>,
        /// The file's path, or the URL of an object.
        file: PathBuf,
        /// The defect of the file, in one line.
        reason: String,
    },
    /// It is dated in the future. It does not count as a kept snapshot, and stays.
    Future {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken, according to the snapshot.
        taken: Option<Timestamp>,
    },
    /// Some snapshots in the folder are, or may be, of an earlier cluster of the same name. They do
    /// not count as kept snapshots, and stay. Reported once, and only if snapshots may be removed.
    OtherCluster {
        /// The number of such snapshots.
        snapshots: usize,
    },
    /// It could not be downloaded or removed.
    Failed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// The reason.
        error: Error,
    },
    /// It was removed, since enough newer ones are kept.
    Removed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// The files that were removed, without their manifests, which are removed too.
        files: Vec<PulledFile>,
    },
    /// It would be downloaded if this were not a [dry run](crate::PullOptions::dry_run).
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
        /// Its files in the folder.
        files: Vec<PulledFile>,
    },
    /// It would be removed, if nothing fails before that.
    WouldRemove {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// The files that would be removed, without their manifests, which would be removed too.
        files: Vec<PulledFile>,
    },
}

/// A file of a snapshot in a folder, or an object in a store, as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PulledFile {
    /// Its path, or the URL of an object.
    pub path: PathBuf,
    /// Its length in bytes.
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

/// Returns the location of a file of a folder: its path, or its URL.
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

/// The totals of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullSummary {
    /// The number of snapshots that Atlas lists.
    pub listed: usize,
    /// The number of listed snapshots that are complete.
    pub completed: usize,
    /// When the newest complete snapshot was taken, listed or in the folder. Those of an earlier
    /// cluster of the same name and those that are dated in the future do not count.
    pub newest: Option<Timestamp>,
    /// When Atlas listed the snapshots, by its own clock.
    pub date: Option<Timestamp>,
    /// The number of snapshots of the cluster in the folder at the end.
    pub held: usize,
    /// When the newest of them that counts was taken.
    pub newest_held: Option<Timestamp>,
}
