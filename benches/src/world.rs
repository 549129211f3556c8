//! A sandbox with one Flex cluster and one large snapshot, on a thread of its own.

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use atlas_sandbox::{ClusterKind, OWNER, PROJECT, Sandbox, SandboxServer};
use atlas_transport::{Client, Credentials};
use jiff::Timestamp;

/// The name of its cluster.
pub const LARGE: &str = "Large";
/// The id of its snapshot.
pub const LARGE_SNAPSHOT: &str = "32b6e34b3d91647abb20e7aa";

/// Starts a sandbox whose snapshot has `bytes` bytes of data.
///
/// # Panics
/// If no port can be had.
pub async fn large_world(bytes: u64) -> SandboxServer {
    let mut sandbox = Sandbox::new();
    sandbox.add_cluster(project(), large(), ClusterKind::Flex);
    let snapshot: SnapshotId = LARGE_SNAPSHOT.parse().expect("it is an id");
    sandbox.add_snapshot(project(), &large(), snapshot, bytes);
    SandboxServer::start_with(sandbox, Timestamp::now)
        .await
        .expect("a free port")
}

/// Its project.
///
/// # Panics
/// Never: the sandbox's own id is one.
pub fn project() -> ProjectId {
    PROJECT.parse().expect("it is an id")
}

/// Its cluster.
///
/// # Panics
/// Never: the name is one.
pub fn large() -> ClusterName {
    LARGE.parse().expect("it is a name")
}

/// A client of an Atlas at this URL, as the sandbox's owner.
///
/// # Panics
/// If it is no URL.
pub fn owner(url: &str) -> Client {
    let credentials = Credentials::bearer(OWNER.access_token);
    Client::new(url.parse().expect("a URL"), &credentials).expect("a client")
}
