//! The world: projects, clusters, snapshots, logins, and what was handed out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use atlas_model::shared::{ResourceTag, RestoreStatus};
use atlas_model::{
    ApiError, ClusterId, ClusterName, DeploymentItemName, ProjectId, RestoreJobId, SnapshotId,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use crate::body::Body;
use crate::handed_out::HandedOut;
use crate::login::Role;
use crate::rate_limit::Buckets;
use crate::snapshot_file::{MAX_DATA, SnapshotFile};

/// The first world's project.
pub const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The first world's shared-tier cluster.
pub const CLUSTER: &str = "Cluster0";
/// The first world's snapshot of [`CLUSTER`].
pub const SNAPSHOT: &str = "32b6e34b3d91647abb20e7b8";
/// The first world's Flex cluster, with eight daily snapshots.
pub const FLEX_CLUSTER: &str = "Flex0";
/// The first world's dedicated replica set, with three snapshots.
pub const DEDICATED_CLUSTER: &str = "Dedicated0";
/// The first world's sharded cluster, of two shards, with one snapshot.
pub const SHARDED_CLUSTER: &str = "Sharded0";

/// What kind of cluster it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClusterKind {
    /// Of the shared tier.
    Tenant,
    /// A Flex cluster.
    Flex,
    /// A dedicated replica set.
    ReplicaSet,
    /// A dedicated cluster of so many shards.
    Sharded {
        /// How many.
        shards: u16,
    },
}

/// An Atlas of its own: a state, and [`handle`](Sandbox::handle) to put requests to it.
///
/// Knows neither clock nor chance: times come from the caller, and what looks random is counted.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) projects: BTreeMap<ProjectId, Project>,
    pub(crate) base_url: String,
    pub(crate) enforce_sunset: bool,
    pub(crate) nonce_lifetime: SignedDuration,
    pub(crate) download_pause: SignedDuration,
    pub(crate) download_delay: SignedDuration,
    pub(crate) restore_time: SignedDuration,
    pub(crate) failing_jobs: u32,
    pub(crate) limits_rates: bool,
    pub(crate) buckets: Buckets,
    pub(crate) forced: VecDeque<ApiError>,
    /// The counts that each was used with.
    pub(crate) nonces: HandedOut<BTreeSet<u32>>,
    pub(crate) tokens: HandedOut<Role>,
    pub(crate) links: HandedOut<SnapshotFile>,
    pub(crate) handed_out: u64,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) served: Arc<AtomicU64>,
}

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) clusters: BTreeMap<ClusterName, Cluster>,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) kind: ClusterKind,
    pub(crate) id: ClusterId,
    pub(crate) snapshots: BTreeMap<SnapshotId, Snapshot>,
    pub(crate) jobs: BTreeMap<RestoreJobId, Job>,
    pub(crate) last_download: Option<Timestamp>,
    pub(crate) tags: Vec<ResourceTag>,
    pub(crate) protected: bool,
    /// Whether only its backups are left.
    pub(crate) deleted: bool,
}

#[derive(Debug)]
pub(crate) struct Snapshot {
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
    /// The signatures of a download, one for each file; empty for a restore.
    pub(crate) signatures: Vec<String>,
    pub(crate) links_end: Timestamp,
    pub(crate) target: Option<DeploymentItemName>,
    pub(crate) target_project: Option<ProjectId>,
}

impl Sandbox {
    /// The first world; see the [crate's page](crate).
    pub fn new() -> Self {
        let mut sandbox = Self::empty();
        let Ok(project) = PROJECT.parse() else {
            return sandbox;
        };
        if let (Ok(cluster), Ok(snapshot)) = (CLUSTER.parse(), SNAPSHOT.parse()) {
            sandbox.add_snapshot(project, &cluster, snapshot, 1 << 20);
        }
        for (name, kind, snapshots) in [
            (FLEX_CLUSTER, ClusterKind::Flex, 8),
            (DEDICATED_CLUSTER, ClusterKind::ReplicaSet, 3),
            (SHARDED_CLUSTER, ClusterKind::Sharded { shards: 2 }, 1),
        ] {
            if let Ok(name) = ClusterName::parse(name) {
                sandbox.add_cluster(project, name.clone(), kind);
                for day in 0..snapshots {
                    sandbox.add_snapshot_taken(project, &name, day);
                }
            }
        }
        sandbox
    }

