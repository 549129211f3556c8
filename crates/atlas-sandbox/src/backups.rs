//! The backups of clusters: snapshots with their files, and restore jobs.

use std::collections::BTreeMap;

use atlas_model::shared::RestoreStatus;
use atlas_model::{ClusterName, ProjectId, RestoreJobId, SnapshotId};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use crate::body::Body;
use crate::snapshot_file::{MAX_DATA, SnapshotFile};
use crate::time::later;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, Sandbox};

/// The backups of one cluster. They outlive a dedicated cluster that is deleted.
#[derive(Debug)]
pub(crate) struct Backups {
    pub(crate) kind: ClusterKind,
    pub(crate) snapshots: BTreeMap<SnapshotId, Snapshot>,
    pub(crate) jobs: BTreeMap<RestoreJobId, Job>,
    pub(crate) last_download: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The time of the request for it; `None` if it was taken by schedule.
    pub(crate) asked: Option<Timestamp>,
    pub(crate) finished: Timestamp,
    /// One file, or one for each shard.
    pub(crate) files: Vec<SnapshotFile>,
    pub(crate) size: u64,
    pub(crate) description: Option<String>,
    pub(crate) keep_days: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) snapshot: SnapshotId,
    pub(crate) snapshot_finished: Timestamp,
    pub(crate) asked: Timestamp,
    pub(crate) takes: SignedDuration,
    pub(crate) fails: bool,
    pub(crate) cancelled: bool,
    /// `download`, `automated` or `pointInTime`.
    pub(crate) delivery: &'static str,
    /// The second and the increment of a point-in-time restore.
    pub(crate) point: Option<(i64, i64)>,
    /// The signatures of a download, one for each file; empty for a restore.
    pub(crate) signatures: Vec<String>,
    pub(crate) links_end: Timestamp,
    pub(crate) target: Option<String>,
    pub(crate) target_project: Option<String>,
}

/// The progress of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Queued,
    Running,
    Completed,
}

impl Backups {
    pub(crate) fn new(kind: ClusterKind) -> Self {
        Self {
            kind,
            snapshots: BTreeMap::new(),
            jobs: BTreeMap::new(),
            last_download: None,
        }
    }

    /// The jobs, the newest first.
    pub(crate) fn latest_jobs(&self) -> Vec<(RestoreJobId, Job)> {
        let jobs = self.jobs.iter().rev();
        jobs.map(|(id, job)| (*id, job.clone())).collect()
    }

    /// The snapshots, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<(SnapshotId, &Snapshot)> {
        let mut snapshots: Vec<_> = self.snapshots.iter().map(|(id, it)| (*id, it)).collect();
        snapshots.sort_by_key(|(id, snapshot)| (std::cmp::Reverse(snapshot.finished), *id));
        snapshots
    }

    fn put(&mut self, id: SnapshotId, size: u64, finished: Timestamp, edition: u32) {
        let size = size.min(MAX_DATA);
        let files = match self.kind {
            ClusterKind::Sharded { shards } => u32::from(shards),
            _ => 1,
        };
        // Shards differ in the same way as editions.
        let files =
            (0..files).map(|shard| SnapshotFile::new(id, size, edition.wrapping_add(shard << 24)));
        let snapshot = Snapshot {
            asked: None,
            finished,
            files: files.collect(),
            size,
            description: None,
            keep_days: 8,
        };
        self.snapshots.insert(id, snapshot);
    }
}

impl Snapshot {
    /// The time of its deletion.
    pub(crate) fn expires(&self) -> Timestamp {
        let hours = self.keep_days.saturating_mul(24);
        later(self.finished, SignedDuration::from_hours(hours))
    }

    /// A requested snapshot is queued, then in progress, then complete.
    pub(crate) fn progress(&self, now: Timestamp) -> Progress {
        let Some(asked) = self.asked.filter(|_| now < self.finished) else {
            return Progress::Completed;
        };
        if now.duration_since(asked) * 10 < self.finished.duration_since(asked) {
            Progress::Queued
        } else {
            Progress::Running
        }
    }
}

impl Sandbox {
    /// Adds a snapshot that was complete on 2026-01-01; adds its project and shared-tier cluster if
    /// they do not exist.
    ///
    /// Its file is a gzipped tar around `size` incompressible bytes, which are the same for the
    /// same id. A sharded cluster has one file for each shard. Files are not held in memory. A
    /// `size` above 1 TiB (2^40 bytes) becomes 1 TiB.
    /// (2^40 bytes) is taken as 1 TiB.
    pub fn add_snapshot(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        size: u64,
    ) {
        self.add_cluster(project, cluster.clone(), ClusterKind::Tenant);
        self.add_snapshot_at(project, cluster, snapshot, size, FIRST_SNAPSHOT);
    }

