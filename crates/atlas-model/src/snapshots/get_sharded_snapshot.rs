//! `getGroupClusterBackupSnapshotShardedCluster`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, ShardedSnapshot, SnapshotId};

operation! {
    /// Gets one snapshot of a sharded cluster.
    pub struct GetShardedSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/shardedCluster/{snapshotId}"
        => OK ShardedSnapshot;
    id "getGroupClusterBackupSnapshotShardedCluster",
    short "getBackupShardedCluster",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
