//! `createGroupClusterBackupRestoreJob`.

use crate::declare::operation;
use crate::{ClusterName, ProjectId, RestoreJob, RestoreJobRequest};

operation! {
    /// Restores a snapshot of a dedicated cluster, or makes it ready for download.
    ///
    /// With `deliveryType` `automated` or `pointInTime` this writes over the target cluster; with
    /// `download` nothing is written, and `deliveryUrl` fills once the links are ready.
    pub struct CreateRestoreJob {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
        body request: RestoreJobRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/restoreJobs"
        => OK RestoreJob;
    id "createGroupClusterBackupRestoreJob",
    short "createBackupRestoreJob",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
