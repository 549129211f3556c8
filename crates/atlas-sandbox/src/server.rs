//! A server around the sandbox, on a free port of this machine.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

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
use crate::faults::{Fault, FaultPlan};
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
            port: 0,
            #[allow(
                clippy::disallowed_methods,
                reason = "the server's edge is where time comes in"
            )]
            clock: Arc::new(Timestamp::now),
            faults: FaultPlan::default(),
            log: None,
        }
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
    port: u16,
    clock: Clock,
    faults: FaultPlan,
    log: Option<Log>,
}

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
type Log = Arc<dyn Fn(&Answered) + Send + Sync>;

/// A request that was answered, for a log. Queries are not in it: they can hold a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// When it came, by the sandbox's clock.
    pub at: Timestamp,
    /// Its method.
    pub method: http::Method,
    /// Its path.
    pub path: String,
    /// The status; `None` if a fault ended the connection instead.
    pub status: Option<StatusCode>,
}

impl SandboxBuilder {
    /// Answers on this port; on a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Takes the time from this clock; from this machine's by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Lets time pass so many times as fast, from now on.
    #[must_use]
    pub fn time_scale(mut self, scale: u32) -> Self {
        let clock = self.clock.clone();
        let start = clock();
        self.clock = Arc::new(move || {
            let passed = clock().duration_since(start);
            let scaled = passed.checked_mul(i32::try_from(scale).unwrap_or(i32::MAX));
            let scaled = scaled.unwrap_or(passed);
            start.checked_add(scaled).unwrap_or(Timestamp::MAX)
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

    /// Starts the server on `127.0.0.1`.
    ///
    /// # Errors
    /// The port could not be had.
    pub async fn start(mut self) -> io::Result<SandboxServer> {
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        self.sandbox.set_base_url(url.clone());
        let service = SandboxService {
            sandbox: Arc::new(Mutex::new(self.sandbox)),
            clock: self.clock,
            faults: Arc::new(Mutex::new(self.faults)),
            log: self.log,
        };
        let accepting = tokio::spawn(accept(listener, service.clone()));
        Ok(SandboxServer {
            url,
            service,
            accepting,
        })
    }
}

impl std::fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxBuilder")
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
    clock: Clock,
    faults: Arc<Mutex<FaultPlan>>,
    log: Option<Log>,
}

impl SandboxService {
    /// Answers a request whose body is there, as the fault plan has it.
    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let at = (self.clock)();
        let fault = {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.next(&request)
        };
        let answer = self.answer_with(request, fault).await;
        if let Some(log) = &self.log {
            log(&Answered {
                at,
                method,
                path,
                status: answer.as_ref().ok().map(Response::status),
            });
        }
        answer
    }

    async fn answer_with(
        &self,
        request: Request<Bytes>,
        fault: Option<Fault>,
    ) -> io::Result<Response<Body>> {
        let respond = |request| {
            let now = (self.clock)();
            self.with(|sandbox| sandbox.respond(now, request))
        };
        Ok(match fault {
            None => respond(request),
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::DelayMs(delay)) => {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                respond(request)
            }
            Some(Fault::Truncate(bytes)) => respond(request).map(|it| it.breaking_after(bytes)),
            Some(Fault::Slow(rate)) => respond(request).map(|it| it.at_rate(rate)),
            Some(Fault::StaleNonce) => {
                self.with(|sandbox| sandbox.nonces.clear());
                respond(request)
            }
            Some(Fault::ExpiredToken) => {
                self.with(|sandbox| sandbox.tokens.clear());
                respond(request)
            }
            Some(Fault::Status {
                status,
                error_code,
                retry_after,
            }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let error_code = error_code.as_deref().unwrap_or(code::UNEXPECTED_ERROR);
                let error = ApiError::new(status, error_code, "The fault plan says so.");
                let mut response = reply::error(&error, &CallOptions::default());
                if let Some(seconds) = retry_after {
                    reply::set(&mut response, "retry-after", &seconds.to_string());
                }
                response.map(Body::from)
            }
        })
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
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let response = match Limited::new(Box::pin(body), REQUEST_LIMIT).collect().await {
                Ok(body) => {
                    let request = Request::from_parts(parts, body.to_bytes());
                    service.answer(request).await?
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
