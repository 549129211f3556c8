//! `listGroupClusterBackupSnapshotShardedClusters`.

use crate::declare::operation;
use crate::{ClusterName, Page, ProjectId, ShardedSnapshot};

operation! {
    /// Lists the snapshots of a sharded cluster.
    ///
    /// All of them at once: this list has no pages.
    pub struct ListShardedSnapshots {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/shardedClusters"
        => OK Page<ShardedSnapshot>;
    id "listGroupClusterBackupSnapshotShardedClusters",
    short "listBackupShardedClusters",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
