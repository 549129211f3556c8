//! The HTTP service: a world with its clock, faults, journal and log.

use std::future::Future;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::header::{HOST, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use tower_service::Service;

use crate::api::respond::written;
use crate::body::Body;
use crate::clock::Clock;
use crate::control;
use crate::faults::{Fault, FaultPlan};
use crate::gate::{self, Gate, Refusal};
use crate::handle::IgnoredFields;
use crate::journal::{self, Journal, Recording};
use crate::page::REQUESTS;
use crate::reply;
use crate::seed::MAX_TEXT;
use crate::settings::Settings;
use crate::world::Sandbox;

/// The callback for every request.
pub(crate) type Log = Arc<dyn Fn(&Answered) + Send + Sync>;

/// A request and the status of its response, for a log. The query is omitted, since it can contain a
/// signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// The time of the request, by the sandbox's clock.
    pub at: Timestamp,
    /// The method.
    pub method: http::Method,
    /// The path, without secrets.
    pub path: String,
    /// The status; `None` if a fault closed the connection instead.
    pub status: Option<StatusCode>,
    /// The paths of fields in the request's body that were ignored, since they are unknown or
    /// read-only. They come from the client: escape them before printing to a terminal.
    pub ignored_fields: Vec<String>,
}

/// The state with which a server was started.
struct Start {
    seed: Arc<str>,
    faults: FaultPlan,
    /// The initial time of the clock, if it was set.
    clock: Option<Timestamp>,
}

/// A sandbox shared by its connections.
#[derive(Clone)]
pub(crate) struct SandboxService {
    settings: Settings,
    start: Arc<Start>,
    sandbox: Arc<Mutex<Sandbox>>,
    clock: Arc<Clock>,
    faults: Arc<Mutex<FaultPlan>>,
    /// The number of responses that a fault has stalled.
    stalled: Arc<AtomicU64>,
    log: Option<Log>,
    /// The scheme of links to the host of each request, if there is no fixed host.
    follows_hosts: Option<&'static str>,
    gate: Arc<Gate>,
    journal: Arc<Journal>,
}

impl SandboxService {
    #[allow(clippy::too_many_arguments, reason = "the parts of a service")]
    pub(crate) fn new(
        sandbox: Sandbox,
        clock: Clock,
        faults: FaultPlan,
        log: Option<Log>,
        gate: Gate,
        journal: Journal,
        start_at: Option<Timestamp>,
    ) -> Self {
        let start = Start {
            seed: sandbox.to_seed(clock.now()).into(),
            faults: faults.clone(),
            clock: start_at,
        };
        Self {
            settings: sandbox.settings(),
            start: Arc::new(start),
            sandbox: Arc::new(Mutex::new(sandbox)),
            clock: Arc::new(clock),
            faults: Arc::new(Mutex::new(faults)),
            stalled: Arc::default(),
            log,
            follows_hosts: None,
            gate: Arc::new(gate),
            journal: Arc::new(journal),
        }
    }

    /// Makes links lead to the host that a request names, for a server that is reached under many
    /// hosts.
    pub(crate) fn follow_hosts(&mut self, scheme: &'static str) {
        self.follows_hosts = Some(scheme);
    }

