//! Integration tests of the workspace: the judge, and the client with real and faulty peers.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod blocking;
mod cases;
mod client_certificate;
mod digests;
mod expected_failures;
mod faults;
mod faulty_bodies;
mod fuzzed;
mod judge;
mod leaks;
mod lists;
mod over_time;
mod patterns;
mod program;
mod raw_calls;
mod reports;
mod sandbox;
mod snapshots;
mod strict;
mod tls;
mod transport;

use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;

/// Returns the documented call.
fn operation() -> DownloadClusterBackupTenant {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    let project = fixture.example("groupId").unwrap().parse().unwrap();
    let cluster = fixture.example("clusterName").unwrap().parse().unwrap();
    let body = serde_json::from_value(fixture.request).unwrap();
    DownloadClusterBackupTenant::new(project, cluster, body)
}
