//! `createGroupClusterBackupTenantRestore`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, TenantRestore, TenantRestoreRequest};

operation! {
    /// Restores one snapshot of a shared-tier cluster over a target cluster.
    ///
    /// This writes over the target cluster. Ended on 2026-01-22; Flex clusters use
    /// `createGroupFlexClusterBackupRestoreJob`.
    pub struct CreateTenantRestore {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
        body request: TenantRestoreRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/restore"
        => OK TenantRestore;
    id "createGroupClusterBackupTenantRestore",
    short "createBackupTenantRestore",
    tag "Shared-Tier Restore Jobs";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    role "Project Owner";
    successor "createGroupFlexClusterBackupRestoreJob";
}
