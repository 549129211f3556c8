//! `reference-client`: the client of this workspace as a process, for the tests of this package,
//! which cannot start a program of another one.

#![forbid(unsafe_code)]

#[tokio::main]
async fn main() -> std::io::Result<()> {
    atlas_conformance::ReferenceClient::new().serve().await
}
