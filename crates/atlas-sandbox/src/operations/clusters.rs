//! The operations of projects and of the clusters that are no Flex clusters, as they are asked.

use atlas_model::clusters::OrgGroup;
use atlas_model::shared::Project;
use atlas_model::{ClusterName, ItemsPerPage, Page, PageNumber, ProjectId, clusters, projects};

use super::served;
use crate::shown::ShownCluster;

served! {
    ListAllClusters: clusters::ListClusterDetails => OK Page<OrgGroup> {
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    ListProjects: projects::ListGroups => OK Page<Project> {
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    GetProject: projects::GetGroup => OK Project {
        path { project: ProjectId = "groupId", }
    }

    ListClusters: clusters::ListClusters => OK Page<ShownCluster> {
        path { project: ProjectId = "groupId", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
        unheeded {
            query "includeDeletedWithRetainedBackups": bool,
            header "Use-Effective-Instance-Fields": bool,
        }
    }

    GetCluster: clusters::GetCluster => OK ShownCluster {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        unheeded {
            header "Use-Effective-Instance-Fields": bool,
            header "Use-Effective-Fields-Replication-Specs": bool,
        }
    }
}
