//! `listGroups`.

use crate::declare::operation;
use crate::{ItemsPerPage, Page, PageNumber, Project};

operation! {
    /// Lists the projects that the credentials may see.
    pub struct ListProjects {
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
    GET "/api/atlas/v2/groups"
        => OK Page<Project>;
    id "listGroups",
    short "listGroups",
    tag "Projects";
    versions {
        2023-01-01,
    }
}
