//! Faults of a server: the sandbox, with something between it and its clients.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use atlas_sandbox::{OWNER, READER, Sandbox, SandboxServer};
use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_service::Service;

use super::retarget;
use crate::scripted::lock;

/// The faults that the sandbox can be told to have.
pub const SERVER_SABOTAGES: &[&str] = &[
    "media-type-unversioned",
    "media-type-of-the-version-asked",
    "media-type-missing",
    "envelope-forgotten",
    "envelope-status-wrong",
    "pretty-forgotten",
    "nc-ignored",
    "digest-unchecked",
    "bearer-unchecked",
    "nobody-let-in",
    "reader-may-write",
    "challenge-missing",
    "stale-never-said",
    "letters-ascii-only",
    "length-in-bytes",
    "names-unchecked",
    "ids-in-any-case",
    "read-only-fields-refused",
    "unauthorized-number-wrong",
    "method-not-allowed-as-404",
    "accept-unchecked",
    "content-type-unchecked",
    "allow-missing",
    "error-body-empty",
    "error-body-html",
    "error-told-as-200",
    "error-code-missing",
    "error-number-wrong",
    "secret-echoed",
    "not-found-as-500",
    "sunset-missing",
    "retry-after-missing",
    "rate-limit-missing",
    "success-as-201",
    "link-without-signature",
    "range-ignored",
    "etag-missing",
    "paging-ignored",
    "total-count-missing",
    "job-at-once-complete",
    "job-never-complete",
    "wrong-kind-code-altered",
    "token-type-missing",
    "token-cached",
    "link-field-renamed",
    "id-in-upper-case",
    "too-large-let-pass",
    "next-link-missing",
];

/// A sandbox with a fault, until it is dropped.
#[derive(Debug)]
pub struct SabotagedServer {
    url: String,
    accepting: JoinHandle<()>,
    _sandbox: SandboxServer,
}

