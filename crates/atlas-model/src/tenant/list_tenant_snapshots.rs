//! `listGroupClusterBackupTenantSnapshots`.

use crate::declare::operation;
use crate::{ClusterName, Page, ProjectId, TenantSnapshot};

operation! {
    /// Lists the snapshots of a shared-tier cluster.
    ///
    /// All of them at once: this list has no pages.
    pub struct ListTenantSnapshots {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/snapshots"
        => OK Page<TenantSnapshot>;
    id "listGroupClusterBackupTenantSnapshots",
    short "listClusterBackupSnapshots",
    tag "Shared-Tier Snapshots";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    successor "listGroupFlexClusterBackupSnapshots";
}
