//! `getGroupFlexCluster`.

use crate::declare::operation;
use crate::{ClusterName, FlexCluster, ProjectId};

operation! {
    /// Gets one Flex cluster.
    ///
    /// Asked for another kind of cluster, Atlas answers 400
    /// `CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API`.
    pub struct GetFlexCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/flexClusters/{name}"
        => OK FlexCluster;
    id "getGroupFlexCluster",
    short "getFlexCluster",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