impl SabotagedServer {
    /// Starts one; `None` stands for no such sabotage.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start(name: &str) -> io::Result<Option<Self>> {
        let Some(fault) = super::named(SERVER_SABOTAGES, name) else {
            return Ok(None);
        };
        let sandbox = SandboxServer::builder(Sandbox::new()).start().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        sandbox.with(|sandbox| sandbox.set_base_url(url.clone()));
        let inner = sandbox.service();
        // Control requests must name the server that answers them.
        let own_host = sandbox.url().trim_start_matches("http://").to_owned();
        let digests = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (inner, digests) = (inner.clone(), digests.clone());
                let own_host = own_host.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let (mut inner, digests) = (inner.clone(), digests.clone());
                    let own_host = own_host.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = Limited::new(body, 8 << 20).collect().await;
                        let body = body.map(Collected::to_bytes).unwrap_or_default();
                        let mut request = Request::from_parts(parts, body);
                        let asked = request.headers().clone();
                        let control = request.uri().path().starts_with("/sandbox/");
                        if control {
                            set(request.headers_mut(), "host", &own_host);
                        } else {
                            before(fault, &mut request, &digests);
                        }
                        let Ok(answer) = inner.call(request.map(Full::new)).await else {
                            return Ok(Response::default());
                        };
                        let mut answer = answer.map(atlas_sandbox::Body::into_bytes);
                        if !control {
                            after(fault, &asked, &mut answer);
                        }
                        Ok::<_, Infallible>(answer.map(Full::new))
                    }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Some(Self {
            url,
            accepting,
            _sandbox: sandbox,
        }))
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for SabotagedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Alters a request on its way in.
fn before(fault: &str, request: &mut Request<Bytes>, digests: &Mutex<Vec<String>>) {
    let authorization = text(request.headers(), "authorization");
    let is_digest = authorization.starts_with("Digest ");
    let owner = |request: &mut Request<Bytes>| {
        let value = format!("Bearer {}", OWNER.access_token);
        set(request.headers_mut(), "authorization", &value);
    };
    match fault {
        "envelope-forgotten" => retarget(request, "envelope=true", ""),
        "pretty-forgotten" => retarget(request, "pretty=true", ""),
        "paging-ignored" => retarget(request, "?", "?x"),
        "nc-ignored" if is_digest => {
            let mut seen = lock(digests);
            if seen.contains(&authorization) {
                owner(request);
            }
            seen.push(authorization);
        }
        "digest-unchecked" if is_digest => owner(request),
        "bearer-unchecked" if authorization.starts_with("Bearer ") => owner(request),
        "nobody-let-in"
            if authorization.is_empty() && !request.uri().path().starts_with("/sandbox-store/") =>
        {
            owner(request);
        }
        "reader-may-write" if authorization.ends_with(READER.access_token) => owner(request),
        "names-unchecked" => rename(request, |_| true),
        "read-only-fields-refused" => refuse_fields(request),
        "ids-in-any-case" => {
            let path = request.uri().path().to_owned();
            let lower: Vec<String> = path
                .split('/')
                .map(|part| {
                    if part.len() == 24 {
                        part.to_lowercase()
                    } else {
                        part.to_owned()
                    }
                })
                .collect();
            retarget(request, &path, &lower.join("/"));
        }
        "accept-unchecked" => {
            let value = "application/vnd.atlas.2025-03-12+json";
            set(request.headers_mut(), "accept", value);
        }
        "content-type-unchecked" if !request.body().is_empty() => {
            set(request.headers_mut(), "content-type", "application/json");
        }
        "range-ignored" => drop(request.headers_mut().remove(RANGE)),
        "too-large-let-pass" if request.body().len() > 1 << 20 => {
            request.headers_mut().remove(CONTENT_LENGTH);
            *request.body_mut() = Bytes::from_static(b"{}");
        }
        // The sandbox takes what this server does not.
        "letters-ascii-only" => refuse_names(request, |name| !name.is_ascii()),
        "length-in-bytes" => refuse_names(request, |name| name.len() > 64),
        _ => {}
    }
}

