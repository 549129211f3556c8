//! A text is passed where a checked name is expected.

use atlas_model::ProjectId;
use atlas_model::flex_clusters::GetFlexCluster;

fn get(project: ProjectId) -> GetFlexCluster {
    GetFlexCluster::new(project, "Flex0")
}

fn main() {}
