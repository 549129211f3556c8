//! The documented call, typed.

use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;

use crate::REQUEST;

/// Returns the documented call.
///
/// # Panics
/// Never: the documented values are valid.
pub fn download() -> DownloadClusterBackupTenant {
    let project = "32b6e34b3d91647abb20e7b8".parse().expect("the id is valid");
    let cluster = "Cluster0".parse().expect("the name is valid");
    let body = serde_json::from_str(REQUEST).expect("a documented body");
    DownloadClusterBackupTenant::new(project, cluster, body)
}
