//! `getGroupClusterBackupTenantSnapshot`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, SnapshotId, TenantSnapshot};

operation! {
    /// Gets one snapshot of a shared-tier cluster.
    pub struct GetTenantSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/snapshots/{snapshotId}"
        => OK TenantSnapshot;
    id "getGroupClusterBackupTenantSnapshot",
    short "getBackupTenantSnapshot",
    tag "Shared-Tier Snapshots";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    successor "getGroupFlexClusterBackupSnapshot";
}
