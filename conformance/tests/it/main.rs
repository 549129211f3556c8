//! Properties, snapshots and real peers.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod curl;
mod patterns;
mod snapshots;
mod tls;
mod transport;
