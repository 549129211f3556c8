//! Properties, snapshots and real peers.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod cases;
mod faults;
mod fuzzed;
mod judge;
mod lists;
mod patterns;
mod raw_calls;
mod sandbox;
mod snapshots;
mod tls;
mod transport;

use atlas_model::{DownloadTenantSnapshot, Operation, RequestReader};

/// The documented call as a value.
fn operation() -> DownloadTenantSnapshot {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    let meta = DownloadTenantSnapshot::META;
    let mut reader = RequestReader::new(meta).with_body(fixture.wire_body.clone().into_bytes());
    for parameter in meta.path_parameters {
        reader = reader.with_path(parameter.name, fixture.example(parameter.name).unwrap());
    }
    DownloadTenantSnapshot::decode(&reader).unwrap()
}
