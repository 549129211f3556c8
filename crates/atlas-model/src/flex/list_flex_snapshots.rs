//! `listGroupFlexClusterBackupSnapshots`.

use crate::declare::operation;
use crate::{ClusterName, FlexSnapshot, ItemsPerPage, Page, PageNumber, ProjectId};

operation! {
    /// Lists the snapshots of a Flex cluster.
    ///
    /// Atlas takes one a day and keeps the last eight.
    pub struct ListFlexSnapshots {
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
    GET "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup/snapshots"
        => OK Page<FlexSnapshot>;
    id "listGroupFlexClusterBackupSnapshots",
    short "listFlexBackupSnapshots",
    tag "Flex Snapshots";
    versions {
        2024-11-13,
    }
}
