//! `listGroupClusterBackupSnapshots`.

use crate::declare::operation;
use crate::{ClusterName, ItemsPerPage, Page, PageNumber, ProjectId, Snapshot};

operation! {
    /// Lists the snapshots of a dedicated cluster.
    ///
    /// Those of a sharded cluster are listed by `listGroupClusterBackupSnapshotShardedClusters`.
    pub struct ListSnapshots {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
        query {
            /// Whether the answer says how many items there are in all; `true` by default.
            include_count: bool = "includeCount",
            /// How many items a page has, 1 to 500; 100 by default.
            items_per_page: ItemsPerPage = "itemsPerPage",
            /// Which page, from 1.
            page_number: PageNumber = "pageNum",
            /// Only what can restore this moment, in seconds since 1970.
            point_in_time: i64 = "pointInTimeUtcSeconds",
            /// Only what can restore this oplog entry: its seconds since 1970.
            oplog_ts: i64 = "oplogTs",
            /// Only what can restore this oplog entry: its ordinal within the second.
            oplog_inc: i64 = "oplogInc",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots"
        => OK Page<Snapshot>;
    id "listGroupClusterBackupSnapshots",
    short "listBackupSnapshots",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
