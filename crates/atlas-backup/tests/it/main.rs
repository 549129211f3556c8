//! The workflow against the sandbox, without a socket, and against misbehaving stores.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod accepted;
mod altered;
mod answers;
mod bounds;
mod checking;
mod clusters;
mod crowd;
mod damaged;
mod deadlines;
mod deleted;
mod download;
mod dry_run;
mod earlier_cluster;
mod errors;
mod existing_jobs;
mod failed;
mod gone;
mod healing;
mod histories;
mod jobs;
mod lengths;
mod no_retries;
mod odd_links;
mod others_files;
mod outages;
mod patience;
mod piped;
mod pull;
mod pulled;
mod rests;
mod retention;
#[cfg(feature = "object-store")]
mod s3;
mod shards;
mod slow;
mod store;
mod stores;
#[cfg(feature = "object-store")]
mod upload;
mod verified;

use atlas_backup::{Backups, DownloadOptions, Error, Event, Pick, Saved, silent};
use atlas_model::{ClusterName, ProjectId};
use atlas_sandbox::{
    CLUSTER, ClusterKind, DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, SandboxServer,
};
use atlas_transport::{Client, Credentials};

fn project() -> ProjectId {
    PROJECT.parse().unwrap()
}

fn name(cluster: &str) -> ClusterName {
    cluster.parse().unwrap()
}

/// The sandbox, and a client that reaches it without a socket.
async fn world() -> (SandboxServer, Backups) {
    let server = SandboxServer::start().await.unwrap();
    let client = client(&server).build_with(server.service()).unwrap();
    (server, Backups::new(client))
}

/// A cluster of each kind that can be restored, in the sandbox's default world.
const BY_KIND: [(&str, ClusterKind); 3] = [
    (CLUSTER, ClusterKind::Tenant),
    (FLEX_CLUSTER, ClusterKind::Flex),
    (DEDICATED_CLUSTER, ClusterKind::ReplicaSet),
];

fn client(server: &SandboxServer) -> atlas_transport::ClientBuilder {
    let credentials = Credentials::bearer(OWNER.access_token);
    Client::builder(server.url().parse().unwrap(), &credentials)
}

/// Downloads the latest snapshot of a cluster to `s.tgz`.
async fn latest(
    backups: &Backups,
    cluster: &str,
    folder: &tempfile::TempDir,
    progress: impl FnMut(Event) + Send,
) -> Result<Vec<Saved>, Error> {
    let out = folder.path().join("s.tgz");
    let options = DownloadOptions::default();
    let cluster = name(cluster);
    backups
        .download(project(), &cluster, &Pick::Latest, &out, &options, progress)
        .await
}

async fn quietly(
    backups: &Backups,
    cluster: &str,
    folder: &tempfile::TempDir,
) -> Result<Vec<Saved>, Error> {
    latest(backups, cluster, folder, silent).await
}

/// A callback that fails when a total decreases, except after starting over.
fn growing() -> impl FnMut(Event) + Send {
    let (mut last, mut known) = (0, None);
    move |event| match event {
        Event::StartedOver => last = 0,
        Event::Started { length, resumed } => {
            assert!(resumed >= last, "{resumed} after {last}");
            (last, known) = (resumed, length);
        }
        Event::Received { received, length } => {
            assert!(received > last, "{received} after {last}");
            assert_eq!(length, known);
            last = received;
        }
        _ => {}
    }
}

/// The names in a folder, in order.
fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
