//! `listGroupClusterBackupRestoreJobs`.

use crate::declare::operation;
use crate::{ClusterName, ItemsPerPage, Page, PageNumber, ProjectId, RestoreJob};

operation! {
    /// Lists the restore jobs of a dedicated cluster.
    pub struct ListRestoreJobs {
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
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/restoreJobs"
        => OK Page<RestoreJob>;
    id "listGroupClusterBackupRestoreJobs",
    short "listBackupRestoreJobs",
    tag "Cloud Backups";
    versions {
        2023-01-01,
    }
}
