//! `getGroupFlexClusterBackupSnapshot`.

use crate::declare::operation;
use crate::{ClusterName, FlexSnapshot, ProjectId, SnapshotId};

operation! {
    /// Gets one snapshot of a Flex cluster.
    pub struct GetFlexSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/snapshots/{snapshotId}"
        => OK FlexSnapshot;
    id "getGroupFlexClusterBackupSnapshot",
    short "getFlexBackupSnapshot",
    tag "Flex Snapshots";
    versions {
        2024-11-13,
    }
    without pretty;
}
