//! Dedicated clusters: their restore jobs, downloads among them.

mod cancel_restore_job;
mod create_restore_job;
mod get_restore_job;
mod list_restore_jobs;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::link::{Link, SnapshotUrl};
use crate::open_enum::{documented, open_enum};
use crate::resource::resource;
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{ClusterName, ProjectId, RestoreJobId, SnapshotId};

pub use cancel_restore_job::CancelRestoreJob;
pub use create_restore_job::CreateRestoreJob;
pub use get_restore_job::GetRestoreJob;
pub use list_restore_jobs::ListRestoreJobs;

resource! {
    /// A restore job of a dedicated cluster.
    ///
    /// It has no status but flags. A download is ready when `delivery_url` is filled;
    /// `finished_at` may never be set then.
    pub struct RestoreJob {
        /// Whether it was cancelled.
        cancelled: bool = "cancelled",
        /// The shards of a sharded cluster, each with its own links.
        components: Vec<RestoreMember> = "components",
        /// Whether the snapshot is restored or downloaded.
        delivery_type: Delivery = "deliveryType" required,
        /// The signed links to the files; empty until they are ready.
        delivery_url: Vec<SnapshotUrl> = "deliveryUrl",
        /// The moment that a point-in-time restore goes back to.
        desired_timestamp: BsonTimestamp = "desiredTimestamp",
        /// Whether the links have ended.
        expired: bool = "expired",
        /// When the links end.
        expires_at: Timestamp = "expiresAt",
        /// Whether it failed.
        failed: bool = "failed",
        /// When it ended.
        finished_at: Timestamp = "finishedAt",
        /// Its id.
        id: Seen<RestoreJobId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The ordinal of the oplog entry it goes back to.
        oplog_inc: i64 = "oplogInc",
        /// The time of the oplog entry it goes back to, in seconds since 1970.
        oplog_ts: i64 = "oplogTs",
        /// The moment it goes back to, in seconds since 1970.
        point_in_time: i64 = "pointInTimeUTCSeconds",
        /// The links for private endpoints.
        private_download_delivery_urls: Vec<PrivateDownload> = "privateDownloadDeliveryUrls",
        /// The snapshot.
        snapshot_id: Seen<SnapshotId> = "snapshotId",
        /// The cluster that is written over.
        target_cluster_name: Seen<ClusterName> = "targetClusterName",
        /// The project of that cluster.
        target_project_id: Seen<ProjectId> = "targetGroupId",
        /// When the snapshot was taken.
        timestamp: Timestamp = "timestamp",
    }
}

resource! {
    /// One shard of a restore job.
    pub struct RestoreMember {
        /// The signed link to the shard's file.
        download_url: SnapshotUrl = "downloadUrl",
        /// The links for private endpoints.
        private_download_delivery_urls: Vec<PrivateDownload> = "privateDownloadDeliveryUrls",
        /// The shard.
        replica_set_name: CompactString = "replicaSetName",
    }
}

resource! {
    /// A link for one private endpoint.
    pub struct PrivateDownload {
        /// The signed link.
        delivery_url: SnapshotUrl = "deliveryUrl",
        /// The endpoint, `vpce-` and 17 hexadecimal digits.
        endpoint_id: CompactString = "endpointId",
    }
}

resource! {
    /// A moment of the oplog.
    pub struct BsonTimestamp {
        /// The second.
        date: Timestamp = "date",
        /// The ordinal within the second.
        increment: i64 = "increment",
    }
}

/// What to restore of a dedicated cluster, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RestoreJobRequest {
    /// Whether the snapshot is restored or downloaded.
    #[serde(deserialize_with = "documented")]
    pub delivery_type: Delivery,
    /// The ordinal of the oplog entry to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oplog_inc: Option<i32>,
    /// The time of the oplog entry to go back to, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oplog_ts: Option<i32>,
    /// The moment to go back to, in seconds since 1970.
    #[serde(
        default,
        rename = "pointInTimeUTCSeconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub point_in_time: Option<i32>,
    /// The snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<SnapshotId>,
    /// The cluster that is written over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cluster_name: Option<ClusterName>,
    /// The project of that cluster.
    #[serde(
        default,
        rename = "targetGroupId",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_project_id: Option<ProjectId>,
}

impl RestoreJobRequest {
    /// Makes a snapshot ready for download; writes to no cluster.
    pub fn download(snapshot: SnapshotId) -> Self {
        Self {
            snapshot_id: Some(snapshot),
            ..Self::of(Delivery::Download)
        }
    }

    /// Restores a snapshot over a cluster.
    pub fn automated(snapshot: SnapshotId, project: ProjectId, cluster: ClusterName) -> Self {
        Self {
            snapshot_id: Some(snapshot),
            target_cluster_name: Some(cluster),
            target_project_id: Some(project),
            ..Self::of(Delivery::Automated)
        }
    }

    /// Restores a moment, in seconds since 1970, over a cluster.
    pub fn point_in_time(seconds: i32, project: ProjectId, cluster: ClusterName) -> Self {
        Self {
            point_in_time: Some(seconds),
            target_cluster_name: Some(cluster),
            target_project_id: Some(project),
            ..Self::of(Delivery::PointInTime)
        }
    }

    fn of(delivery_type: Delivery) -> Self {
        Self {
            delivery_type,
            oplog_inc: None,
            oplog_ts: None,
            point_in_time: None,
            snapshot_id: None,
            target_cluster_name: None,
            target_project_id: None,
        }
    }
}

open_enum! {
    /// What a restore job of a dedicated cluster does with its snapshot.
    pub enum Delivery {
        /// Writes it over a cluster.
        Automated = "automated",
        /// Hands out links to it.
        Download = "download",
        /// Writes a moment over a cluster.
        PointInTime = "pointInTime",
    }
}

crate::page::paged! {
    ListRestoreJobs => RestoreJob;
}
