//! `deleteGroupClusterBackupSnapshot`.

use crate::declare::operation;
use crate::{ClusterName, Empty, ProjectId, SnapshotId};

operation! {
    /// Deletes one snapshot of a dedicated cluster.
    pub struct DeleteSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
    }
    DELETE "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}"
        => NO_CONTENT Empty;
    id "deleteGroupClusterBackupSnapshot",
    short "deleteClusterBackupSnapshot",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