    fn respond(&self, request: &Request<Bytes>) -> Response<Body> {
        let now = self.now();
        let named = self.follows_hosts.zip(host(request));
        if request.method() == Method::GET && request.uri().path() == "/" {
            let requests = self.journal.latest(REQUESTS);
            let page = self.with(|sandbox| {
                sandbox.store.settle(now);
                sandbox.requests += 1;
                sandbox.page(now, &requests)
            });
            return page.map(Body::from);
        }
        let response = self.with(|sandbox| {
            if let Some((scheme, host)) = named {
                sandbox.set_base_url(format!("{scheme}://{host}"));
            }
            // A panic of the sandbox must not look like a network failure.
            let decided = panic::catch_unwind(AssertUnwindSafe(|| sandbox.decide(now, request)));
            decided.unwrap_or_else(|_| own_fault())
        });
        written(response)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    pub(crate) fn stalled(&self) -> u64 {
        self.stalled.load(Ordering::SeqCst)
    }

    /// The settings with which the server was started; they also apply to new worlds.
    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// The world with which the server was started, as a seed.
    pub(crate) fn start_seed(&self) -> Arc<str> {
        self.start.seed.clone()
    }

    /// Replaces the world, restores the initial faults and clock, and clears the journal.
    pub(crate) fn restart(&self, sandbox: Sandbox) {
        self.reset(sandbox);
        self.set_faults(self.start.faults.clone());
        self.clock.follow_source();
        if self.start.clock.is_some() {
            self.clock.set(self.start.clock, None);
        }
        self.journal.clear();
    }

    /// Replaces the world; the base URL stays.
    pub(crate) fn reset(&self, mut sandbox: Sandbox) {
        if let Some(clock) = sandbox.seed_clock() {
            self.clock.set(Some(clock), None);
        }
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

    /// Refuses a control request by its head, before its body is read.
    fn check_before_body(&self, head: &http::request::Parts) -> Result<(), Refusal> {
        if !head.uri.path().starts_with(control::PREFIX) {
            return Ok(());
        }
        let mut request = Request::new(());
        request.method_mut().clone_from(&head.method);
        request.uri_mut().clone_from(&head.uri);
        request.headers_mut().clone_from(&head.headers);
        control::check(&self.gate, &request)
    }

    /// Responds to a request whose body was read.
    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Body>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let at = self.now();
        let answer = if path.starts_with(control::PREFIX) {
            Ok(match control::check(&self.gate, &request) {
                Ok(()) => control::answer(self, request).await,
                Err(refusal) => refused(&refusal),
            }
            .map(Body::from))
        } else if let Err(refusal) = page_check(&request) {
            Ok(refused(&refusal).map(Body::from))
        } else if path == "/" {
            self.answer_as_planned(request, None).await
        } else {
            let recording = self.journal.begin(at, &request, Some(request.body()));
            self.answer_as_planned(request, Some(recording)).await
        };
        self.log(|| Answered {
            at,
            method,
            path: journal::shown_path(&path),
            status: answer.as_ref().ok().map(Response::status),
            ignored_fields: answer.as_ref().map_or_else(|_| Vec::new(), ignored_fields),
        });
        answer
    }

    /// Responds to a request according to the fault plan, and records it.
    async fn answer_as_planned(
        &self,
        request: Request<Bytes>,
        recording: Option<Recording>,
    ) -> io::Result<Response<Body>> {
        let matched = {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.next(&request)
        };
        // A request whose client disconnects during a delay is recorded with its fault.
        let recording = recording.map(|recording| recording.with_fault(matched.as_ref()));
        let fault = matched.map(|matched| matched.r#do);
        let answer = self.answer_with(request, fault).await;
        if let Some(recording) = recording {
            let answered = answer.as_ref().ok();
            let ignored = answered.and_then(|answer| answer.extensions().get::<IgnoredFields>());
            let ignored = ignored.map_or(&[][..], |ignored| &ignored.0);
            recording.finish(answered.map(Response::status), ignored);
        }
        answer
    }

    /// Refuses a request whose body was not read completely.
    fn unread(&self, request: &Request<()>, too_large: bool) -> Response<Bytes> {
        let error = if too_large {
            let most = limit(request.uri().path());
            let detail = format!("body too large: expected at most {most} bytes");
            ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                code::UNEXPECTED_ERROR,
                detail,
            )
        } else {
            let detail = "request body is incomplete";
            ApiError::new(StatusCode::BAD_REQUEST, code::UNEXPECTED_ERROR, detail)
        };
        let response = reply::error(&error, &CallOptions::default());
        let (at, path) = (self.now(), request.uri().path());
        if !path.starts_with(control::PREFIX) && path != "/" {
            let recording = self.journal.begin(at, request, None);
            recording.finish(Some(response.status()), &[]);
        }
        self.log(|| Answered {
            at,
            method: request.method().clone(),
            path: journal::shown_path(path),
            status: Some(response.status()),
            ignored_fields: Vec::new(),
        });
        response
    }

    fn log(&self, answered: impl FnOnce() -> Answered) {
        if let Some(log) = &self.log {
            log(&answered());
        }
    }

    async fn answer_with(
        &self,
        request: Request<Bytes>,
        fault: Option<Fault>,
    ) -> io::Result<Response<Body>> {
        Ok(match fault {
            None => self.respond(&request),
            Some(Fault::Reset) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::DelayMs(delay)) => {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                self.respond(&request)
            }
            Some(Fault::Truncate(bytes)) => {
                self.respond(&request).map(|it| it.breaking_after(bytes))
            }
            Some(Fault::Stall(bytes)) => self
                .respond(&request)
                .map(|it| it.stalling_after(bytes, self.stalled.clone())),
            Some(Fault::Slow(rate)) => self.respond(&request).map(|it| it.at_rate(rate)),
            Some(Fault::StaleNonce) => {
                self.with(|sandbox| sandbox.nonces.clear());
                self.respond(&request)
            }
            Some(Fault::ExpiredToken) => {
                self.with(|sandbox| sandbox.tokens.clear());
                self.respond(&request)
            }
            Some(Fault::Status {
                status,
                error_code,
                retry_after,
            }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let error_code = error_code.as_deref().unwrap_or(code::UNEXPECTED_ERROR);
                let error = ApiError::new(status, error_code, "Injected by the fault plan.");
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

/// 500 for a request on which the sandbox panicked.
fn own_fault() -> Response<Body> {
    tracing::error!("bug: the sandbox panicked while processing a request; please report it");
    let detail = "The sandbox panicked while processing this request; please report this bug.";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let error = ApiError::new(status, code::UNEXPECTED_ERROR, detail);
    reply::error(&error, &CallOptions::default()).map(Body::from)
}

/// The response to a request that the gate refused.
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

/// The host of a request, with its port.
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

/// The maximum size of a request body, by path. Only a world may be large.
fn limit(path: &str) -> usize {
    match path {
        "/sandbox/world" => MAX_TEXT,
        _ => 1 << 20,
    }
}

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
            if let Err(refusal) = service.check_before_body(&parts) {
                return Ok(refused(&refusal).map(Body::from));
            }
            match Limited::new(Box::pin(body), limit(parts.uri.path()))
                .collect()
                .await
            {
                Ok(body) => {
                    let request = Request::from_parts(parts, body.to_bytes());
                    service.answer(request).await
                }
                Err(error) => {
                    let request = Request::from_parts(parts, ());
                    let too_large = error.downcast_ref::<LengthLimitError>().is_some();
                    Ok(service.unread(&request, too_large).map(Body::from))
                }
            }
        })
    }
}
