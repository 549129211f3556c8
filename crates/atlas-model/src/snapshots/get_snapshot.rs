//! `getGroupClusterBackupSnapshot`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, Snapshot, SnapshotId};

operation! {
    /// Gets one snapshot of a dedicated cluster.
    pub struct GetSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}"
        => OK Snapshot;
    id "getGroupClusterBackupSnapshot",
    short "getClusterBackupSnapshot",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
