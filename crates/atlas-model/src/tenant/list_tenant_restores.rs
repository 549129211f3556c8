//! `listGroupClusterBackupTenantRestores`.

use crate::declare::operation;
use crate::{ClusterName, Page, ProjectId, TenantRestore};

operation! {
    /// Lists the restore jobs of a shared-tier cluster.
    ///
    /// All of them at once: this list has no pages.
    pub struct ListTenantRestores {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/restores"
        => OK Page<TenantRestore>;
    id "listGroupClusterBackupTenantRestores",
    short "listBackupTenantRestores",
    tag "Shared-Tier Restore Jobs";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    successor "listGroupFlexClusterBackupRestoreJobs";
}
