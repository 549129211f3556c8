//! `getGroupClusterBackupSnapshotDatabaseCollection`.

use crate::declare::operation;
use crate::{ClusterName, CollectionName, DatabaseName, ProjectId, SnapshotCollection, SnapshotId};

operation! {
    /// Gets one collection in a snapshot.
    pub struct GetSnapshotCollection {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
            /// The database.
            database: DatabaseName = "databaseName",
            /// The collection.
            collection: CollectionName = "collectionName",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}/databases/{databaseName}/collections/{collectionName}"
        => OK SnapshotCollection;
    id "getGroupClusterBackupSnapshotDatabaseCollection",
    short "getSnapshotDatabaseCollection",
    tag "Cloud Backups";
    versions {
        2025-03-12,
    }
}
