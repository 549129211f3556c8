//! Helpers of the benches: the documented bodies, simpler types, a fixed server, and nginx.

#![forbid(unsafe_code)]

mod compressible;
mod nginx;
mod plain;
mod proxy;
mod server;
mod typed;
mod world;

pub use compressible::compressible;
pub use nginx::Nginx;
pub use plain::{PlainApiError, PlainRequest, PlainRestore};
pub use proxy::{Proxy, Watch};
pub use server::FixedServer;
pub use typed::download;
pub use world::{LARGE, LARGE_SNAPSHOT, large, large_world, owner, project};

/// The documented response.
pub const RESTORE: &str =
    include_str!("../../fixtures/downloadGroupClusterBackupTenant/responses/200.json");
/// The documented request.
pub const REQUEST: &str =
    include_str!("../../fixtures/downloadGroupClusterBackupTenant/request.json");
/// A documented error.
pub const ERROR: &str =
    include_str!("../../fixtures/downloadGroupClusterBackupTenant/responses/404.json");

/// Returns a body without white space, as Atlas sends it.
///
/// # Panics
/// Panics if `json` is not valid.
pub fn compact<T: serde::de::DeserializeOwned + serde::Serialize>(json: &str) -> Vec<u8> {
    let value: T = serde_json::from_str(json).expect("a documented body");
    serde_json::to_vec(&value).expect("parsed JSON serializes")
}

/// Whether each bench is run once, as by `cargo test`. Criterion decides by the same flags.
pub fn is_test_run() -> bool {
    let is_given = |wanted: &str| std::env::args().any(|flag| flag == wanted);
    is_given("--test") || !is_given("--bench")
}
