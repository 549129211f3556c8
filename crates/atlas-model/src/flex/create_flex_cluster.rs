//! `createGroupFlexCluster`.

use crate::declare::operation;
use crate::{FlexCluster, FlexClusterRequest, ProjectId};

operation! {
    /// Creates a Flex cluster.
    pub struct CreateFlexCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
        }
        body request: FlexClusterRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/flexClusters"
        => CREATED FlexCluster;
    id "createGroupFlexCluster",
    short "createFlexCluster",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
