//! Resources as they are answered, where a generated type cannot be built here or has its fields
//! otherwise.

use atlas_model::cloud_backups::{
    BackupDeliveryType, DiskBackupRestoreMember, DiskBackupShardedClusterSnapshotMember,
    FrequencyType, SnapshotKind, SnapshotStatus, SnapshotType,
};
use atlas_model::shared::{CloudProvider, ClusterState, ClusterType, ResourceTag};
use atlas_model::{
    ClusterId, ClusterName, Link, PolicyItemId, ProjectId, RestoreJobId, SnapshotId, SnapshotUrl,
    Timestamp,
};
use serde::Serialize;
use serde_json::Value;

/// A dedicated or shared-tier cluster, in any of its versions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "so the API has it")]
pub(crate) struct ShownCluster {
    pub(crate) backup_enabled: bool,
    pub(crate) cluster_type: ClusterType,
    pub(crate) connection_strings: Value,
    pub(crate) create_date: Timestamp,
    #[serde(rename = "groupId")]
    pub(crate) project: ProjectId,
    pub(crate) id: ClusterId,
    pub(crate) labels: Value,
    pub(crate) links: Vec<Link>,
    #[serde(rename = "mongoDBMajorVersion")]
    pub(crate) mongodb_major_version: &'static str,
    #[serde(rename = "mongoDBVersion")]
    pub(crate) mongodb_version: &'static str,
    pub(crate) name: ClusterName,
    /// In version 2023-01-01 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) num_shards: Option<u16>,
    pub(crate) paused: bool,
    pub(crate) pit_enabled: bool,
    /// In version 2023-01-01 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_backup_enabled: Option<bool>,
    /// In version 2023-01-01 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_settings: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replication_specs: Option<Value>,
    pub(crate) state_name: ClusterState,
    pub(crate) tags: Vec<ResourceTag>,
    pub(crate) termination_protection_enabled: bool,
    pub(crate) version_release_system: &'static str,
}

/// A snapshot of a replica set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownSnapshot {
    pub(crate) cloud_provider: CloudProvider,
    pub(crate) copy_regions: Vec<&'static str>,
    pub(crate) created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) frequency_type: FrequencyType,
    pub(crate) id: SnapshotId,
    pub(crate) mongod_version: &'static str,
    pub(crate) policy_items: Vec<PolicyItemId>,
    pub(crate) replica_set_name: &'static str,
    pub(crate) snapshot_type: SnapshotType,
    pub(crate) status: SnapshotStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_size_bytes: Option<i64>,
    #[serde(rename = "type")]
    pub(crate) kind: SnapshotKind,
}

/// A snapshot of a sharded cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownShardedSnapshot {
    pub(crate) created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) frequency_type: FrequencyType,
    pub(crate) id: SnapshotId,
    pub(crate) mongod_version: &'static str,
    pub(crate) policy_items: Vec<PolicyItemId>,
    pub(crate) members: Vec<DiskBackupShardedClusterSnapshotMember>,
    pub(crate) snapshot_ids: Vec<SnapshotId>,
    pub(crate) snapshot_type: SnapshotType,
    pub(crate) status: SnapshotStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_size_bytes: Option<i64>,
    #[serde(rename = "type")]
    pub(crate) kind: SnapshotKind,
}

/// A restore job of a dedicated cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownRestoreJob {
    pub(crate) cancelled: bool,
    /// The shards of a sharded cluster, each with its own link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) components: Option<Vec<DiskBackupRestoreMember>>,
    pub(crate) delivery_type: BackupDeliveryType,
    /// The links of all files; empty until they are ready.
    pub(crate) delivery_url: Vec<SnapshotUrl>,
    pub(crate) expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) id: RestoreJobId,
    pub(crate) links: Vec<Link>,
    pub(crate) snapshot_id: SnapshotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_cluster_name: Option<ClusterName>,
    #[serde(rename = "targetGroupId", skip_serializing_if = "Option::is_none")]
    pub(crate) target_project_id: Option<ProjectId>,
    pub(crate) timestamp: Timestamp,
}
