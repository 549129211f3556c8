//! Turns one request into one response.

use atlas_catalog::{Operation, Route, methods, route};
use atlas_model::api_error::code;
use atlas_model::{ApiError, CallOptions, http_date};
use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::api::call::{Call, Target};
use crate::api::fidelity::{self, Fidelity};
use crate::api::plan::Plan;
use crate::api::read;
use crate::api::respond::written;
use crate::behaviour::behaviour;
use crate::body::Body;
use crate::grants;
use crate::object_store;
use crate::rate_limit::Level;
use crate::reply;
use crate::world::Sandbox;

/// The ignored fields of a request's body, in the extensions of a response.
#[derive(Debug, Clone, Default)]
pub(crate) struct IgnoredFields(pub(crate) Vec<String>);

/// The parts of a response other than its content.
#[derive(Default)]
struct Shown {
    options: CallOptions,
    level: Option<Level>,
    version: Option<&'static atlas_catalog::Version>,
}

impl Sandbox {
    /// Responds to one request at the given time, with files in memory.
    ///
    /// The order of errors: unknown path (404) or method (405), authentication (401), `Accept`
    /// (406), `Content-Type` (415), parameters and body (400), role (403), missing resource (404),
    /// conflicting state (400 or 409). Errors have a body as Atlas documents it, except 405, which
    /// has none.
    ///
    /// Unknown and read-only fields of a request body are ignored.
    pub fn handle(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        self.respond(now, request).map(Body::into_bytes)
    }

    /// Responds as [`handle`](Sandbox::handle) does, with files that are generated while they are
    /// read.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a request is consumed by its response"
    )]
    pub fn respond(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Body> {
        written(self.decide(now, &request))
    }

    /// Processes a request. The body of the response may still have to be [written].
    pub(crate) fn decide(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Body> {
        self.requests += 1;
        self.store.settle(now);
        let path = request.uri().path();
        let response = match (request.method(), path) {
            (&Method::POST, "/api/oauth/token") => self.token(now, request),
            (&Method::POST, "/api/oauth/revoke") => self.revoke(now, request),
            (_, "/api/oauth/token" | "/api/oauth/revoke") => {
                reply::other_methods(&[&Method::POST], &CallOptions::default())
            }
            (&Method::GET, "/") => self.page(now, &[]),
            (_, "/") => reply::other_methods(&[&Method::GET], &CallOptions::default()),
            _ if path.starts_with(object_store::PREFIX) => return self.store_file(now, request),
            _ => self.api(now, request),
        };
        // The time of the sandbox's clock, which may be ahead of the system's.
        let mut response = response.map(Body::from);
        reply::set(&mut response, DATE.as_str(), &http_date(now));
        response
    }

    fn api(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some(route) = route(request.method(), path) {
            let operation = route.operation;
            let mut shown = Shown {
                options: read::options(request),
                ..Shown::default()
            };
            let answer = self.operation(now, request, &route, &mut shown);
            // No recorded response shows how Atlas checks roles, versions and bodies.
            let most = if answer.is_ok() {
                Fidelity::Recorded
            } else {
                Fidelity::Documented
            };
            let mut response = answer.unwrap_or_else(|refusal| refusal);
            let version = shown.version.map(|version| (operation, version));
            reply::finish(&mut response, version, shown.level);
            let fidelity = fidelity::of(operation).min(most);
            reply::set(&mut response, "x-sandbox-fidelity", fidelity.as_str());
            return response;
        }
        let methods = methods(path);
        if methods.is_empty() {
            let error = ApiError::new(
                StatusCode::NOT_FOUND,
                code::RESOURCE_NOT_FOUND,
                "No operation has this path.",
            );
            return reply::error(&error, &read::options(request));
        }
        reply::allow_only(&methods.iter().collect::<Vec<_>>())
    }

    /// Runs an operation and sets the other parts of the response.
    fn operation(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
        route: &Route,
        shown: &mut Shown,
    ) -> Result<Response<Bytes>, Response<Bytes>> {
        let operation = route.operation;
        let account = if operation.is_open() {
            None
        } else {
            Some(self.authenticate(now, request, &shown.options)?)
        };
        let number = account.as_ref().map_or(0, |account| account.number);
        match self.take_token(now, number, operation) {
            Ok(taken) => shown.level = Some(taken),
            Err((error, wait, empty)) => {
                shown.level = Some(empty);
                let mut refusal = reply::error(&error, &shown.options);
                reply::set(&mut refusal, RETRY_AFTER.as_str(), &wait.to_string());
                return Err(refusal);
            }
        }
        if let Some(forced) = self.forced.pop_front() {
            return Err(reply::error(&forced, &shown.options));
        }
        if self.enforce_sunset && is_over(operation, now) {
            return Err(reply::error(&gone(operation), &shown.options));
        }
        if fidelity::of(operation) < self.min_fidelity {
            let error = not_emulated(operation, self.min_fidelity);
            return Err(reply::error(&error, &shown.options));
        }
        shown.version = operation.version(None);
        let read =
            read::read(request, route).map_err(|error| reply::error(&error, &shown.options))?;
        shown.options = read.options;
        shown.version = Some(read.version);
        if !read.ignored.is_empty() {
            for field in &read.ignored {
                tracing::warn!(
                    operation = operation.id(),
                    ?field,
                    "ignored a field of the request body"
                );
            }
        }
        let base = self.base_url.clone();
        let call = Call {
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
            operation,
            plan: Plan::of(operation),
            version: read.version,
            options: read.options,
            format: read.format,
            path: route.parameters.clone(),
            query: read.query,
            body: read.body,
            target: Target::new(&base, request.uri()),
            account: number,
            login: account
                .as_ref()
                .map_or_else(String::new, |account| account.name().to_owned()),
        };
        let may = account.is_none_or(|account| self.may(&account, &call));
        if !may {
            return Err(reply::error(&grants::lacks_role(operation), &call.options));
        }
        let answer = if let Err(refusal) = self.check_is_not_deleting(&call) {
            Err(refusal)
        } else {
            match behaviour(operation) {
                Some(behaviour) => (behaviour.handler)(self, &call),
                None => self.generic(&call),
            }
        };
        let mut response = match answer {
            Ok(answer) => self.respond_with(&call, answer),
            Err(error) => reply::error(&error, &call.options),
        };
        if !read.ignored.is_empty() {
            response
                .extensions_mut()
                .insert(IgnoredFields(read.ignored));
        }
        Ok(response)
    }
}

/// 410 for an operation after its sunset: the sandbox's own choice.
fn gone(operation: Operation) -> ApiError {
    let mut detail = format!("{operation} is past its sunset date");
    if let Some(successor) = operation.successor() {
        detail.push_str("; use ");
        detail.push_str(successor.id());
    }
    ApiError::new(StatusCode::GONE, code::UNEXPECTED_ERROR, detail)
}

fn not_emulated(operation: Operation, least: Fidelity) -> ApiError {
    let fidelity = fidelity::of(operation);
    let detail = format!(
        "The fidelity of {operation} is {fidelity}; this sandbox requires at least {least} (--min-fidelity)."
    );
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "NOT_EMULATED", detail)
}

fn is_over(operation: Operation, now: Timestamp) -> bool {
    let sunset = operation.sunset().and_then(|day| day.parse::<Date>().ok());
    sunset.is_some_and(|sunset| reply::midnight(sunset) <= now)
}
