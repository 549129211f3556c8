//! Flex clusters: the clusters themselves, their snapshots, downloads and restore jobs.

mod create_flex_cluster;
mod create_flex_restore_job;
mod delete_flex_cluster;
mod download_flex_snapshot;
mod get_flex_cluster;
mod get_flex_restore_job;
mod get_flex_snapshot;
mod list_flex_clusters;
mod list_flex_restore_jobs;
mod list_flex_snapshots;
mod tenant_upgrade_request;
mod update_flex_cluster;
mod upgrade_flex_cluster;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::link::{Link, SnapshotUrl};
use crate::open_enum::{documented, open_enum};
use crate::resource::resource;
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{
    ClusterId, ClusterName, DeliveryType, DeploymentItemName, ProjectId, ResourceTag, RestoreJobId,
    RestoreStatus, SnapshotId,
};

pub use create_flex_cluster::CreateFlexCluster;
pub use create_flex_restore_job::CreateFlexRestoreJob;
pub use delete_flex_cluster::DeleteFlexCluster;
pub use download_flex_snapshot::DownloadFlexSnapshot;
pub use get_flex_cluster::GetFlexCluster;
pub use get_flex_restore_job::GetFlexRestoreJob;
pub use get_flex_snapshot::GetFlexSnapshot;
pub use list_flex_clusters::ListFlexClusters;
pub use list_flex_restore_jobs::ListFlexRestoreJobs;
pub use list_flex_snapshots::ListFlexSnapshots;
pub use tenant_upgrade_request::TenantUpgradeRequest;
pub use update_flex_cluster::UpdateFlexCluster;
pub use upgrade_flex_cluster::UpgradeFlexCluster;

resource! {
    /// A Flex cluster.
    pub struct FlexCluster {
        /// Whether snapshots of it are taken.
        backup_settings: FlexBackupSettings = "backupSettings",
        /// Always `REPLICASET`.
        cluster_type: CompactString = "clusterType",
        /// Where clients connect.
        connection_strings: FlexConnectionStrings = "connectionStrings",
        /// When it was created.
        create_date: Timestamp = "createDate",
        /// Its project.
        project: Seen<ProjectId> = "groupId",
        /// Its id.
        id: Seen<ClusterId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The version of MongoDB that it runs.
        mongodb_version: CompactString = "mongoDBVersion",
        /// Its name.
        name: Seen<ClusterName> = "name",
        /// Where it runs.
        provider_settings: FlexProviderSettings = "providerSettings" required,
        /// What it is doing.
        state_name: FlexState = "stateName",
        /// Its tags.
        tags: Vec<ResourceTag> = "tags",
        /// Whether Atlas refuses to delete it.
        termination_protection_enabled: bool = "terminationProtectionEnabled",
        /// How it follows new versions of MongoDB.
        version_release_system: CompactString = "versionReleaseSystem",
    }
}

resource! {
    /// Whether snapshots of a Flex cluster are taken.
    pub struct FlexBackupSettings {
        /// Whether they are; always `true` by now.
        enabled: bool = "enabled",
    }
}

resource! {
    /// Where clients of a Flex cluster connect.
    pub struct FlexConnectionStrings {
        /// The `mongodb://` form.
        standard: CompactString = "standard",
        /// The `mongodb+srv://` form.
        standard_srv: CompactString = "standardSrv",
    }
}

resource! {
    /// Where a Flex cluster runs.
    pub struct FlexProviderSettings {
        /// The cloud under it.
        backing_provider_name: CloudProvider = "backingProviderName",
        /// How much it can store, in GB.
        disk_size_gb: f64 = "diskSizeGB",
        /// Always `FLEX`.
        provider_name: CompactString = "providerName",
        /// The region, as Atlas names it.
        region_name: CompactString = "regionName",
    }
}

resource! {
    /// A snapshot of a Flex cluster.
    pub struct FlexSnapshot {
        /// When it is deleted.
        expiration: Timestamp = "expiration",
        /// When it was complete.
        finish_time: Timestamp = "finishTime",
        /// Its id.
        id: Seen<SnapshotId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The version of MongoDB that it was taken of.
        mongodb_version: CompactString = "mongoDBVersion",
        /// When it was due.
        scheduled_time: Timestamp = "scheduledTime",
        /// When it was begun.
        start_time: Timestamp = "startTime",
        /// How far it is.
        status: RestoreStatus = "status",
    }
}