    /// A world without a project.
    pub fn empty() -> Self {
        Self {
            projects: BTreeMap::new(),
            base_url: "http://127.0.0.1".to_owned(),
            enforce_sunset: false,
            nonce_lifetime: SignedDuration::from_secs(60),
            download_pause: SignedDuration::ZERO,
            download_delay: SignedDuration::ZERO,
            restore_time: SignedDuration::from_secs(60),
            failing_jobs: 0,
            limits_rates: true,
            buckets: Buckets::default(),
            forced: VecDeque::new(),
            nonces: HandedOut::default(),
            tokens: HandedOut::default(),
            links: HandedOut::default(),
            handed_out: 0,
            requests: 0,
            writes: 0,
            served: Arc::default(),
        }
    }

    /// Adds a project, or names one that is there.
    pub fn add_project(&mut self, project: ProjectId, name: &str) {
        let known = self.projects.entry(project).or_insert_with(|| Project {
            name: String::new(),
            clusters: BTreeMap::new(),
        });
        name.clone_into(&mut known.name);
    }

    /// Adds a cluster, and its project where that is missing. One that is there already is kept.
    ///
    /// A sharded cluster has 1 to 50 shards; a number out of these bounds is taken as the nearest.
    pub fn add_cluster(&mut self, project: ProjectId, cluster: ClusterName, kind: ClusterKind) {
        let kind = match kind {
            ClusterKind::Sharded { shards } => ClusterKind::Sharded {
                shards: shards.clamp(1, MAX_SHARDS),
            },
            other => other,
        };
        let mut id = [0; 12];
        id.copy_from_slice(&Md5::digest(format!("{project} {cluster}"))[..12]);
        let project = self.projects.entry(project).or_insert_with(|| Project {
            name: "Sandbox".to_owned(),
            clusters: BTreeMap::new(),
        });
        project.clusters.entry(cluster).or_insert_with(|| Cluster {
            kind,
            id: ClusterId::from_bytes(id),
            snapshots: BTreeMap::new(),
            jobs: BTreeMap::new(),
            last_download: None,
            tags: Vec::new(),
            protected: false,
            deleted: false,
        });
    }

    /// Adds a snapshot that was complete on 2026-01-01, and its project and shared-tier cluster
    /// where they are missing.
    ///
    /// Its file is a gzipped tar around `size` bytes that do not compress, the same for the same
    /// id; a sharded cluster has one for each shard. No file is held in memory. A `size` above 1 TiB
    /// (2^40 bytes) is taken as 1 TiB.
    pub fn add_snapshot(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        size: u64,
    ) {
        self.add_cluster(project, cluster.clone(), ClusterKind::Tenant);
        self.put_snapshot(project, cluster, snapshot, size, FIRST_SNAPSHOT, 0);
    }

    /// Adds the snapshot of the n-th day of January 2026, counted from 0; gives its id.
    fn add_snapshot_taken(&mut self, project: ProjectId, cluster: &ClusterName, day: u8) {
        let mut id = [0; 12];
        id.copy_from_slice(&Md5::digest(format!("{cluster} {day}"))[..12]);
        let taken = FIRST_SNAPSHOT + SignedDuration::from_hours(24 * i64::from(day));
        self.put_snapshot(
            project,
            cluster,
            SnapshotId::from_bytes(id),
            1 << 18,
            taken,
            0,
        );
    }

    /// Adds a snapshot of a cluster that is there, complete at a chosen time.
    pub fn add_snapshot_at(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        size: u64,
        finished: Timestamp,
    ) {
        self.put_snapshot(project, cluster, snapshot, size, finished, 0);
    }

