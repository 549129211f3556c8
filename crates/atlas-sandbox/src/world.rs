//! The world: a resource store, the backups of clusters, logins, and what was handed out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use atlas_model::{ApiError, ClusterName, ProjectId, SnapshotId};
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde_json::json;

use crate::api::fidelity::Fidelity;
use crate::api::generic::{org_key, project_key};
use crate::backups::Backups;
use crate::behaviour::{alerts, clusters, federation, flex, projects, users};
use crate::find::{cluster_key, flex_key};
use crate::handed_out::HandedOut;
use crate::login::Accounts;
use crate::rate_limit::Buckets;
use crate::snapshot_file::SnapshotFile;
use crate::store::Store;

/// The first world's organization.
pub const ORG: &str = "32b6e34b3d91647abb20e7b0";
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
    pub(crate) store: Store,
    pub(crate) backups: BTreeMap<(String, String), Backups>,
    pub(crate) accounts: Accounts,
    pub(crate) base_url: String,
    pub(crate) enforce_sunset: bool,
    pub(crate) min_fidelity: Fidelity,
    pub(crate) form_credentials: bool,
    pub(crate) nonce_lifetime: SignedDuration,
    pub(crate) download_pause: SignedDuration,
    pub(crate) download_delay: SignedDuration,
    pub(crate) restore_time: SignedDuration,
    pub(crate) provisioning_time: SignedDuration,
    pub(crate) failing_jobs: u32,
    pub(crate) limits_rates: bool,
    pub(crate) buckets: Buckets,
    pub(crate) forced: VecDeque<ApiError>,
    /// The counts that each was used with.
    pub(crate) nonces: HandedOut<BTreeSet<u32>>,
    /// Access tokens, each with the number of its account.
    pub(crate) tokens: HandedOut<u64>,
    pub(crate) links: HandedOut<SnapshotFile>,
    pub(crate) handed_out: u64,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) served: Arc<AtomicU64>,
    /// When a seed has the world begin.
    pub(crate) seed_clock: Option<Timestamp>,
}

impl Sandbox {
    /// The first world; see the [crate's page](crate).
    pub fn new() -> Self {
        let mut sandbox = Self::empty();
        let Ok(project) = PROJECT.parse() else {
            return sandbox;
        };
        sandbox.add_project(project, "Sandbox");
        alerts::furnish(&mut sandbox);
        if let (Ok(cluster), Ok(snapshot)) = (CLUSTER.parse(), SNAPSHOT.parse::<SnapshotId>()) {
            sandbox.add_snapshot(project, &cluster, snapshot, 1 << 20);
        }
        for (name, kind, snapshots) in [
            (FLEX_CLUSTER, ClusterKind::Flex, 8),
            (DEDICATED_CLUSTER, ClusterKind::ReplicaSet, 3),
            (SHARDED_CLUSTER, ClusterKind::Sharded { shards: 2 }, 1),
        ] {
            if let Ok(cluster) = ClusterName::parse(name) {
                sandbox.add_cluster(project, cluster, kind);
                for day in 0..snapshots {
                    sandbox.add_snapshot_taken(project, name, day);
                }
            }
        }
        sandbox
    }

    /// A world with one organization and without a project.
    pub fn empty() -> Self {
        let mut sandbox = Self {
            store: Store::default(),
            backups: BTreeMap::new(),
            accounts: Accounts::default(),
            base_url: "http://127.0.0.1".to_owned(),
            enforce_sunset: false,
            min_fidelity: Fidelity::Generic,
            form_credentials: false,
            nonce_lifetime: SignedDuration::from_secs(60),
            download_pause: SignedDuration::ZERO,
            download_delay: SignedDuration::ZERO,
            restore_time: SignedDuration::from_secs(60),
            provisioning_time: SignedDuration::from_secs(60),
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
            seed_clock: None,
        };
        let org = json!({"id": ORG, "name": "Sandbox", "isDeleted": false});
        sandbox.store.insert(org_key(ORG), org, FIRST_SNAPSHOT);
        users::standing(&mut sandbox.store);
        federation::standing(&mut sandbox.store);
        sandbox
    }

    /// Adds a project to the first organization, or names one that is there.
    pub fn add_project(&mut self, project: ProjectId, name: &str) {
        let id = project.to_string();
        let key = project_key(&id);
        if self.store.contains(&key) {
            self.store.merge(&key, &json!({ "name": name }));
        } else {
            let body = projects::document(&id, ORG, name);
            self.store.insert(key, body, FIRST_SNAPSHOT);
        }
    }

    /// Adds a cluster, and its project where that is missing. One that is there already is kept.
    ///
    /// A sharded cluster has 1 to 50 shards; a number out of these bounds is taken as the nearest.
    #[allow(clippy::needless_pass_by_value, reason = "the public signature")]
    pub fn add_cluster(&mut self, project: ProjectId, cluster: ClusterName, kind: ClusterKind) {
        let kind = match kind {
            ClusterKind::Sharded { shards } => ClusterKind::Sharded {
                shards: shards.clamp(1, MAX_SHARDS),
            },
            other => other,
        };
        let (project_id, name) = (project.to_string(), cluster.to_string());
        if !self.store.contains(&project_key(&project_id)) {
            self.add_project(project, "Sandbox");
        }
        let place = (project_id, name);
        if self.backups.contains_key(&place) {
            return;
        }
        let (project, name) = (&place.0, &place.1);
        let digits = cluster_id(project, name);
        let (key, body) = match kind {
            ClusterKind::Flex => (
                flex_key(project, name),
                flex::document(project, name, &digits),
            ),
            _ => (
                cluster_key(project, name),
                clusters::document(project, name, &digits, kind),
            ),
        };
        self.store.insert(key, body, FIRST_SNAPSHOT);
        self.backups.insert(place, Backups::new(kind));
    }

    /// Deletes a cluster at once, as its owner would in time. The backups of a dedicated cluster
    /// stay and can be listed, downloaded and restored; no other operation knows the cluster any
    /// more.
    pub fn delete_cluster(&mut self, project: ProjectId, cluster: &ClusterName) {
        self.forget_cluster(&project.to_string(), cluster.as_str());
    }

    /// The ids of the first organization and of the first project, in the order of their creation.
    pub fn first_ids(&self) -> (Option<String>, Option<String>) {
        let first = |parent: &str| {
            let children = self.store.children(parent);
            children.first().map(|(key, _)| crate::store::last(key))
        };
        (first("/orgs"), first("/groups"))
    }

    /// Takes a cluster out of the world. The backups of a dedicated cluster outlive it.
    pub(crate) fn forget_cluster(&mut self, project: &str, name: &str) {
        self.store.remove(&cluster_key(project, name));
        self.store.remove(&flex_key(project, name));
        let place = (project.to_owned(), name.to_owned());
        let kind = self.backups.get(&place).map(|backups| backups.kind);
        if matches!(kind, Some(ClusterKind::Tenant | ClusterKind::Flex)) {
            self.backups.remove(&place);
        }
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

/// The id of a cluster that is added rather than created.
pub(crate) fn cluster_id(project: &str, name: &str) -> String {
    let mut digits = hex(&Md5::digest(format!("{project} {name}")));
    digits.truncate(24);
    digits
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

/// The version of MongoDB that everything here runs.
pub(crate) const MONGODB: &str = "8.0.29";

/// When the first snapshots were complete: 2026-01-01T00:00:00Z.
pub(crate) const FIRST_SNAPSHOT: Timestamp = Timestamp::constant(1_767_225_600, 0);
