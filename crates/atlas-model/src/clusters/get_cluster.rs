//! `getGroupCluster`.

use crate::declare::operation;
use crate::{Cluster, ClusterName, ProjectId};

operation! {
    /// Gets one dedicated or shared-tier cluster.
    ///
    /// Asked for a Flex cluster, Atlas answers 400 `CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API`.
    pub struct GetCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
            /// The cluster.
            cluster: ClusterName = "clusterName",
        }
        header {
            /// Whether hardware is given as it is rather than as it was asked for.
            effective_instance_fields: bool = "Use-Effective-Instance-Fields",
            /// Whether replication specs are given as they are rather than as they were asked for.
            effective_replication_specs: bool = "Use-Effective-Fields-Replication-Specs",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}"
        => OK Cluster;
    id "getGroupCluster",
    short "getCluster",
    tag "Clusters";
    versions {
        2023-01-01 sunset 2027-07-01,
        2023-02-01 sunset 2027-07-01,
        2024-08-05,
    }
}
