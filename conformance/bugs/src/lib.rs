//! Injected bugs: clients and servers with one known bug each, to show that `atlas-conformance`
//! catches it.
//!
//! [`BuggyClient`] runs any valid client and changes the messages between it and the suite, and the
//! requests and responses, which pass through a relay. [`BuggyServer`] is the sandbox behind a
//! server that changes requests and responses. Neither requires changes to the client or the
//! sandbox. `tests/caught.rs` runs the cases with each bug of [`CLIENT_BUGS`] and [`SERVER_BUGS`]
//! until one catches it.

#![forbid(unsafe_code)]

mod bug;
mod client;
mod server;

pub use bug::{Bug, NONE};
#[cfg(unix)]
pub use client::exec_and_die_with_parent;
pub use client::{ANOTHER_STYLE, BuggyClient, CLIENT_BUGS};
pub use server::{BuggyServer, SERVER_BUGS};