    /// Adds the snapshot of the n-th day of January 2026, counted from 0.
    pub(crate) fn add_snapshot_taken(&mut self, project: ProjectId, cluster: &str, day: u8) {
        let mut id = [0; 12];
        id.copy_from_slice(&Md5::digest(format!("{cluster} {day}"))[..12]);
        let taken = FIRST_SNAPSHOT + SignedDuration::from_hours(24 * i64::from(day));
        if let Some(backups) = self.backups_mut(&project.to_string(), cluster) {
            backups.put(SnapshotId::from_bytes(id), 1 << 18, taken, 0);
        }
    }

    /// Adds a snapshot of an existing cluster that is complete at the given time.
    pub fn add_snapshot_at(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        size: u64,
        finished: Timestamp,
    ) {
        if let Some(backups) = self.backups_mut(&project.to_string(), cluster.as_str()) {
            backups.put(snapshot, size, finished, 0);
        }
    }

    /// Replaces the file of a snapshot with another edition: other bytes and another `ETag`, but the
    /// same length. Links that were issued before lead to the new edition.
    pub fn replace_file(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) {
        self.issued += 1;
        let edition = u32::try_from(self.issued).unwrap_or(u32::MAX);
        let Some(backups) = self.backups_mut(&project.to_string(), cluster.as_str()) else {
            return;
        };
        let Some(known) = backups.snapshots.get(&snapshot) else {
            return;
        };
        let (size, finished) = (known.size, known.finished);
        let old: Vec<String> = known
            .files
            .iter()
            .map(|file| file.etag().to_owned())
            .collect();
        backups.put(snapshot, size, finished, edition);
        let files = self.files(project, cluster, snapshot);
        for link in self.links.values_mut() {
            let place = old.iter().position(|etag| etag == link.etag());
            if let Some(file) = place.and_then(|place| files.get(place)) {
                *link = file.clone();
            }
        }
    }

    /// Returns the file of a snapshot, as a download returns it; for a sharded cluster, that of the
    /// first shard.
    pub fn snapshot_file(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) -> Option<Bytes> {
        self.snapshot_files(project, cluster, snapshot)
            .into_iter()
            .next()
    }

    /// Returns the files of a snapshot in memory, one for each shard.
    pub fn snapshot_files(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) -> Vec<Bytes> {
        let files = self.files(project, cluster, snapshot).into_iter();
        let bytes = files.map(|file| {
            let length = file.length();
            Body::file(&file, 0, length).into_bytes()
        });
        bytes.collect()
    }

    fn files(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) -> Vec<SnapshotFile> {
        let backups = self.backups(&project.to_string(), cluster.as_str());
        let snapshot = backups.and_then(|backups| backups.snapshots.get(&snapshot));
        snapshot.map_or_else(Vec::new, |snapshot| snapshot.files.clone())
    }

    /// Returns the ids of a cluster's snapshots, the oldest first.
    pub fn snapshots(&self, project: ProjectId, cluster: &ClusterName) -> Vec<SnapshotId> {
        let Some(backups) = self.backups(&project.to_string(), cluster.as_str()) else {
            return Vec::new();
        };
        let mut snapshots: Vec<_> = backups.snapshots.iter().collect();
        snapshots.sort_by_key(|(_, snapshot)| snapshot.finished);
        snapshots.into_iter().map(|(id, _)| *id).collect()
    }

    /// Returns the restore jobs of a cluster, downloads included, with their status at the given
    /// time; the newest first.
    pub fn jobs(
        &self,
        now: Timestamp,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Vec<(RestoreJobId, RestoreStatus)> {
        let backups = self.backups(&project.to_string(), cluster.as_str());
        let jobs = backups.map(Backups::latest_jobs).unwrap_or_default();
        jobs.into_iter()
            .map(|(id, job)| (id, job.status(now)))
            .collect()
    }

    pub(crate) fn backups(&self, project: &str, cluster: &str) -> Option<&Backups> {
        self.backups.get(&(project.to_owned(), cluster.to_owned()))
    }

    pub(crate) fn backups_mut(&mut self, project: &str, cluster: &str) -> Option<&mut Backups> {
        self.backups
            .get_mut(&(project.to_owned(), cluster.to_owned()))
    }
}
