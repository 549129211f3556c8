//! `updateGroupClusterBackupSnapshot`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, Snapshot, SnapshotId, SnapshotRetention};

operation! {
    /// Changes how long a snapshot of a dedicated cluster is kept.
    pub struct UpdateSnapshotRetention {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
        body request: SnapshotRetention,
    }
    PATCH "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}"
        => OK Snapshot;
    id "updateGroupClusterBackupSnapshot",
    short "updateBackupSnapshot",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
