//! Setting and inspecting a served world over HTTP, for tests in other languages. The requests stand
//! on the crate's page. Every request has passed the [gate](crate::gate); a body must be
//! `application/json`, which a web page cannot send to another origin without being asked first.

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use crate::faults::FaultPlan;
use crate::page::kind;
use crate::reply;
use crate::service::SandboxService;
use crate::world::{Cluster, Sandbox};

/// What every path here begins with.
pub(crate) const PREFIX: &str = "/sandbox/";

/// The largest body of a control request.
const BODY_LIMIT: usize = 1 << 20;
/// How far one request may move the clock, in seconds: a hundred years.
const MAX_ADVANCE: u64 = 100 * 366 * 24 * 60 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Clock {
    advance_seconds: Number,
}

/// Answers a request to a path under [`PREFIX`].
pub(crate) async fn answer(service: &SandboxService, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = match route(service, &request) {
        Ok(Action::Show(value)) => json_answer(&value),
        Ok(Action::World(text)) => match seeded(text).await {
            Ok(sandbox) => {
                service.begin_anew(sandbox);
                done()
            }
            Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
        },
        Ok(Action::Done) => done(),
        Err(refusal) => refusal,
    };
    reply::for_no_other_site(&mut response);
    response
}

/// What is left to do for a request.
enum Action {
    Show(Value),
    World(String),
    Done,
}

fn route(service: &SandboxService, request: &Request<Bytes>) -> Result<Action, Response<Bytes>> {
    let path = request.uri().path().strip_prefix(PREFIX);
    let methods: &[&Method] = match path {
        Some("world" | "faults") => &[&Method::GET, &Method::PUT],
        Some("clock") => &[&Method::POST],
        _ => {
            let detail = "No such control: expected /sandbox/world, /sandbox/faults or \
                /sandbox/clock.";
            return Err(refuse(StatusCode::NOT_FOUND, detail));
        }
    };
    if !methods.contains(&request.method()) {
        return Err(reply::other_methods(methods, &CallOptions::default()));
    }
    if request.method() == Method::GET {
        let now = service.now();
        return Ok(Action::Show(match path {
            Some("faults") => service.shown_faults(),
            _ => service.with(|sandbox| sandbox.shown(now)),
        }));
    }
    if !is_json(request) {
        let detail = "A control request needs Content-Type: application/json.";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    if request.body().len() > BODY_LIMIT {
        let detail = format!("The body of a control request may have {BODY_LIMIT} bytes.");
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &detail));
    }
    let bad = |problem: &str| refuse(StatusCode::BAD_REQUEST, problem);
    let text = std::str::from_utf8(request.body());
    let text = text.map_err(|_| bad("The body of a control request is not UTF-8."))?;
    match path {
        Some("world") => return Ok(Action::World(text.to_owned())),
        Some("faults") => {
            let plan = FaultPlan::from_json(text).map_err(|error| bad(&error.to_string()))?;
            service.set_faults(plan);
        }
        _ => {
            let seconds = seconds(text).map_err(|problem| bad(&problem))?;
            service.try_advance(seconds).map_err(|end| {
                bad(&format!(
                    "invalid advanceSeconds {seconds}: the clock ends at {end}"
                ))
            })?;
        }
    }
    Ok(Action::Done)
}

/// Makes a world. A large one takes a while, so it is made beside the threads that answer.
async fn seeded(text: String) -> Result<Sandbox, String> {
    let build = move || {
        if text.trim().is_empty() {
            return Ok(Sandbox::new());
        }
        Sandbox::from_seed(&text).map_err(|error| error.to_string())
    };
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => match runtime.spawn_blocking(build).await {
            Ok(outcome) => outcome,
            Err(error) => Err(error.to_string()),
        },
        Err(_) => build(),
    }
}

/// Reads the seconds of a clock request.
fn seconds(text: &str) -> Result<u32, String> {
    let clock: Clock =
        serde_json::from_str(text).map_err(|error| format!("invalid clock request: {error}"))?;
    let number = clock.advance_seconds;
    let seconds = number.as_u64().filter(|seconds| *seconds <= MAX_ADVANCE);
    seconds
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| {
            format!("invalid advanceSeconds {number}: expected 0 to {MAX_ADVANCE} whole seconds")
        })
}

fn refuse(status: StatusCode, detail: &str) -> Response<Bytes> {
    let error = ApiError::new(status, code::VALIDATION_ERROR, detail);
    reply::error(&error, &CallOptions::default())
}

fn done() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn is_json(request: &Request<Bytes>) -> bool {
    let value = request.headers().get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

fn json_answer(value: &Value) -> Response<Bytes> {
    let mut response = Response::new(value.to_string().into());
    reply::set(&mut response, CONTENT_TYPE.as_str(), "application/json");
    response
}

impl Sandbox {
    /// What the world holds, without a secret.
    fn shown(&self, now: Timestamp) -> Value {
        let projects = self.projects.iter().map(|(id, project)| {
            let clusters = project.clusters.iter().map(|(name, cluster)| {
                json!({
                    "name": name,
                    "kind": kind(cluster.kind),
                    "snapshots": cluster.newest_first().iter().map(|(id, _)| id).collect::<Vec<_>>(),
                    "jobs": jobs(cluster, now),
                })
            });
            json!({"id": id, "name": project.name, "clusters": clusters.collect::<Vec<_>>()})
        });
        json!({
            "now": now.to_string(),
            "requests": self.requests,
            "writes": self.writes,
            "servedBytes": self.served_bytes(),
            "projects": projects.collect::<Vec<_>>(),
        })
    }
}

fn jobs(cluster: &Cluster, now: Timestamp) -> Vec<Value> {
    let jobs = cluster.latest_jobs().into_iter();
    jobs.map(|(id, job)| json!({"id": id, "kind": job.what(), "status": job.shown_status(now)}))
        .collect()
}
