//! A server around the sandbox, on a free port of this machine.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::body::Body;
use crate::reply;
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
}

impl SandboxServer {
    /// Starts the first world, on this machine's clock.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start() -> io::Result<Self> {
        #[allow(
            clippy::disallowed_methods,
            reason = "the server's edge is where time comes in"
        )]
        Self::start_with(Sandbox::new(), Timestamp::now).await
    }

    /// Starts a world of one's own, on a clock of one's own.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start_with(
        mut sandbox: Sandbox,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        sandbox.set_base_url(url.clone());
        let service = SandboxService::new(sandbox, clock);
        let accepting = tokio::spawn(accept(listener, service.clone()));
        Ok(Self {
            url,
            service,
            accepting,
        })
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
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
        Error = Infallible,
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

async fn accept(listener: TcpListener, service: SandboxService) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, say: others may close in the meantime.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let served = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
}

/// A sandbox shared by its connections.
#[derive(Clone)]
pub(crate) struct SandboxService {
    sandbox: Arc<Mutex<Sandbox>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl SandboxService {
    fn new(sandbox: Sandbox, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            sandbox: Arc::new(Mutex::new(sandbox)),
            clock: Arc::new(clock),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        work(&mut self.sandbox.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for SandboxService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxService").finish_non_exhaustive()
    }
}

/// The largest request body that is read.
const REQUEST_LIMIT: usize = 1 << 20;

impl<B> Service<Request<B>> for SandboxService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = match Limited::new(Box::pin(body), REQUEST_LIMIT).collect().await {
                Ok(body) => {
                    let request = Request::from_parts(parts, body.to_bytes());
                    let now = (service.clock)();
                    service.with(|sandbox| sandbox.respond(now, request))
                }
                Err(_) => reply::error(
                    &ApiError::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        code::UNEXPECTED_ERROR,
                        format!("A request body may have {REQUEST_LIMIT} bytes."),
                    ),
                    &CallOptions::default(),
                )
                .map(Body::from),
            };
            Ok(response)
        })
    }
}
