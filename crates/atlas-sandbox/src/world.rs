//! The world: a resource store, the backups of clusters, logins, and issued nonces, tokens and
//! links.

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
use crate::expiring_map::ExpiringMap;
use crate::find::{cluster_key, flex_key};
use crate::login::Accounts;
use crate::rate_limit::Buckets;
use crate::snapshot_file::SnapshotFile;
use crate::store::Store;

/// The organization of the default world.
pub const ORG: &str = "32b6e34b3d91647abb20e7b0";
/// The project of the default world.
pub const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
/// The shared-tier cluster of the default world.
pub const CLUSTER: &str = "Cluster0";
/// The snapshot of [`CLUSTER`] in the default world.
pub const SNAPSHOT: &str = "32b6e34b3d91647abb20e7b8";
/// The Flex cluster of the default world, with eight daily snapshots.
pub const FLEX_CLUSTER: &str = "Flex0";
/// The dedicated replica set of the default world, with three snapshots.
pub const DEDICATED_CLUSTER: &str = "Dedicated0";
/// The sharded cluster of the default world, with two shards and one snapshot.
pub const SHARDED_CLUSTER: &str = "Sharded0";

/// The kind of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClusterKind {
    /// A cluster of the shared tier.
    Tenant,
    /// A Flex cluster.
    Flex,
    /// A dedicated replica set.
    ReplicaSet,
    /// A sharded dedicated cluster.
    Sharded {
        /// The number of shards.
        shards: u16,
    },
}

/// An emulated Atlas: a world that responds to requests with [`handle`](Sandbox::handle).
///
/// It uses neither a clock nor randomness: times are arguments, and generated values are counted.
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
    /// Digest nonces, each with the nonce counts that were used with it.
    pub(crate) nonces: ExpiringMap<BTreeSet<u32>>,
    /// Access tokens, each with the number of its account.
    pub(crate) tokens: ExpiringMap<u64>,
    pub(crate) links: ExpiringMap<SnapshotFile>,
    /// The number of generated ids and tokens.
    pub(crate) issued: u64,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) served: Arc<AtomicU64>,
    /// The time at which a seed starts the world.
    pub(crate) seed_clock: Option<Timestamp>,
}

impl Sandbox {
    /// Creates the default world; see the [crate's front page](crate).
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

    /// Creates a world with one organization and no project.
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
            nonces: ExpiringMap::default(),
            tokens: ExpiringMap::default(),
            links: ExpiringMap::default(),
            issued: 0,
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

    /// Adds a project to the default organization, or renames an existing one.
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

    /// Adds a cluster, and its project if it does not exist. An existing cluster is kept.
    ///
    /// A sharded cluster has 1 to 50 shards; other numbers are clamped.
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

    /// Deletes a cluster at once. The backups of a dedicated cluster stay and can be listed,
    /// downloaded and restored; for all other operations the cluster does not exist.
    pub fn delete_cluster(&mut self, project: ProjectId, cluster: &ClusterName) {
        self.forget_cluster(&project.to_string(), cluster.as_str());
    }

    /// Returns the ids of the first organization and the first project, in the order of creation.
    pub fn first_ids(&self) -> (Option<String>, Option<String>) {
        let first = |parent: &str| {
            let children = self.store.children(parent);
            children.first().map(|(key, _)| crate::store::last(key))
        };
        (first("/orgs"), first("/groups"))
    }

    /// Removes a cluster from the world. The backups of a dedicated cluster stay.
    pub(crate) fn forget_cluster(&mut self, project: &str, name: &str) {
        self.store.remove(&cluster_key(project, name));
        self.store.remove(&flex_key(project, name));
        let place = (project.to_owned(), name.to_owned());
        let kind = self.backups.get(&place).map(|backups| backups.kind);
        if matches!(kind, Some(ClusterKind::Tenant | ClusterKind::Flex)) {
            self.backups.remove(&place);
        }
    }

    /// A value that was never issued before: 32 hexadecimal digits, counted, not random.
    pub(crate) fn next_token(&mut self, kind: &str) -> String {
        self.issued += 1;
        hex(&Md5::digest(format!("{kind} {}", self.issued)))
    }

    /// Creates a link to a file.
    pub(crate) fn new_link(
        &mut self,
        now: Timestamp,
        ends: Timestamp,
        file: SnapshotFile,
    ) -> String {
        let signature = self.next_token("link");
        self.links.insert(now, signature.clone(), ends, file);
        signature
    }

    /// A new id.
    pub(crate) fn new_id(&mut self) -> [u8; 12] {
        self.issued += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.issued.to_be_bytes());
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

/// Lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// The maximum number of shards of a cluster, as for `numShards` in the API description.
pub(crate) const MAX_SHARDS: u16 = 50;

/// The MongoDB version of all clusters.
pub(crate) const MONGODB: &str = "8.0.29";

/// The completion time of the first snapshots: 2026-01-01T00:00:00Z.
pub(crate) const FIRST_SNAPSHOT: Timestamp = Timestamp::constant(1_767_225_600, 0);
