//! `getGroupClusterBackupTenantRestore`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, RestoreJobId, TenantRestore};

operation! {
    /// Gets one restore job of a shared-tier cluster.
    pub struct GetTenantRestore {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The restore job.
            restore_job: RestoreJobId = "restoreId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/restores/{restoreId}"
        => OK TenantRestore;
    id "getGroupClusterBackupTenantRestore",
    short "getBackupTenantRestore",
    tag "Shared-Tier Restore Jobs";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    successor "getGroupFlexClusterBackupRestoreJob";
}