resource! {
    /// A restore job of a Flex cluster, or the download that was asked for.
    pub struct FlexRestoreJob {
        /// Whether the snapshot is restored or downloaded.
        delivery_type: DeliveryType = "deliveryType",
        /// When the link ends, four hours after it was asked for.
        expiration_date: Timestamp = "expirationDate",
        /// The restore job.
        id: Seen<RestoreJobId> = "id",
        /// The cluster the snapshot was taken of.
        cluster_name: Seen<ClusterName> = "instanceName",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The project the snapshot belongs to.
        project_id: Seen<ProjectId> = "projectId",
        /// When the job ended.
        restore_finished_date: Timestamp = "restoreFinishedDate",
        /// When the job was asked for.
        restore_scheduled_date: Timestamp = "restoreScheduledDate",
        /// When the snapshot was complete.
        snapshot_finished_date: Timestamp = "snapshotFinishedDate",
        /// The snapshot.
        snapshot_id: Seen<SnapshotId> = "snapshotId",
        /// The signed link to the file, a gzipped tar.
        snapshot_url: SnapshotUrl = "snapshotUrl",
        /// How far the job is.
        status: RestoreStatus = "status",
        /// The cluster that is written over.
        target_deployment_item_name: Seen<DeploymentItemName> = "targetDeploymentItemName",
        /// The project of that cluster.
        target_project_id: Seen<ProjectId> = "targetProjectId",
    }
}

/// Which snapshot of a Flex cluster to download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexDownloadRequest {
    /// The snapshot.
    pub snapshot_id: SnapshotId,
}

impl FlexDownloadRequest {
    /// Takes the required field.
    pub fn new(snapshot_id: SnapshotId) -> Self {
        Self { snapshot_id }
    }
}

/// Which snapshot of a Flex cluster to restore, and over which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexRestoreRequest {
    /// The snapshot.
    pub snapshot_id: SnapshotId,
    /// The cluster that is written over.
    pub target_deployment_item_name: DeploymentItemName,
    /// The project of that cluster; this one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_project_id: Option<ProjectId>,
}

impl FlexRestoreRequest {
    /// Takes the two required fields.
    pub fn new(snapshot_id: SnapshotId, target_deployment_item_name: DeploymentItemName) -> Self {
        Self {
            snapshot_id,
            target_deployment_item_name,
            target_project_id: None,
        }
    }
}

/// The Flex cluster to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexClusterRequest {
    /// Its name.
    pub name: ClusterName,
    /// Where it is to run.
    pub provider_settings: FlexProviderRequest,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<ResourceTag>>,
    /// Whether Atlas is to refuse to delete it; `false` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_protection_enabled: Option<bool>,
}

impl FlexClusterRequest {
    /// Takes what is required.
    pub fn new(name: ClusterName, provider_settings: FlexProviderRequest) -> Self {
        Self {
            name,
            provider_settings,
            tags: None,
            termination_protection_enabled: None,
        }
    }
}

/// Where a Flex cluster is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexProviderRequest {
    /// The cloud under it.
    #[serde(deserialize_with = "documented")]
    pub backing_provider_name: CloudProvider,
    /// The region, as Atlas names it, for instance `US_EAST_1`.
    pub region_name: CompactString,
}

impl FlexProviderRequest {
    /// Takes the two required fields.
    pub fn new(backing_provider_name: CloudProvider, region_name: &str) -> Self {
        Self {
            backing_provider_name,
            region_name: region_name.into(),
        }
    }
}

/// What of a Flex cluster to change; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FlexClusterUpdate {
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<ResourceTag>>,
    /// Whether Atlas is to refuse to delete it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_protection_enabled: Option<bool>,
}

open_enum! {
    /// What a Flex cluster is doing.
    pub enum FlexState {
        /// Nothing but its work.
        Idle = "IDLE",
        /// Being created.
        Creating = "CREATING",
        /// Being changed.
        Updating = "UPDATING",
        /// Being deleted.
        Deleting = "DELETING",
        /// Being repaired.
        Repairing = "REPAIRING",
    }
}

open_enum! {
    /// A cloud.
    pub enum CloudProvider {
        /// Amazon Web Services.
        Aws = "AWS",
        /// Microsoft Azure.
        Azure = "AZURE",
        /// Google Cloud.
        Gcp = "GCP",
    }
}

crate::page::paged! {
    ListFlexClusters => FlexCluster;
    ListFlexRestoreJobs => FlexRestoreJob;
    ListFlexSnapshots => FlexSnapshot;
}
