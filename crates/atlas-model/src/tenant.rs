//! Shared-tier (tenant) clusters: snapshots, downloads and restore jobs. Ended on 2026-01-22.

mod create_tenant_restore;
mod download_tenant_snapshot;
mod get_tenant_restore;
mod get_tenant_snapshot;
mod list_tenant_restores;
mod list_tenant_snapshots;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::link::{Link, SnapshotUrl};
use crate::open_enum::open_enum;
use crate::resource::resource;
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{ClusterName, DeploymentItemName, ProjectId, RestoreJobId, SnapshotId};

pub use create_tenant_restore::CreateTenantRestore;
pub use download_tenant_snapshot::DownloadTenantSnapshot;
pub use get_tenant_restore::GetTenantRestore;
pub use get_tenant_snapshot::GetTenantSnapshot;
pub use list_tenant_restores::ListTenantRestores;
pub use list_tenant_snapshots::ListTenantSnapshots;

/// Which snapshot to download or restore, and for which cluster.
///
/// Holds what a caller may set; everything else in a [`TenantRestore`] is Atlas's to say, and a
/// body that sets it is refused.
///
/// ```compile_fail,E0609
/// # fn set(request: &mut atlas_model::TenantRestoreRequest) {
/// request.status = Some("COMPLETED".into());
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct TenantRestoreRequest {
    /// The snapshot.
    pub snapshot_id: SnapshotId,
    /// The cluster the snapshot is meant for, an M2 or larger. Required by the API for a download
    /// too, where nothing is written to it.
    pub target_deployment_item_name: DeploymentItemName,
    /// The project of that cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_project_id: Option<ProjectId>,
}

impl TenantRestoreRequest {
    /// Takes the two required fields.
    pub fn new(snapshot_id: SnapshotId, target_deployment_item_name: DeploymentItemName) -> Self {
        Self {
            snapshot_id,
            target_deployment_item_name,
            target_project_id: None,
        }
    }
}

resource! {
    /// A restore job of a shared-tier cluster, or the download that was asked for.
    pub struct TenantRestore lists optional {
        /// The cluster the snapshot was taken of.
        cluster_name: Seen<ClusterName> = "clusterName",
        /// Whether the snapshot is restored or downloaded.
        delivery_type: DeliveryType = "deliveryType",
        /// When the link ends, four hours after it was asked for.
        expiration_date: Timestamp = "expirationDate",
        /// The restore job.
        id: Seen<RestoreJobId> = "id",
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
        snapshot_id: Seen<SnapshotId> = "snapshotId" required,
        /// The signed link to the file, a gzipped tar.
        snapshot_url: SnapshotUrl = "snapshotUrl",
        /// How far the job is.
        status: RestoreStatus = "status",
        /// The cluster the snapshot is meant for.
        target_deployment_item_name: Seen<DeploymentItemName> = "targetDeploymentItemName" required,
        /// The project of that cluster.
        target_project_id: Seen<ProjectId> = "targetProjectId",
    }
}

open_enum! {
    /// How far a restore job or a snapshot is: `PENDING`, `QUEUED`, `RUNNING`, then `FAILED` or `COMPLETED`.
    pub enum RestoreStatus {
        /// Asked for.
        Pending = "PENDING",
        /// Waiting its turn.
        Queued = "QUEUED",
        /// At work.
        Running = "RUNNING",
        /// Ended without a result.
        Failed = "FAILED",
        /// Ended with a result.
        Completed = "COMPLETED",
    }
}

open_enum! {
    /// What a restore job does with its snapshot.
    pub enum DeliveryType {
        /// Writes it over a cluster.
        Restore = "RESTORE",
        /// Hands out a link to it.
        Download = "DOWNLOAD",
    }
}

resource! {
    /// A snapshot of a shared-tier cluster.
    pub struct TenantSnapshot lists optional {
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

crate::page::paged! {
    unnumbered
    ListTenantRestores => TenantRestore;
    ListTenantSnapshots => TenantSnapshot;
}
