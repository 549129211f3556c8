//! `downloadGroupClusterBackupTenant`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, TenantRestore, TenantRestoreRequest};

operation! {
    /// Asks for a download link to one snapshot of a shared-tier cluster.
    ///
    /// The answer's `snapshot_url` works for four hours. The credentials need the role Project
    /// Owner. Atlas stopped answering this operation on 2026-01-22; Flex clusters, and M2 and M5
    /// clusters that became Flex clusters, use `downloadGroupFlexClusterBackup`.
    ///
    /// ```
    /// use atlas_model::{
    ///     CallOptions, ClusterName, DeploymentItemName, DownloadTenantSnapshot, OperationExt,
    ///     ProjectId, SnapshotId, TenantRestoreRequest,
    /// };
    ///
    /// let operation = DownloadTenantSnapshot::new(
    ///     ProjectId::parse("32b6e34b3d91647abb20e7b8")?,
    ///     ClusterName::parse("Cluster0")?,
    ///     TenantRestoreRequest::new(
    ///         SnapshotId::parse("32b6e34b3d91647abb20e7b9")?,
    ///         DeploymentItemName::parse("Cluster0")?,
    ///     ),
    /// );
    /// let request = operation.to_request(&CallOptions::default())?;
    /// assert_eq!(
    ///     request.uri(),
    ///     "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/clusters/Cluster0/backup/tenant/download"
    /// );
    /// assert_eq!(request.headers()["accept"], "application/vnd.atlas.2023-01-01+json");
    ///
    /// // The server's end of the same declaration.
    /// let (read, _) = DownloadTenantSnapshot::from_request(&request)?;
    /// assert_eq!(read, operation);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct DownloadTenantSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster whose snapshot is wanted.
            cluster: ClusterName = "clusterName",
        }
        body request: TenantRestoreRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/download"
        => OK TenantRestore;
    id "downloadGroupClusterBackupTenant",
    short "downloadClusterBackupTenant",
    tag "Shared-Tier Snapshots";
    versions {
        2023-01-01 sunset 2026-01-22,
    }
    role "Project Owner";
    successor "downloadGroupFlexClusterBackup";
}
