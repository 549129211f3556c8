//! `listGroupClusterBackupSnapshotDatabaseCollections`.

use crate::declare::operation;
use crate::{
    ClusterName, DatabaseName, ItemsPerPage, Page, PageNumber, ProjectId, SnapshotCollection,
    SnapshotId,
};

operation! {
    /// Lists the collections of a database in a snapshot.
    pub struct ListSnapshotCollections {
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
        query {
            /// Whether the answer says how many items there are in all; `true` by default.
            include_count: bool = "includeCount",
            /// How many items a page has, 1 to 500; 100 by default.
            items_per_page: ItemsPerPage = "itemsPerPage",
            /// Which page, from 1.
            page_number: PageNumber = "pageNum",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}/databases/{databaseName}/collections"
        => OK Page<SnapshotCollection>;
    id "listGroupClusterBackupSnapshotDatabaseCollections",
    short "listSnapshotDatabaseCollections",
    tag "Cloud Backups";
    versions {
        2025-03-12,
    }
}