/// Alters an answer on its way out.
fn after(fault: &str, asked: &HeaderMap, answer: &mut Response<Bytes>) {
    let status = answer.status();
    let failed = status.is_client_error();
    let versioned = text(answer.headers(), "content-type").starts_with("application/vnd.atlas.");
    let headers = answer.headers_mut();
    match fault {
        "media-type-unversioned" if versioned => set(headers, "content-type", "application/json"),
        "media-type-of-the-version-asked" if versioned => {
            let asked = text(asked, "accept");
            set(headers, "content-type", &format!("{asked};charset=utf-8"));
        }
        "media-type-missing" => drop(headers.remove(CONTENT_TYPE)),
        "challenge-missing" => drop(headers.remove(WWW_AUTHENTICATE)),
        "stale-never-said" => {
            let challenge = text(headers, "www-authenticate");
            if !challenge.is_empty() {
                let challenge = challenge.replace("stale=true", "stale=false");
                set(headers, "www-authenticate", &challenge);
            }
        }
        "allow-missing" => drop(headers.remove(ALLOW)),
        "retry-after-missing" => drop(headers.remove(RETRY_AFTER)),
        "etag-missing" => drop(headers.remove(ETAG)),
        "token-cached" => drop(headers.remove("cache-control")),
        "sunset-missing" => {
            headers.remove("sunset");
            headers.remove("deprecation");
        }
        "rate-limit-missing" => {
            headers.remove("ratelimit-limit");
            headers.remove("ratelimit-remaining");
        }
        "error-body-empty" if failed => body(answer, Bytes::new()),
        "error-body-html" if failed => body(answer, "<html>No</html>".into()),
        "error-told-as-200" if failed => *answer.status_mut() = StatusCode::OK,
        "success-as-201" if status == StatusCode::OK => *answer.status_mut() = StatusCode::CREATED,
        "unauthorized-number-wrong" if status == StatusCode::UNAUTHORIZED => {
            edit(answer, |it| drop(it.insert("error".to_owned(), 0.into())));
        }
        "method-not-allowed-as-404" if status == StatusCode::METHOD_NOT_ALLOWED => {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        "not-found-as-500" if status == StatusCode::NOT_FOUND => {
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        "link-without-signature" if status == StatusCode::FORBIDDEN => {
            *answer.status_mut() = StatusCode::OK;
        }
        "error-code-missing" if failed => edit(answer, |it| drop(it.remove("errorCode"))),
        "error-number-wrong" if failed => {
            edit(answer, |it| drop(it.insert("error".to_owned(), 0.into())));
        }
        "secret-echoed" if failed => {
            let secret = text(asked, "authorization");
            edit(answer, |it| {
                it.insert("detail".to_owned(), secret.clone().into());
            });
        }
        "total-count-missing" => edit(answer, |it| drop(it.remove("totalCount"))),
        "next-link-missing" => edit(answer, |it| {
            if let Some(Value::Array(links)) = it.get_mut("links") {
                links.retain(|link| link["rel"] != "next");
            }
        }),
        "token-type-missing" => edit(answer, |it| drop(it.remove("token_type"))),
        "envelope-status-wrong" => edit(answer, |it| {
            if it.contains_key("content") || it.contains_key("results") {
                it.insert("status".to_owned(), 299.into());
            }
        }),
        "job-at-once-complete" => {
            substitute(answer, &["PENDING", "QUEUED", "RUNNING"], "COMPLETED");
        }
        "job-never-complete" => substitute(answer, &["COMPLETED"], "RUNNING"),
        "wrong-kind-code-altered" => substitute(
            answer,
            &["CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"],
            "CLUSTER_NOT_FOUND",
        ),
        "link-field-renamed" => substitute(answer, &["\"snapshotUrl\""], "\"url\""),
        "id-in-upper-case" => substitute(
            answer,
            &[atlas_sandbox::PROJECT],
            "32B6E34B3D91647ABB20E7B8",
        ),
        _ => {}
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

const NAME: &str = "targetDeploymentItemName";

/// Gives a target another name, where the one it has is like that.
fn rename(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool) {
    replace_name(request, like, "any");
}

fn refuse_names(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool) {
    replace_name(request, like, "");
}

fn replace_name(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool, by: &str) {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(request.body()) else {
        return;
    };
    let name = fields.get(NAME).and_then(Value::as_str);
    if name.is_some_and(like) {
        fields.insert(NAME.to_owned(), by.into());
        put(request, &Value::Object(fields));
    }
}

/// Takes the required fields from a body that has others besides.
fn refuse_fields(request: &mut Request<Bytes>) {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(request.body()) {
        let known = ["snapshotId", NAME, "targetProjectId"];
        if fields.contains_key(NAME) && fields.keys().any(|name| !known.contains(&name.as_str())) {
            put(request, &serde_json::json!({}));
        }
    }
}

fn put(request: &mut Request<Bytes>, value: &Value) {
    request.headers_mut().remove(CONTENT_LENGTH);
    *request.body_mut() = value.to_string().into();
}

fn body(answer: &mut Response<Bytes>, bytes: Bytes) {
    answer.headers_mut().remove(CONTENT_LENGTH);
    *answer.body_mut() = bytes;
}

fn edit(answer: &mut Response<Bytes>, change: impl Fn(&mut serde_json::Map<String, Value>)) {
    if let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) {
        change(&mut fields);
        body(answer, Value::Object(fields).to_string().into());
    }
}

fn substitute(answer: &mut Response<Bytes>, from: &[&str], to: &str) {
    let Ok(mut text) = String::from_utf8(answer.body().to_vec()) else {
        return;
    };
    for from in from {
        text = text.replace(from, to);
    }
    body(answer, text.into());
}