    /// Replaces a snapshot's file by another edition of it, as a store does that makes it anew:
    /// other bytes, another `ETag`, the same length. Links that were handed out lead to it.
    pub fn replace_file(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
    ) {
        let Some(known) = self
            .cluster(project, cluster)
            .and_then(|cluster| cluster.snapshots.get(&snapshot))
        else {
            return;
        };
        let (size, finished) = (known.size, known.finished);
        let old: Vec<String> = known
            .files
            .iter()
            .map(|file| file.etag().to_owned())
            .collect();
        self.handed_out += 1;
        let edition = u32::try_from(self.handed_out).unwrap_or(u32::MAX);
        self.put_snapshot(project, cluster, snapshot, size, finished, edition);
        let files = self.files(project, cluster, snapshot);
        for link in self.links.values_mut() {
            let place = old.iter().position(|etag| etag == link.etag());
            if let Some(file) = place.and_then(|place| files.get(place)) {
                *link = file.clone();
            }
        }
    }

    fn put_snapshot(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        size: u64,
        finished: Timestamp,
        edition: u32,
    ) {
        let size = size.min(MAX_DATA);
        let Some(cluster) = self.cluster_mut(project, cluster) else {
            return;
        };
        let files = match cluster.kind {
            ClusterKind::Sharded { shards } => u32::from(shards),
            _ => 1,
        };
        // Shards differ as editions do.
        let files = (0..files)
            .map(|shard| SnapshotFile::new(snapshot, size, edition.wrapping_add(shard << 24)));
        let snapshot_state = Snapshot {
            finished,
            files: files.collect(),
            size,
            description: None,
            keep_days: 8,
        };
        cluster.snapshots.insert(snapshot, snapshot_state);
    }

    /// The file of a snapshot, as a download gives it; the first shard's of a sharded cluster.
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

    /// The files of a snapshot, one for each shard, in memory.
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
        let cluster = self.cluster(project, cluster);
        let snapshot = cluster.and_then(|cluster| cluster.snapshots.get(&snapshot));
        snapshot.map_or_else(Vec::new, |snapshot| snapshot.files.clone())
    }

    /// The ids of a cluster's snapshots, the oldest first.
    pub fn snapshots(&self, project: ProjectId, cluster: &ClusterName) -> Vec<SnapshotId> {
        let Some(cluster) = self.cluster(project, cluster) else {
            return Vec::new();
        };
        let mut snapshots: Vec<_> = cluster.snapshots.iter().collect();
        snapshots.sort_by_key(|(_, snapshot)| snapshot.finished);
        snapshots.into_iter().map(|(id, _)| *id).collect()
    }

    /// The restore jobs of a cluster and how far each is at a point in time, the last one asked
    /// for first. A download is one of them.
    pub fn jobs(
        &self,
        now: Timestamp,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Vec<(RestoreJobId, RestoreStatus)> {
        let jobs = self.cluster(project, cluster).map(Cluster::latest_jobs);
        let jobs = jobs.unwrap_or_default().into_iter();
        jobs.map(|(id, job)| (id, job.status(now))).collect()
    }

    pub(crate) fn cluster(&self, project: ProjectId, cluster: &ClusterName) -> Option<&Cluster> {
        self.projects.get(&project)?.clusters.get(cluster)
    }

    pub(crate) fn cluster_mut(
        &mut self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Option<&mut Cluster> {
        self.projects.get_mut(&project)?.clusters.get_mut(cluster)
    }

    /// Something that was never handed out before: 32 hexadecimal digits, counted, not random.
    pub(crate) fn unheard(&mut self, kind: &str) -> String {
        self.handed_out += 1;
        hex(&Md5::digest(format!("{kind} {}", self.handed_out)))
    }

    /// Makes a link to a file.
    pub(crate) fn new_link(
        &mut self,
        now: Timestamp,
        ends: Timestamp,
        file: SnapshotFile,
    ) -> String {
        let signature = self.unheard("link");
        self.links.insert(now, signature.clone(), ends, file);
        signature
    }

    /// An id for something new.
    pub(crate) fn new_id(&mut self) -> [u8; 12] {
        self.handed_out += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.handed_out.to_be_bytes());
        id
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// How many shards a cluster may have, as the API description bounds `numShards`.
pub(crate) const MAX_SHARDS: u16 = 50;

/// When the first snapshots were complete: 2026-01-01T00:00:00Z.
pub(crate) const FIRST_SNAPSHOT: Timestamp = Timestamp::constant(1_767_225_600, 0);
