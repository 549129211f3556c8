//! A server with a bug: the sandbox behind a server that changes requests and responses.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use atlas_sandbox::{Sandbox, SandboxServer};
use http::header::HeaderValue;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::bug::Bug;

mod alter;

/// A sandbox with a bug; dropping it stops it.
#[derive(Debug)]
pub struct BuggyServer {
    url: String,
    accepting: JoinHandle<()>,
    _sandbox: SandboxServer,
}

impl BuggyServer {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// Fails if no port can be bound.
    pub async fn start(bug: Bug) -> io::Result<Self> {
        let sandbox = SandboxServer::builder(Sandbox::new()).start().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        sandbox.with(|sandbox| sandbox.set_base_url(url.clone()));
        let inner = sandbox.service();
        // Control requests must name the sandbox's own host.
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
                            alter::request(bug, &mut request, &digests);
                        }
                        let Ok(answer) = inner.call(request.map(Full::new)).await else {
                            return Ok(Response::default());
                        };
                        let mut answer = answer.map(atlas_sandbox::Body::into_bytes);
                        if !control {
                            alter::answer(bug, &asked, &mut answer);
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
        Ok(Self {
            url,
            accepting,
            _sandbox: sandbox,
        })
    }

    /// Returns the base URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for BuggyServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// All server bugs.
pub const SERVER_BUGS: &[Bug] = &[
    Bug::new("media-type-unversioned", "version"),
    Bug::new("media-type-of-the-version-asked", "version"),
    Bug::new("media-type-missing", "version"),
    Bug::new("envelope-forgotten", "envelope"),
    Bug::new("envelope-status-wrong", "envelope"),
    Bug::new("pretty-forgotten", "operation"),
    Bug::new("nc-ignored", "auth"),
    Bug::new("digest-unchecked", "auth"),
    Bug::new("bearer-unchecked", "auth"),
    Bug::new("nobody-let-in", "auth"),
    Bug::new("reader-may-write", "auth"),
    Bug::new("challenge-missing", "auth"),
    Bug::new("stale-never-said", "auth"),
    Bug::new("letters-ascii-only", "pattern"),
    Bug::new("length-in-bytes", "pattern"),
    Bug::new("names-unchecked", "pattern"),
    Bug::new("ids-in-any-case", "pattern"),
    Bug::new("read-only-fields-refused", "operation"),
    Bug::new("unauthorized-number-wrong", "auth"),
    Bug::new("method-not-allowed-as-404", "refusal"),
    Bug::new("accept-unchecked", "version"),
    Bug::new("content-type-unchecked", "refusal"),
    Bug::new("allow-missing", "refusal"),
    Bug::new("error-body-empty", "refusal"),
    Bug::new("error-body-html", "refusal"),
    Bug::new("error-told-as-200", "refusal"),
    Bug::new("error-code-missing", "refusal"),
    Bug::new("error-number-wrong", "refusal"),
    Bug::new("secret-echoed", "auth"),
    Bug::new("not-found-as-500", "refusal"),
    Bug::new("sunset-missing", "version"),
    Bug::new("retry-after-missing", "flow"),
    Bug::new("rate-limit-missing", "flow"),
    Bug::new("success-as-201", "operation"),
    Bug::new("link-without-signature", "flow"),
    Bug::new("range-ignored", "flow"),
    Bug::new("etag-missing", "flow"),
    Bug::new("paging-ignored", "paging"),
    Bug::new("pages-reversed", "paging"),
    Bug::new("total-count-missing", "paging"),
    Bug::new("job-at-once-complete", "flow"),
    Bug::new("job-never-complete", "flow"),
    Bug::new("wrong-kind-code-altered", "refusal"),
    Bug::new("token-type-missing", "flow"),
    Bug::new("token-cached", "flow"),
    Bug::new("link-field-renamed", "flow"),
    Bug::new("id-in-upper-case", "operation"),
    Bug::new("too-large-let-pass", "refusal"),
    Bug::new("field-undocumented", "operation"),
    Bug::new("field-null", "operation"),
    Bug::new("id-as-number", "operation"),
    Bug::new("timestamp-without-zone", "operation"),
    Bug::new("next-link-missing", "paging"),
];
