//! `deleteGroupFlexCluster`.

use crate::declare::operation;
use crate::{ClusterName, Empty, ProjectId};

operation! {
    /// Deletes a Flex cluster.
    pub struct DeleteFlexCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The Flex cluster.
            cluster: ClusterName = "name",
        }
    }
    DELETE "/api/atlas/v2/groups/{groupId}/flexClusters/{name}"
        => NO_CONTENT Empty;
    id "deleteGroupFlexCluster",
    short "deleteFlexCluster",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
