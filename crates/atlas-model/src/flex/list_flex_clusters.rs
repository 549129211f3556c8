//! `listGroupFlexClusters`.

use crate::declare::operation;
use crate::{FlexCluster, ItemsPerPage, Page, PageNumber, ProjectId};

operation! {
    /// Lists the Flex clusters of a project.
    pub struct ListFlexClusters {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
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
    GET "/api/atlas/v2/groups/{groupId}/flexClusters"
        => OK Page<FlexCluster>;
    id "listGroupFlexClusters",
    short "listFlexClusters",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
