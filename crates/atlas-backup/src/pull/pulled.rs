//! What a pull tells.

use std::path::PathBuf;

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::error::Error;

/// What became of one snapshot.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pulled {
    /// It was downloaded.
    Downloaded {
        /// The snapshot.
        snapshot: SnapshotId,
        /// When it was taken.
        taken: Option<Timestamp>,
        /// Its files.
        files: Vec<PathBuf>,
        /// How long they are together.
        bytes: u64,
    },
    /// It was there already.
    AlreadyPresent {
        /// The snapshot.
        snapshot: SnapshotId,
    },
    /// One of its files is not what its manifest says. It is downloaded again beside the damaged one,
    /// which is replaced once the new one is sound; [`Pulled::Failed`] follows if it cannot be.
    Damaged {
        /// The snapshot.
        snapshot: SnapshotId,
        /// The file.
        file: PathBuf,
    },
    /// It is dated in the future. It does not count as one of those to keep, and stays.
    Future {
        /// The snapshot.
        snapshot: SnapshotId,
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
        /// Why.
        error: Error,
    },
    /// It was removed, since there are newer ones enough.
    Removed {
        /// The snapshot.
        snapshot: SnapshotId,
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
    },
    /// It would be removed, if nothing fails before.
    WouldRemove {
        /// The snapshot.
        snapshot: SnapshotId,
    },
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
