//! The control endpoints: set and inspect a server over HTTP, for tests in other languages. The
//! crate's front page lists the requests. Every request has passed the [gate](crate::gate); a body
//! must be `application/json`, which a web page cannot send to another origin without a CORS
//! preflight.

use std::sync::Arc;

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value, json};

use crate::clock::{CLOCK_END, CLOCK_START};
use crate::faults::{FaultPlan, not_null, shortened};
use crate::gate::{Gate, Refusal};
use crate::journal::{Filter, Journal, RecordedRequest};
use crate::reply;
use crate::seed::MAX_TEXT;
use crate::service::SandboxService;
use crate::settings::Settings;
use crate::world::Sandbox;

/// The prefix of all control paths.
pub(crate) const PREFIX: &str = "/sandbox/";

/// The maximum body of a control request, except for a world.
const BODY_LIMIT: usize = 1 << 20;
/// The maximum advance of the clock by one request, in seconds: a hundred years.
const MAX_ADVANCE: u64 = 100 * 366 * 24 * 60 * 60;

/// The body of `POST /sandbox/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Advance {
    advance_seconds: Number,
}

/// The body of `PUT /sandbox/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    #[serde(default, deserialize_with = "not_null")]
    now: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    stopped: Option<bool>,
}

/// The resource of a path below [`PREFIX`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    World,
    Faults,
    Clock,
    Requests,
    Health,
    Reset,
    Schemas,
    Schema(&'static str),
}

impl Resource {
    fn find(path: &str) -> Option<Self> {
        Some(match path.strip_prefix(PREFIX)? {
            "world" => Self::World,
            "faults" => Self::Faults,
            "clock" => Self::Clock,
            "requests" => Self::Requests,
            "health" => Self::Health,
            "reset" => Self::Reset,
            "schemas" | "schemas/" => Self::Schemas,
            name => Self::Schema(schema(name.strip_prefix("schemas/")?)?),
        })
    }

    fn methods(self) -> &'static [&'static Method] {
        match self {
            Self::World => &[&Method::GET, &Method::PUT],
            Self::Faults => &[&Method::GET, &Method::PUT, &Method::DELETE],
            Self::Reset => &[&Method::POST],
            Self::Clock => &[&Method::GET, &Method::PUT, &Method::POST],
            Self::Requests => &[&Method::GET, &Method::DELETE],
            Self::Health => &[&Method::GET, &Method::HEAD],
            Self::Schemas | Self::Schema(_) => &[&Method::GET],
        }
    }
}

/// The names of all schemas.
const SCHEMAS: [&str; 4] = ["world", "faults", "clock", "requests"];

/// The JSON Schema of a body.
fn schema(name: &str) -> Option<&'static str> {
    Some(match name {
        "world" | "seed" => include_str!("../schemas/world.json"),
        "faults" => include_str!("../schemas/faults.json"),
        "clock" => include_str!("../schemas/clock.json"),
        "requests" => include_str!("../schemas/requests.json"),
        _ => return None,
    })
}

/// Checks the sender of a request. The health check is open to every client.
pub(crate) fn check<B>(gate: &Gate, request: &Request<B>) -> Result<(), Refusal> {
    match Resource::find(request.uri().path()) {
        Some(Resource::Health) => Ok(()),
        _ => gate.control(request),
    }
}

/// Responds to a request below [`PREFIX`].
pub(crate) async fn answer(service: &SandboxService, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = match route(service, &request) {
        Ok(Action::Show(value)) => json_answer(value.to_string()),
        Ok(Action::Schema(text)) => json_answer(text),
        Ok(Action::World(text)) => {
            let settings = service.settings();
            match beside(move || seeded(&text, settings)).await {
                Ok(sandbox) => {
                    service.reset(sandbox);
                    done()
                }
                Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
            }
        }
        Ok(Action::ShowWorld) => {
            let service = service.clone();
            let show = move || {
                let now = service.now();
                let world = service.with(|sandbox| {
                    sandbox.store.settle(now);
                    sandbox.shown_world(now)
                });
                Ok(world.to_string())
            };
            match beside(show).await {
                Ok(text) => json_answer(text),
                Err(problem) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &problem),
            }
        }
        Ok(Action::Reset) => {
            let (seed, settings) = (service.start_seed(), service.settings());
            match beside(move || seeded(&seed, settings)).await {
                Ok(sandbox) => {
                    service.restart(sandbox);
                    done()
                }
                Err(problem) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &problem),
            }
        }
        Ok(Action::Requests(filter)) => {
            let journal = service.journal().clone();
            match beside(move || Ok(shown_requests(&journal, &filter))).await {
                Ok(text) => json_answer(text),
                Err(problem) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &problem),
            }
        }
        Ok(Action::Done) => done(),
        Err(refusal) => refusal,
    };
    reply::for_no_other_site(&mut response);
    response
}

