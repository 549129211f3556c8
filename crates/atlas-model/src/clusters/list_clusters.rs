//! `listGroupClusters`.

use crate::declare::operation;
use crate::{Cluster, ItemsPerPage, Page, PageNumber, ProjectId};

operation! {
    /// Lists the dedicated and shared-tier clusters of a project.
    ///
    /// Flex clusters are not among them; see `listGroupFlexClusters`.
    pub struct ListClusters {
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
            /// Whether deleted clusters whose snapshots are still there are listed too.
            include_deleted: bool = "includeDeletedWithRetainedBackups",
        }
        header {
            /// Whether hardware is given as it is rather than as it was asked for.
            effective_instance_fields: bool = "Use-Effective-Instance-Fields",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters"
        => OK Page<Cluster>;
    id "listGroupClusters",
    short "listClusters",
    tag "Clusters";
    versions {
        2023-01-01 sunset 2027-07-01,
        2023-02-01 sunset 2027-07-01,
        2024-08-05,
    }
}
