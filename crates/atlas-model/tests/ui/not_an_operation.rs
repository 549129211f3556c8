//! A resource is passed where an operation is expected.

use atlas_model::flex_clusters::FlexClusterDescription;
use atlas_model::{CallOptions, Operation, OperationExt};

fn send<O: Operation>(operation: &O) {
    let _ = operation.to_request(&CallOptions::default());
}

fn main() {
    send(&FlexClusterDescription::default());
}
