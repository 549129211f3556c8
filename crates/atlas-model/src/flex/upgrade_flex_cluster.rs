//! `tenantGroupFlexClusterUpgrade`.

use crate::declare::operation;
use crate::{FlexCluster, ProjectId, TenantUpgradeRequest};

operation! {
    /// Upgrades a Flex cluster to a dedicated one.
    pub struct UpgradeFlexCluster {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
        }
        body request: TenantUpgradeRequest,
    }
    POST "/api/atlas/v2/groups/{groupId}/flexClusters:tenantUpgrade"
        => OK FlexCluster;
    id "tenantGroupFlexClusterUpgrade",
    short "tenantUpgrade",
    tag "Flex Clusters";
    versions {
        2024-11-13,
    }
}
