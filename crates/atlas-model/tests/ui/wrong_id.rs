//! The id of a snapshot is passed where that of a project is expected.

use atlas_model::flex_clusters::GetFlexCluster;
use atlas_model::{ClusterName, SnapshotId};

fn get(snapshot: SnapshotId, cluster: ClusterName) -> GetFlexCluster {
    GetFlexCluster::new(snapshot, cluster)
}

fn main() {}
