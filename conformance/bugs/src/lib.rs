//! Injected bugs: clients and servers that are wrong in one known way each, to show that
//! `atlas-conformance` catches it.
//!
//! [`BuggyClient`] starts any right client and stands between it and the suite: it changes the
//! messages of the suite's protocol, and the requests and answers, which pass through a relay.
//! [`BuggyServer`] is the sandbox behind a server that changes requests and answers. Neither needs
//! anything of the client or of the sandbox. `tests/caught.rs` runs the cases with each bug of
//! [`CLIENT_BUGS`] and [`SERVER_BUGS`] until one catches it.

#![forbid(unsafe_code)]

mod bug;
mod client;
mod server;

pub use bug::{Bug, NONE};
#[cfg(unix)]
pub use client::exec_and_die_with_parent;
pub use client::{ANOTHER_STYLE, BuggyClient, CLIENT_BUGS};
pub use server::{BuggyServer, SERVER_BUGS};
