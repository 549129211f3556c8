//! `updateGroupFlexCluster`.

use crate::declare::operation;
use crate::{ClusterName, FlexCluster, FlexClusterUpdate, ProjectId};

operation! {
    /// Changes the tags or the termination protection of a Flex cluster.
    pub struct UpdateFlexCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
        }
        body request: FlexClusterUpdate,
    }
    PATCH "/api/atlas/v2/groups/{groupId}/flexClusters/{name}"
        => OK FlexCluster;
    id "updateGroupFlexCluster",
    short "updateFlexCluster",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
