//! Setting and inspecting a served world over HTTP, for tests in other languages. The requests stand
//! on the crate's page; a body must be `application/json`, so that no page of another origin can send
//! one through a browser.

use atlas_model::{ApiError, CallOptions, api_error::code};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::FaultPlan;
use crate::page::kind;
use crate::reply;
use crate::service::SandboxService;
use crate::world::{Cluster, Sandbox};

/// What every path here begins with.
pub(crate) const PREFIX: &str = "/sandbox/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Clock {
    advance_seconds: u32,
}

/// Answers a request to a path under [`PREFIX`].
pub(crate) fn answer(service: &SandboxService, request: &Request<Bytes>) -> Response<Bytes> {
    let refuse = |status, detail: &str| {
        let error = ApiError::new(status, code::VALIDATION_ERROR, detail);
        reply::error(&error, &CallOptions::default())
    };
    let path = request.uri().path().strip_prefix(PREFIX);
    let methods: &[&Method] = match path {
        Some("world") => &[&Method::GET, &Method::PUT],
        Some("faults") => &[&Method::PUT],
        Some("clock") => &[&Method::POST],
        _ => return refuse(StatusCode::NOT_FOUND, "The sandbox has no such control."),
    };
    if !methods.contains(&request.method()) {
        return reply::other_methods(methods, &CallOptions::default());
    }
    if request.method() == Method::GET {
        let now = service.now();
        return service.with(|sandbox| json_answer(&sandbox.shown(now)));
    }
    if !is_json(request) {
        let detail = "A control takes application/json.";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    }
    let text = String::from_utf8_lossy(request.body());
    let done = match path {
        Some("world") => {
            let seeded = if text.trim().is_empty() {
                Ok(Sandbox::new())
            } else {
                Sandbox::from_seed(&text)
            };
            seeded
                .map(|sandbox| service.begin_anew(sandbox))
                .map_err(|error| error.to_string())
        }
        Some("faults") => FaultPlan::from_json(&text)
            .map(|plan| service.set_faults(plan))
            .map_err(|error| error.to_string()),
        _ => serde_json::from_str::<Clock>(&text)
            .map(|clock| service.advance(clock.advance_seconds))
            .map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
    }
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
