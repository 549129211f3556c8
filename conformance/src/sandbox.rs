//! Makes the sandbox of this workspace a testee.

use std::io;

use atlas_sandbox::{Sandbox, SandboxServer};

use crate::server_testee::ServerTestee;

/// Starts the sandbox on a free port. It ends when the returned server is dropped.
///
/// # Errors
/// Fails if no port can be bound.
pub async fn sandbox() -> io::Result<(SandboxServer, ServerTestee)> {
    let server = SandboxServer::builder(Sandbox::new()).start().await?;
    let mut testee = ServerTestee::new("sandbox", server.url()).map_err(io::Error::other)?;
    env!("CARGO_PKG_VERSION").clone_into(&mut testee.version);
    Ok((server, testee))
}
