//! A sandbox with one Flex cluster and one large snapshot, on its own thread.

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use atlas_sandbox::{ClusterKind, OWNER, PROJECT, Sandbox, SandboxServer};
use atlas_transport::{Client, Credentials};
use jiff::Timestamp;

/// The name of the cluster.
pub const LARGE: &str = "Large";
/// The id of the snapshot.
pub const LARGE_SNAPSHOT: &str = "32b6e34b3d91647abb20e7aa";

/// Starts a sandbox whose snapshot has `bytes` bytes of data.
///
/// # Panics
/// Panics if no port can be bound.
pub async fn large_world(bytes: u64) -> SandboxServer {
    let mut sandbox = Sandbox::new();
    sandbox.add_cluster(project(), large(), ClusterKind::Flex);
    let snapshot: SnapshotId = LARGE_SNAPSHOT.parse().expect("the id is valid");
    sandbox.add_snapshot(project(), &large(), snapshot, bytes);
    SandboxServer::start_with(sandbox, Timestamp::now)
        .await
        .expect("a free port")
}

/// Returns the id of the project.
///
/// # Panics
/// Never: the sandbox's id is valid.
pub fn project() -> ProjectId {
    PROJECT.parse().expect("the id is valid")
}

/// Returns the name of the cluster.
///
/// # Panics
/// Never: the name is valid.
pub fn large() -> ClusterName {
    LARGE.parse().expect("the name is valid")
}

/// Returns a client for this URL with the credentials of the sandbox's owner.
///
/// # Panics
/// Panics if the URL is not valid.
pub fn owner(url: &str) -> Client {
    let credentials = Credentials::bearer(OWNER.access_token);
    Client::new(url.parse().expect("a URL"), &credentials).expect("a client")
}
