//! `listClusterDetails`.

use crate::declare::operation;
use crate::{ItemsPerPage, Page, PageNumber, ProjectClusters};

operation! {
    /// Lists the clusters of every project that the credentials may see.
    ///
    /// A short summary of each cluster, grouped by project.
    pub struct ListAllClusters {
        path {
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
    GET "/api/atlas/v2/clusters"
        => OK Page<ProjectClusters>;
    id "listClusterDetails",
    short "listClusterDetails",
    tag "Clusters";
    versions {
        2023-01-01,
    }
}
