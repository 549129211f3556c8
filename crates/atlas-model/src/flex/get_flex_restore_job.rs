//! `getGroupFlexClusterBackupRestoreJob`.

use crate::declare::operation;
use crate::{ClusterName, FlexRestoreJob, ProjectId, RestoreJobId};

operation! {
    /// Gets one restore job of a Flex cluster.
    pub struct GetFlexRestoreJob {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
            /// The restore job.
            restore_job: RestoreJobId = "restoreJobId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/restoreJobs/{restoreJobId}"
        => OK FlexRestoreJob;
    id "getGroupFlexClusterBackupRestoreJob",
    short "getFlexRestoreJob",
    tag "Flex Restore Jobs";
    versions {
        2024-11-13,
    }
}
