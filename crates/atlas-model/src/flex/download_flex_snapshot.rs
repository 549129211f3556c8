//! `downloadGroupFlexClusterBackup`.

use crate::declare::operation;
use crate::{ClusterName, FlexDownloadRequest, FlexRestoreJob, ProjectId};

operation! {
    /// Asks for a download link to one snapshot of a Flex cluster.
    ///
    /// The answer's `snapshot_url` works for four hours. Nothing is written to any cluster.
    pub struct DownloadFlexSnapshot {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
        }
        body request: FlexDownloadRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/download"
        => OK FlexRestoreJob;
    id "downloadGroupFlexClusterBackup",
    short "downloadFlexBackup",
    tag "Flex Snapshots";
    versions {
        2024-11-13,
    }
    role "Project Backup Export Operator";
}
