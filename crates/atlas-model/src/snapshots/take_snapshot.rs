//! `takeGroupClusterBackupSnapshots`.

use crate::declare::operation;
use crate::{ClusterName, OnDemandSnapshotRequest, ProjectId, Snapshot};

operation! {
    /// Takes a snapshot of a dedicated cluster now.
    pub struct TakeSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
        body request: OnDemandSnapshotRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots"
        => OK Snapshot;
    id "takeGroupClusterBackupSnapshots",
    short "takeSnapshots",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
