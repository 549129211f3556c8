//! The sandbox of this workspace as a server under test.

use std::io;

use atlas_sandbox::{Sandbox, SandboxServer};

use crate::server_testee::ServerTestee;

/// The sandbox on a port of its own. It ends when the first of the two is dropped.
///
/// # Errors
/// Fails if no port can be bound.
pub async fn sandbox() -> io::Result<(SandboxServer, ServerTestee)> {
    let server = SandboxServer::builder(Sandbox::new()).start().await?;
    let mut testee = ServerTestee::new("sandbox", server.url()).map_err(io::Error::other)?;
    env!("CARGO_PKG_VERSION").clone_into(&mut testee.version);
    Ok((server, testee))
}
