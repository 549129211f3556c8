//! Dedicated clusters: their snapshots.

mod delete_sharded_snapshot;
mod delete_snapshot;
mod get_sharded_snapshot;
mod get_snapshot;
mod get_snapshot_collection;
mod get_snapshot_database;
mod list_sharded_snapshots;
mod list_snapshot_collections;
mod list_snapshot_databases;
mod list_snapshots;
mod take_snapshot;
mod update_snapshot_retention;

use std::num::NonZeroU32;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::open_enum::{documented, open_enum};
use crate::resource::resource;
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{CloudProvider, PolicyItemId, SnapshotId};

pub use delete_sharded_snapshot::DeleteShardedSnapshot;
pub use delete_snapshot::DeleteSnapshot;
pub use get_sharded_snapshot::GetShardedSnapshot;
pub use get_snapshot::GetSnapshot;
pub use get_snapshot_collection::GetSnapshotCollection;
pub use get_snapshot_database::GetSnapshotDatabase;
pub use list_sharded_snapshots::ListShardedSnapshots;
pub use list_snapshot_collections::ListSnapshotCollections;
pub use list_snapshot_databases::ListSnapshotDatabases;
pub use list_snapshots::ListSnapshots;
pub use take_snapshot::TakeSnapshot;
pub use update_snapshot_retention::UpdateSnapshotRetention;

resource! {
    /// A snapshot of a replica set.
    pub struct Snapshot {
        /// The cloud that keeps it.
        cloud_provider: CloudProvider = "cloudProvider",
        /// The regions it is copied to.
        copy_regions: Vec<CompactString> = "copyRegions",
        /// When it was taken.
        created_at: Timestamp = "createdAt",
        /// What somebody wrote about it.
        description: CompactString = "description",
        /// When it is deleted.
        expires_at: Timestamp = "expiresAt",
        /// Which schedule took it.
        frequency_type: FrequencyType = "frequencyType",
        /// Its id.
        id: Seen<SnapshotId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The key it is encrypted with, a UUID.
        master_key_uuid: CompactString = "masterKeyUUID",
        /// The version of MongoDB that it was taken of.
        mongod_version: CompactString = "mongodVersion",
        /// The items of the backup policy that took it.
        policy_items: Vec<Seen<PolicyItemId>> = "policyItems",
        /// The replica set it was taken of.
        replica_set_name: CompactString = "replicaSetName",
        /// Why it was taken.
        snapshot_type: SnapshotType = "snapshotType",
        /// How far it is.
        status: SnapshotStatus = "status",
        /// How much it stores, in bytes.
        storage_size_bytes: i64 = "storageSizeBytes",
        /// What it was taken of.
        kind: SnapshotKind = "type",
    }
}

resource! {
    /// A snapshot of a sharded cluster.
    pub struct ShardedSnapshot {
        /// How the config servers run.
        config_server_type: ConfigServerType = "configServerType",
        /// When it was taken.
        created_at: Timestamp = "createdAt",
        /// What somebody wrote about it.
        description: CompactString = "description",
        /// When it is deleted.
        expires_at: Timestamp = "expiresAt",
        /// Which schedule took it.
        frequency_type: FrequencyType = "frequencyType",
        /// Its id.
        id: Seen<SnapshotId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The key it is encrypted with, a UUID.
        master_key_uuid: CompactString = "masterKeyUUID",
        /// The version of MongoDB that it was taken of.
        mongod_version: CompactString = "mongodVersion",
        /// The items of the backup policy that took it.
        policy_items: Vec<Seen<PolicyItemId>> = "policyItems",
        /// The part of each shard and of the config servers.
        members: Vec<SnapshotMember> = "members",
        /// The snapshots of the members.
        snapshot_ids: Vec<Seen<SnapshotId>> = "snapshotIds",
        /// Why it was taken.
        snapshot_type: SnapshotType = "snapshotType",
        /// How far it is.
        status: SnapshotStatus = "status",
        /// How much it stores, in bytes.
        storage_size_bytes: i64 = "storageSizeBytes",
        /// What it was taken of.
        kind: SnapshotKind = "type",
    }
}

resource! {
    /// One shard's part of a snapshot.
    pub struct SnapshotMember {
        /// The cloud that keeps it.
        cloud_provider: CloudProvider = "cloudProvider" required,
        /// Its own id.
        id: Seen<SnapshotId> = "id" required,
        /// The replica set it was taken of.
        replica_set_name: CompactString = "replicaSetName" required,
    }
}

resource! {
    /// A database in a snapshot.
    pub struct SnapshotDatabase {
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// Its name.
        name: CompactString = "name" required,
    }
}

resource! {
    /// A collection in a snapshot.
    pub struct SnapshotCollection {
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// Its name.
        name: CompactString = "name" required,
    }
}

/// The snapshot to take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct OnDemandSnapshotRequest {
    /// What to write about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many days it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<NonZeroU32>,
}

/// How long a snapshot is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SnapshotRetention {
    /// In what the time is counted.
    #[serde(deserialize_with = "documented")]
    pub retention_unit: RetentionUnit,
    /// How many of them.
    pub retention_value: i32,
}

impl SnapshotRetention {
    /// Takes the two required fields.
    pub fn new(retention_value: i32, retention_unit: RetentionUnit) -> Self {
        Self {
            retention_unit,
            retention_value,
        }
    }
}

open_enum! {
    /// In what the life of a snapshot is counted.
    pub enum RetentionUnit {
        /// Days.
        Days = "DAYS",
        /// Weeks.
        Weeks = "WEEKS",
        /// Months.
        Months = "MONTHS",
        /// Years.
        Years = "YEARS",
    }
}

open_enum! {
    /// Which schedule took a snapshot.
    pub enum FrequencyType {
        /// The one of each hour.
        Hourly = "hourly",
        /// The one of each day.
        Daily = "daily",
        /// The one of each week.
        Weekly = "weekly",
        /// The one of each month.
        Monthly = "monthly",
        /// The one of each year.
        Yearly = "yearly",
    }
}

open_enum! {
    /// Why a snapshot was taken.
    pub enum SnapshotType {
        /// Somebody asked for it.
        OnDemand = "onDemand",
        /// It was due.
        Scheduled = "scheduled",
        /// Another one could not be taken as it should.
        Fallback = "fallback",
    }
}

open_enum! {
    /// How far a snapshot of a dedicated cluster is.
    pub enum SnapshotStatus {
        /// Waiting its turn.
        Queued = "queued",
        /// Being taken.
        InProgress = "inProgress",
        /// Complete.
        Completed = "completed",
        /// Given up.
        Failed = "failed",
    }
}

open_enum! {
    /// What a snapshot was taken of.
    pub enum SnapshotKind {
        /// A replica set.
        ReplicaSet = "replicaSet",
        /// A sharded cluster.
        ShardedCluster = "shardedCluster",
    }
}

open_enum! {
    /// How the config servers of a sharded cluster run.
    pub enum ConfigServerType {
        /// Within a shard.
        Embedded = "EMBEDDED",
        /// By themselves.
        Dedicated = "DEDICATED",
    }
}

crate::page::paged! {
    ListSnapshots => Snapshot;
    ListSnapshotDatabases => SnapshotDatabase;
    ListSnapshotCollections => SnapshotCollection;
}

crate::page::paged! {
    unnumbered
    ListShardedSnapshots => ShardedSnapshot;
}
