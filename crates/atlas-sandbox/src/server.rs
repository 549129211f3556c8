//! A server around the sandbox, on a free port of this machine.

mod builder;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::body::Body;
use crate::gate::ControlToken;
use crate::journal::Journal;
use crate::service::SandboxService;
use crate::world::Sandbox;

pub use builder::SandboxBuilder;

/// A sandbox that answers on `127.0.0.1`, HTTP/1.1 and HTTP/2, until it is dropped.
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
    /// Ends with the server.
    #[cfg(feature = "tls")]
    _directory: Option<crate::tls::InUse>,
}

impl SandboxServer {
    /// Starts the first world, on this machine's clock.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start() -> io::Result<Self> {
        Self::builder(Sandbox::new()).start().await
    }

    /// Starts a world of one's own, on a clock of one's own.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start_with(
        sandbox: Sandbox,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::builder(sandbox).clock(clock).start().await
    }

    /// Starts to set up a server.
    pub fn builder(sandbox: Sandbox) -> SandboxBuilder {
        SandboxBuilder::new(sandbox)
    }

    /// Where it answers: `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its links lead: the [public URL](SandboxBuilder::public_url), or [`Self::url`] without one.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The token that control requests need, if they need one: see [`SandboxBuilder::control_token`].
    pub fn control_token(&self) -> Option<&str> {
        self.control_token.as_ref().map(ControlToken::as_str)
    }

    /// The authority's certificate to trust, in PEM, if it speaks TLS.
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// How many answers came to a `stall` of the fault plan, for a test that then kills its client.
    pub fn stalled(&self) -> u64 {
        self.service.stalled()
    }

    /// Moves the clock on by so many seconds; it stops at the year 9000.
    pub fn advance(&self, seconds: u32) {
        self.service.clock().advance(seconds);
    }

    /// Sets the clock, which goes on from there unless it is stopped. A time before 1970 or after
    /// the year 9000 is taken as the nearest.
    pub fn set_clock(&self, now: Timestamp) {
        self.service.clock().set(Some(now), None);
    }

    /// Stops the clock where it is, or lets it go on from there.
    pub fn stop_clock(&self, stopped: bool) {
        self.service.clock().set(None, Some(stopped));
    }

    /// The last requests that it answered.
    pub fn journal(&self) -> &Journal {
        self.service.journal()
    }

    /// Looks at the world, or changes it.
    pub fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        self.service.with(work)
    }

    /// The same world as a `tower_service::Service`, for a client without a socket.
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

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                // Out of file descriptors, say: others may close in the meantime.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: impl Read + Write + Unpin + Send + 'static, service: SandboxService) {
    let served = auto::Builder::new(TokioExecutor::new())
        .serve_connection(stream, TowerToHyperService::new(service))
        .await;
    if let Err(error) = served {
        tracing::debug!(error, "a connection ended early");
    }
}
