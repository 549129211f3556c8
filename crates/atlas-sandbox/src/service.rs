//! The world behind its clock, its faults and its log.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::header::{HOST, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use jiff::{SignedDuration, Timestamp};
use tower_service::Service;

use crate::body::Body;
use crate::control;
use crate::faults::{Fault, FaultPlan};
use crate::gate::{self, Gate, Refusal};
use crate::jobs::later;
use crate::lenient::IgnoredFields;
use crate::reply;
use crate::world::Sandbox;

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Who is told of every request.
pub(crate) type Log = Arc<dyn Fn(&Answered) + Send + Sync>;

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
    /// The paths of fields in the request's body that were ignored, since the operation has no such
    /// fields or they are read-only. They come from the client: escape them before a terminal.
    pub ignored_fields: Vec<String>,
}

/// A sandbox shared by its connections.
#[derive(Clone)]
pub(crate) struct SandboxService {
    sandbox: Arc<Mutex<Sandbox>>,
    clock: Clock,
    /// How far the clock was moved, in seconds.
    moved: Arc<AtomicI64>,
    faults: Arc<Mutex<FaultPlan>>,
    /// How many answers say nothing more.
    stalled: Arc<AtomicU64>,
    log: Option<Log>,
    /// The scheme of the links, if their host is the one that a request names.
    follows_hosts: Option<&'static str>,
    gate: Arc<Gate>,
}

impl SandboxService {
    pub(crate) fn new(
        sandbox: Sandbox,
        clock: Clock,
        faults: FaultPlan,
        log: Option<Log>,
        gate: Gate,
    ) -> Self {
        Self {
            sandbox: Arc::new(Mutex::new(sandbox)),
            clock,
            moved: Arc::default(),
            faults: Arc::new(Mutex::new(faults)),
            stalled: Arc::default(),
            log,
            follows_hosts: None,
            gate: Arc::new(gate),
        }
    }

    /// Has links lead to the host that a request names, for a server that many hosts lead to.
    pub(crate) fn follow_hosts(&mut self, scheme: &'static str) {
        self.follows_hosts = Some(scheme);
    }

    fn respond(&self, request: Request<Bytes>) -> Response<Body> {
        let now = self.now();
        let named = self.follows_hosts.zip(host(&request));
        self.with(|sandbox| {
            if let Some((scheme, host)) = named {
                sandbox.set_base_url(format!("{scheme}://{host}"));
            }
            sandbox.respond(now, request)
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        let moved = SignedDuration::from_secs(self.moved.load(Ordering::SeqCst));
        later((self.clock)(), moved).min(CLOCK_END)
    }

    pub(crate) fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::SeqCst)
    }

    /// Moves the clock on, up to its end.
    pub(crate) fn advance(&self, seconds: u32) {
        let moved = |moved: i64| Some(moved.saturating_add(i64::from(seconds)));
        // The closure never gives `None`.
        let _ = self
            .moved
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// Moves the clock on, or gives its end if it would pass that.
    pub(crate) fn try_advance(&self, seconds: u32) -> Result<(), Timestamp> {
        let until = SignedDuration::from_secs(seconds.into());
        if CLOCK_END.duration_since(self.now()) < until {
            return Err(CLOCK_END);
        }
        self.advance(seconds);
        Ok(())
    }

    /// Replaces the world, which answers where the old one did.
    pub(crate) fn begin_anew(&self, mut sandbox: Sandbox) {
        self.with(|old| {
            sandbox.set_base_url(std::mem::take(&mut old.base_url));
            *old = sandbox;
        });
    }

    pub(crate) fn set_faults(&self, plan: FaultPlan) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    pub(crate) fn shown_faults(&self) -> serde_json::Value {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.shown()
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        work(&mut self.sandbox.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a request whose body is there, as the fault plan has it.
    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let at = self.now();
        let answer = if path.starts_with(control::PREFIX) {
            Ok(match self.gate.control(&request) {
                Ok(()) => control::answer(self, request).await,
                Err(refusal) => refused(&refusal),
            }
            .map(Body::from))
        } else if let Err(refusal) = page_check(&request) {
            Ok(refused(&refusal).map(Body::from))
        } else {
            let fault = {
                let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
                faults.next(&request)
            };
            self.answer_with(request, fault).await
        };
        if let Some(log) = &self.log {
            log(&Answered {
                at,
                method,
                path,
                status: answer.as_ref().ok().map(Response::status),
                ignored_fields: answer.as_ref().map_or_else(|_| Vec::new(), ignored_fields),
            });
        }
        answer
    }

    async fn answer_with(
        &self,
        request: Request<Bytes>,
        fault: Option<Fault>,
    ) -> io::Result<Response<Body>> {
        Ok(match fault {
            None => self.respond(request),
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::DelayMs(delay)) => {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                self.respond(request)
            }
            Some(Fault::Truncate(bytes)) => {
                self.respond(request).map(|it| it.breaking_after(bytes))
            }
            Some(Fault::Stall(bytes)) => self
                .respond(request)
                .map(|it| it.stalling_after(bytes, self.stalled.clone())),
            Some(Fault::Slow(rate)) => self.respond(request).map(|it| it.at_rate(rate)),
            Some(Fault::StaleNonce) => {
                self.with(|sandbox| sandbox.nonces.clear());
                self.respond(request)
            }
            Some(Fault::ExpiredToken) => {
                self.with(|sandbox| sandbox.tokens.clear());
                self.respond(request)
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
}

fn ignored_fields(answer: &Response<Body>) -> Vec<String> {
    let ignored = answer.extensions().get::<IgnoredFields>();
    ignored.map_or_else(Vec::new, |ignored| ignored.0.clone())
}

fn page_check(request: &Request<Bytes>) -> Result<(), Refusal> {
    if request.method() == Method::GET && request.uri().path() == "/" {
        return gate::check_page(request);
    }
    Ok(())
}

/// An answer to a request that the gate refused.
fn refused(refusal: &Refusal) -> Response<Bytes> {
    let error = ApiError::new(refusal.status, code::VALIDATION_ERROR, &refusal.reason);
    let mut response = reply::error(&error, &CallOptions::default());
    if refusal.status == StatusCode::UNAUTHORIZED {
        let challenge = "Bearer realm=\"sandbox control\"";
        reply::set(&mut response, WWW_AUTHENTICATE.as_str(), challenge);
    }
    reply::for_no_other_site(&mut response);
    response
}

/// The host that a request names, with its port.
fn host(request: &Request<Bytes>) -> Option<Authority> {
    let target = request.uri().authority().cloned();
    target.or_else(|| {
        let header = request.headers().get(HOST)?.to_str().ok()?;
        header.parse().ok()
    })
}

impl std::fmt::Debug for SandboxService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxService").finish_non_exhaustive()
    }
}

/// Where the clock stops: 9000-01-01T00:00:00Z, so that what ends later can still be told.
pub(crate) const CLOCK_END: Timestamp = Timestamp::constant(221_845_392_000, 0);

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
