//! `getGroupClusterBackupSnapshotDatabase`.

use crate::declare::operation;
use crate::{ClusterName, DatabaseName, ProjectId, SnapshotDatabase, SnapshotId};

operation! {
    /// Gets one database in a snapshot.
    pub struct GetSnapshotDatabase {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
            /// The database.
            database: DatabaseName = "databaseName",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}/databases/{databaseName}"
        => OK SnapshotDatabase;
    id "getGroupClusterBackupSnapshotDatabase",
    short "getBackupSnapshotDatabase",
    tag "Cloud Backups";
    versions {
        2025-03-12,
    }
}
