//! The documented call as a value.

use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;

use crate::REQUEST;

/// The documented call.
///
/// # Panics
/// Never: the documentation fits itself.
pub fn download() -> DownloadClusterBackupTenant {
    let project = "32b6e34b3d91647abb20e7b8".parse().expect("it is an id");
    let cluster = "Cluster0".parse().expect("it is a name");
    let body = serde_json::from_str(REQUEST).expect("a documented body");
    DownloadClusterBackupTenant::new(project, cluster, body)
}
