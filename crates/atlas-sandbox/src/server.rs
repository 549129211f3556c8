//! A server around the sandbox, on a free port of this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::body::Body;
use crate::faults::FaultPlan;
use crate::gate::{ControlToken, Gate, LONGEST, SHORTEST};
use crate::service::{Answered, Clock, Log, SandboxService};
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::world::Sandbox;

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
    service: SandboxService,
    accepting: JoinHandle<()>,
    control_token: Option<ControlToken>,
    #[cfg(feature = "tls")]
    certificate: Option<String>,
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
        SandboxBuilder {
            sandbox,
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            #[allow(
                clippy::disallowed_methods,
                reason = "the server's edge is where time comes in"
            )]
            clock: Arc::new(Timestamp::now),
            faults: FaultPlan::default(),
            log: None,
            control_token: None,
            #[cfg(feature = "tls")]
            tls: false,
        }
    }

    /// Where it answers: `http://127.0.0.1:PORT`, or `https://localhost:PORT` with TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that control requests need, if they need one: see [`SandboxBuilder::control_token`].
    pub fn control_token(&self) -> Option<&str> {
        self.control_token.as_ref().map(ControlToken::as_str)
    }

    /// The certificate to trust, in PEM, if it speaks TLS.
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
        self.service.advance(seconds);
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

/// Sets up a [`SandboxServer`].
pub struct SandboxBuilder {
    sandbox: Sandbox,
    address: IpAddr,
    port: u16,
    clock: Clock,
    faults: FaultPlan,
    log: Option<Log>,
    control_token: Option<String>,
    #[cfg(feature = "tls")]
    tls: bool,
}

impl SandboxBuilder {
    /// Answers on this port; on a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Answers on this address; on `127.0.0.1` by default. With `0.0.0.0` or `::` the links it hands
    /// out lead to whatever host a request names. Its logins are public, so bind anything but
    /// loopback only in a network of your own; control requests then need a
    /// [token](Self::control_token).
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Requires this token of every request to `/sandbox/*`, as `Authorization: Bearer TOKEN`: 8 to
    /// 256 visible ASCII characters. Without this setting, a server on loopback requires none, and a
    /// server on any other address makes a random one, which [`SandboxServer::control_token`] gives.
    #[must_use]
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(token.into());
        self
    }

    /// Speaks TLS, with a certificate made for this run; `http` by default.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Takes the time from this clock; from this machine's by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Lets time pass so many times as fast, from now on. 0 stops the clock, and so does the year
    /// 9000.
    #[must_use]
    pub fn time_scale(mut self, scale: u32) -> Self {
        let clock = self.clock.clone();
        let start = clock();
        self.clock = Arc::new(move || {
            let passed = clock().duration_since(start);
            let scaled = passed.checked_mul(i32::try_from(scale).unwrap_or(i32::MAX));
            // What cannot be added ends at the clock's own end.
            let end = scaled.and_then(|scaled| start.checked_add(scaled).ok());
            end.unwrap_or(if passed.is_negative() {
                start
            } else {
                Timestamp::MAX
            })
        });
        self
    }

    /// Lets these things go wrong.
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = plan;
        self
    }

    /// Tells of each request once it is answered.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// The address cannot be bound, or the control token is invalid.
    pub async fn start(mut self) -> io::Result<SandboxServer> {
        let control_token = control_token(self.control_token.as_deref(), self.address)?;
        #[cfg(feature = "tls")]
        let tls = self.tls.then(|| Tls::new(self.address)).transpose()?;
        let listener = TcpListener::bind(SocketAddr::from((self.address, self.port))).await?;
        let port = listener.local_addr()?.port();
        let everywhere = self.address.is_unspecified();
        let address = match self.address {
            IpAddr::V4(_) if everywhere => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) if everywhere => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        #[cfg(feature = "tls")]
        let secure = self.tls;
        #[cfg(not(feature = "tls"))]
        let secure = false;
        let scheme = if secure { "https" } else { "http" };
        let url = if secure && address.is_loopback() {
            // A name, since some clients check none but those.
            format!("{scheme}://localhost:{port}")
        } else {
            format!("{scheme}://{}", SocketAddr::from((address, port)))
        };
        self.sandbox.set_base_url(url.clone());
        let gate = Gate::new(self.address, port, secure, control_token.clone());
        let mut service =
            SandboxService::new(self.sandbox, self.clock, self.faults, self.log, gate);
        if everywhere {
            service.follow_hosts(scheme);
        }
        let serving = service.clone();
        #[cfg(feature = "tls")]
        let certificate = tls.as_ref().map(|tls| tls.certificate.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let stream = accept(&listener).await;
                let service = serving.clone();
                #[cfg(feature = "tls")]
                if let Some(tls) = &tls {
                    let handshake = tls.acceptor.accept(stream);
                    tokio::spawn(async move {
                        // A client that does not trust the certificate ends it.
                        if let Ok(stream) = handshake.await {
                            serve(TokioIo::new(stream), service).await;
                        }
                    });
                    continue;
                }
                tokio::spawn(serve(TokioIo::new(stream), service));
            }
        });
        Ok(SandboxServer {
            url,
            service,
            accepting,
            control_token,
            #[cfg(feature = "tls")]
            certificate,
        })
    }
}

impl std::fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("address", &self.address)
            .field("port", &self.port)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl Drop for SandboxServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The token that control requests must show: the given one, or a new one beyond loopback.
fn control_token(given: Option<&str>, address: IpAddr) -> io::Result<Option<ControlToken>> {
    match given {
        Some(text) => ControlToken::parse(text).map(Some).ok_or_else(|| {
            let problem = format!(
                "invalid control token: expected {SHORTEST} to {LONGEST} visible ASCII characters"
            );
            io::Error::new(io::ErrorKind::InvalidInput, problem)
        }),
        None if address.to_canonical().is_loopback() => Ok(None),
        None => ControlToken::generate().map(Some),
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
