//! `listGroupFlexClusterBackupRestoreJobs`.

use crate::declare::operation;
use crate::{ClusterName, FlexRestoreJob, ItemsPerPage, Page, PageNumber, ProjectId};

operation! {
    /// Lists the restore jobs of a Flex cluster.
    pub struct ListFlexRestoreJobs {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
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
    GET "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/restoreJobs"
        => OK Page<FlexRestoreJob>;
    id "listGroupFlexClusterBackupRestoreJobs",
    short "listFlexRestoreJobs",
    tag "Flex Restore Jobs";
    versions {
        2024-11-13,
    }
}
