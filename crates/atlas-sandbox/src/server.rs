//! The sandbox as a server on a free port of the machine.

mod builder;
mod connections;

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::body::Body;
use crate::gate::ControlToken;
use crate::journal::Journal;
use crate::service::SandboxService;
use crate::world::Sandbox;

pub use builder::SandboxBuilder;

/// A sandbox that serves HTTP/1.1 and HTTP/2 on `127.0.0.1` until it is dropped.
///
/// It serves up to 1,024 connections at a time; further ones wait until another one closes. A
/// connection is closed if its TLS handshake, or then the head of its first request, takes more than
/// 60 s. Over HTTP/1.1 it is also closed 60 s after a response if the head of another request is not
/// complete by then; over HTTP/2, if the client does not reply to a ping.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use atlas_sandbox::SandboxServer;
///
/// let server = SandboxServer::start().await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SandboxServer {
    url: String,
    public_url: String,
    service: SandboxService,
    accepting: JoinHandle<()>,
    control_token: Option<ControlToken>,
    #[cfg(feature = "tls")]
    certificate: Option<String>,
    /// Dropped with the server.
    #[cfg(feature = "tls")]
    _directory: Option<crate::tls::InUse>,
}

impl SandboxServer {
    /// Starts the default world with the system clock.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder(Sandbox::new()).start().await
    }

    /// Starts the given world with the given clock.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start_with(
        sandbox: Sandbox,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::builder(sandbox).clock(clock).start().await
    }

    /// Returns a builder for a server of this world.
    pub fn builder(sandbox: Sandbox) -> SandboxBuilder {
        SandboxBuilder::new(sandbox)
    }

    /// Returns the URL of the server: `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the base URL of its links: the [public URL](SandboxBuilder::public_url) if it was set,
    /// otherwise [`Self::url`].
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Returns the token that control requests require, if any: see
    /// [`SandboxBuilder::control_token`].
    pub fn control_token(&self) -> Option<&str> {
        self.control_token.as_ref().map(ControlToken::as_str)
    }

    /// Returns the authority's certificate for clients to trust, in PEM, if the server uses TLS.
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Returns the number of responses stalled by the fault plan, for tests that then kill the client.
    pub fn stalled(&self) -> u64 {
        self.service.stalled()
    }

    /// Advances the clock by a number of seconds, at most to the year 9000.
    pub fn advance(&self, seconds: u32) {
        self.service.clock().advance(seconds);
    }

    /// Sets the clock, which continues from there unless it is stopped. The time is clamped to the
    /// years 1970 to 9000.
    pub fn set_clock(&self, now: Timestamp) {
        self.service.clock().set(Some(now), None);
    }

    /// Stops the clock, or resumes it from its current time.
    pub fn stop_clock(&self, stopped: bool) {
        self.service.clock().set(None, Some(stopped));
    }

    /// Returns the journal of the last requests.
    pub fn journal(&self) -> &Journal {
        self.service.journal()
    }

    /// Calls a function with the world, to inspect or change it.
    pub fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        self.service.with(work)
    }

    /// Returns a `tower_service::Service` for the same world, for clients without a socket.
    pub fn service(
        &self,
    ) -> impl Service<
        Request<Full<Bytes>>,
        Response = Response<Body>,
        Error = io::Error,
        Future: Send,
    >
    + Clone
    + Send
    + Sync
    + 'static
    + use<> {
        self.service.clone()
    }
}

impl Drop for SandboxServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
