//! `getGroupClusterBackupRestoreJob`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, RestoreJob, RestoreJobId};

operation! {
    /// Gets one restore job of a dedicated cluster.
    pub struct GetRestoreJob {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The restore job.
            restore_job: RestoreJobId = "restoreJobId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/restoreJobs/{restoreJobId}"
        => OK RestoreJob;
    id "getGroupClusterBackupRestoreJob",
    short "getBackupRestoreJob",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
