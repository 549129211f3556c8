//! `createGroupFlexClusterBackupRestoreJob`.

use crate::declare::operation;
use crate::{ClusterName, FlexRestoreJob, FlexRestoreRequest, ProjectId};

operation! {
    /// Restores one snapshot of a Flex cluster over a target cluster.
    ///
    /// This always writes over the target cluster; for a download use
    /// `downloadGroupFlexClusterBackup`.
    pub struct CreateFlexRestoreJob {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
        }
        body request: FlexRestoreRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/restoreJobs"
        => OK FlexRestoreJob;
    id "createGroupFlexClusterBackupRestoreJob",
    short "createFlexRestoreJob",
    tag "Flex Restore Jobs";
    versions {
        2024-11-13,
    }
}
