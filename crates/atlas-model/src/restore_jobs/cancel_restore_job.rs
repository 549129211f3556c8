//! `cancelGroupClusterBackupRestoreJob`.

use crate::declare::operation;
use crate::{ClusterName, Empty, ProjectId, RestoreJobId};

operation! {
    /// Cancels a restore job of a dedicated cluster.
    pub struct CancelRestoreJob {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The restore job.
            restore_job: RestoreJobId = "restoreJobId",
        }
    }
    DELETE "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/restoreJobs/{restoreJobId}"
        => NO_CONTENT Empty;
    id "cancelGroupClusterBackupRestoreJob",
    short "cancelBackupRestoreJob",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
