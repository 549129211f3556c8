//! `reference-client`: the client of this workspace as a process. The tests of this package cannot
//! start programs of other packages.

#![forbid(unsafe_code)]

#[tokio::main]
async fn main() -> std::io::Result<()> {
    atlas_conformance::ReferenceClient::new().serve().await
}