/// The action of a valid request.
enum Action {
    Reset,
    ShowWorld,
    Show(Value),
    Schema(&'static str),
    World(String),
    Requests(Filter),
    Done,
}

fn route(service: &SandboxService, request: &Request<Bytes>) -> Result<Action, Response<Bytes>> {
    let Some(resource) = Resource::find(request.uri().path()) else {
        let detail = "No such control endpoint: expected /sandbox/world, /sandbox/faults, /sandbox/clock, \
            /sandbox/requests, /sandbox/reset, /sandbox/health or /sandbox/schemas/NAME with world, \
            faults, clock or requests as NAME.";
        return Err(refuse(StatusCode::NOT_FOUND, detail));
    };
    let methods = resource.methods();
    if !methods.contains(&request.method()) {
        return Err(reply::other_methods(methods, &CallOptions::default()));
    }
    let bad = |problem: &str| refuse(StatusCode::BAD_REQUEST, problem);
    let query = request.uri().query().unwrap_or_default();
    // A filter on another request would be ignored silently.
    let filters = resource == Resource::Requests && request.method() == Method::GET;
    if !query.is_empty() && !filters && resource != Resource::Health {
        return Err(bad("invalid query: this control request has no parameters"));
    }
    if *request.method() == Method::GET || *request.method() == Method::HEAD {
        return Ok(match resource {
            Resource::World => Action::ShowWorld,
            Resource::Faults => Action::Show(service.shown_faults()),
            Resource::Clock => Action::Show(shown_clock(service)),
            Resource::Requests => {
                let filter = Filter::parse(query).map_err(|error| bad(&error.to_string()))?;
                Action::Requests(filter)
            }
            Resource::Health => {
                Action::Show(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
            }
            Resource::Schema(text) => Action::Schema(text),
            Resource::Schemas => Action::Show(json!({"schemas": SCHEMAS})),
            Resource::Reset => Action::Done,
        });
    }
    if resource == Resource::Requests {
        service.journal().clear();
        return Ok(Action::Done);
    }
    if resource == Resource::Faults && *request.method() == Method::DELETE {
        service.set_faults(FaultPlan::default());
        return Ok(Action::Done);
    }
    if resource == Resource::Reset {
        return Ok(Action::Reset);
    }
    let most = match resource {
        Resource::World => MAX_TEXT,
        _ => BODY_LIMIT,
    };
    let text = json_text(request, most)?;
    match resource {
        Resource::World => return Ok(Action::World(text.to_owned())),
        Resource::Faults => {
            let plan = FaultPlan::from_json(text).map_err(|error| bad(&error.to_string()))?;
            service.set_faults(plan);
        }
        _ if *request.method() == Method::PUT => {
            let (now, stopped) = clock_setting(text).map_err(|problem| bad(&problem))?;
            service.clock().set(now, stopped);
        }
        _ => {
            let seconds = seconds(text).map_err(|problem| bad(&problem))?;
            service.clock().try_advance(seconds).map_err(|end| {
                bad(&format!(
                    "invalid advanceSeconds {seconds}: the clock ends at {end}"
                ))
            })?;
        }
    }
    Ok(Action::Done)
}

/// The body of a control request as text.
fn json_text(request: &Request<Bytes>, most: usize) -> Result<&str, Response<Bytes>> {
    let is_nothing = request.body().is_empty() && !request.headers().contains_key(CONTENT_TYPE);
    if !is_json(request) && !is_nothing {
        let detail = "invalid Content-Type: expected application/json";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    if request.body().len() > most {
        let detail = format!("body too large: expected at most {most} bytes");
        return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &detail));
    }
    std::str::from_utf8(request.body()).map_err(|_| {
        let detail = "invalid body: expected UTF-8";
        refuse(StatusCode::BAD_REQUEST, detail)
    })
}

fn seeded(text: &str, settings: Settings) -> Result<Sandbox, String> {
    if text.trim().is_empty() {
        let mut sandbox = Sandbox::new();
        sandbox.adopt(settings);
        return Ok(sandbox);
    }
    Sandbox::from_seed_with(text, settings).map_err(|error| error.to_string())
}

fn shown_requests(journal: &Arc<Journal>, filter: &Filter) -> String {
    let requests = journal.matching(filter);
    let shown = json!({
        "recorded": journal.recorded(),
        "last": journal.last(),
        "requests": requests.iter().map(RecordedRequest::to_json).collect::<Vec<_>>(),
    });
    shown.to_string()
}

fn shown_clock(service: &SandboxService) -> Value {
    let clock = service.clock();
    json!({"now": clock.now().to_string(), "stopped": clock.is_stopped()})
}

/// Runs long work outside the async worker threads.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => match runtime.spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(error) => Err(error.to_string()),
        },
        Err(_) => work(),
    }
}

/// Parses the body of a request about the clock: an object, although Serde also reads a structure from an array.
fn clock_request<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.trim_start().starts_with('[') {
        return Err("invalid clock request: expected an object, not an array".to_owned());
    }
    serde_json::from_str(text).map_err(|error| format!("invalid clock request: {error}"))
}

/// Parses the body of a request that sets the clock.
fn clock_setting(text: &str) -> Result<(Option<Timestamp>, Option<bool>), String> {
    let set: SetClock = clock_request(text)?;
    if set.now.is_none() && set.stopped.is_none() {
        return Err("invalid clock request: expected now, stopped or both".to_owned());
    }
    let now = set.now.as_deref().map(clock_time).transpose()?;
    Ok((now, set.stopped))
}

/// Parses a time within the range of the clock.
fn clock_time(text: &str) -> Result<Timestamp, String> {
    let time = text.parse::<Timestamp>().ok();
    let time = time.filter(|time| (CLOCK_START..=CLOCK_END).contains(time));
    time.ok_or_else(|| {
        format!(
            "invalid now {:?}: expected RFC 3339 from {CLOCK_START} to {CLOCK_END}",
            shortened(text)
        )
    })
}

/// Parses the seconds of a request that advances the clock.
fn seconds(text: &str) -> Result<u32, String> {
    let clock: Advance = clock_request(text)?;
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

fn json_answer(text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    reply::set(&mut response, CONTENT_TYPE.as_str(), "application/json");
    response
}
