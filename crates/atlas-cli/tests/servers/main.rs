//! The `atlas` command against real servers, broken links, a power cut and `kill -9`:
//! `cargo test -p atlas-toolkit --features object-store --test servers`.
//!
//! Needs nginx, strace, azurite, gcp-storage-emulator, moto and curl, which `.ci/run` installs. A
//! test without its program fails and names the package to install; with `ATLAS_INTEROP=skip` it passes.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod atlas;
mod azure;
mod broken_links;
mod disk;
mod file_host;
mod google;
mod google_peer;
mod http;
mod kills;
mod nginx;
mod nginx_server;
mod power;
mod programs;
mod s3;
mod stores;
mod strace;
mod workers;
