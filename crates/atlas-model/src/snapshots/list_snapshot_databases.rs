//! `listGroupClusterBackupSnapshotDatabases`.

use crate::declare::operation;
use crate::{ClusterName, ItemsPerPage, Page, PageNumber, ProjectId, SnapshotDatabase, SnapshotId};

operation! {
    /// Lists the databases in a snapshot.
    pub struct ListSnapshotDatabases {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
            /// The snapshot.
            snapshot: SnapshotId = "snapshotId",
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
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots/{snapshotId}/databases"
        => OK Page<SnapshotDatabase>;
    id "listGroupClusterBackupSnapshotDatabases",
    short "listBackupSnapshotDatabases",
    tag "Cloud Backups";
    versions {
        2025-03-12,
    }
}
