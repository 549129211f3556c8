//! Faults of a client: in what it sends, in what it makes of the answer, in what it keeps.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use atlas_model::CallOptions;
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ClientBuilder, Error};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_service::Service;

use super::retarget;
use super::style::restyle;
use crate::case::{Credentials, Outcome};
use crate::message::{Answer, CallMessage};

/// The faults that the client can be told to have.
pub const CLIENT_SABOTAGES: &[&str] = &[
    "accept-missing",
    "accept-unversioned",
    "accept-twice",
    "content-type-missing",
    "content-type-text",
    "content-type-latin-1",
    "content-type-csv",
    "body-value-spaced",
    "body-field-twice",
    "body-value-altered",
    "body-extra-field",
    "body-with-bom",
    "method-put",
    "path-doubled-slash",
    "secret-in-query",
    "envelope-not-asked",
    "pretty-not-asked",
    "authorization-missing",
    "authorization-basic",
    "bearer-altered",
    "digest-nc-stuck",
    "digest-cnonce-missing",
    "digest-uri-of-the-root",
    "digest-response-altered",
    "digest-realm-altered",
    "digest-qop-missing",
    "digest-username-altered",
    "digest-nonce-altered",
    "token-request-without-basic",
    "token-request-as-json",
    "token-fetched-for-each-call",
    "envelope-status-ignored",
    "error-told-as-success",
    "success-told-as-error",
    "status-told-wrong",
    "error-code-dropped",
    "secret-echoed",
    "never-retries",
    "retries-what-must-not-be",
    "retry-after-ignored",
    "names-unchecked",
    "letters-ascii-only",
    "length-in-bytes",
    "length-in-utf-16",
    "pattern-ignored",
    "pattern-on-trimmed-text",
    "pattern-without-case",
    "link-with-authorization",
    "download-starts-over",
    "download-leaves-a-broken-file",
    "list-read-to-its-first-page",
    "list-cut-told-as-whole",
];

/// No fault, but another right style: JSON with spaces, its fields in another order and its texts
/// escaped, a type also without a body, defaults in the query, a media type with the version, and schemes and media types in other cases.
pub const ANOTHER_STYLE: &str = "another-style";

/// One fault, or none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientSabotage(Option<&'static str>);

impl ClientSabotage {
    /// A fault by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let style = (name == ANOTHER_STYLE).then_some(ANOTHER_STYLE);
        let fault = style.or_else(|| super::named(CLIENT_SABOTAGES, name))?;
        Some(Self(Some(fault)))
    }

    fn is(self, name: &str) -> bool {
        self.0 == Some(name)
    }

    pub(crate) fn keeps_clients(self) -> bool {
        !self.is("token-fetched-for-each-call")
    }

    /// Builds the client, on a carrier that alters what goes over it if there is a fault.
    pub(crate) fn client(
        self,
        builder: ClientBuilder,
        policy: RetryPolicy,
    ) -> Result<Client, Error> {
        let policy = if self.is("never-retries") {
            RetryPolicy::none()
        } else {
            policy
        };
        let builder = builder.retry(policy);
        let client = match self.0 {
            None => builder.build()?,
            Some(fault) => builder.build_with(Altering {
                fault,
                client: legacy::Client::builder(TokioExecutor::new()).build_http(),
            })?,
        };
        Ok(if self.is("retries-what-must-not-be") {
            client.assume_idempotent()
        } else {
            client
        })
    }

    /// How an answer is read.
    pub(crate) fn reading(self, mut options: CallOptions) -> CallOptions {
        options.envelope &= !self.is("envelope-status-ignored");
        options
    }

    /// How many pages of a list are read.
    pub(crate) fn pages(self) -> usize {
        if self.is("list-read-to-its-first-page") {
            1
        } else {
            usize::MAX
        }
    }

    /// A request that no valid one could be made of, made all the same.
    pub(crate) fn unchecked(self, call: &CallMessage) -> Option<Request<Bytes>> {
        if !self.is("names-unchecked") {
            return None;
        }
        let mut path = call.path.clone();
        for (name, value) in &call.parameters {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let body = call.body.as_ref().map(ToString::to_string);
        Request::builder()
            .method(call.method.as_str())
            .uri(path)
            .header(
                ACCEPT,
                format!("application/vnd.atlas.{}+json", call.version),
            )
            .header(CONTENT_TYPE, "application/json")
            .body(body.unwrap_or_default().into())
            .ok()
    }

    /// Alters what the caller is told.
    pub(crate) fn outcome(self, call: &CallMessage, answer: &mut Answer) {
        let outcome = &mut answer.outcome;
        let is_error = outcome.kind == "api_error";
        match self.0.unwrap_or_default() {
            "error-told-as-success" if is_error => *outcome = Outcome::of("ok"),
            "success-told-as-error" if outcome.kind == "ok" => *outcome = Outcome::of("unreadable"),
            "status-told-wrong" if is_error => outcome.status = Some(500),
            "list-cut-told-as-whole" if outcome.kind == "incomplete" => {
                "ok".clone_into(&mut outcome.kind);
            }
            "error-code-dropped" => outcome.error_code = None,
            "secret-echoed" => answer.output.push_str(match &call.auth {
                Credentials::Digest { password, .. } => password,
                Credentials::OAuth { secret, .. } => secret,
                Credentials::Bearer { token } => token,
            }),
            _ => {}
        }
    }

    /// Alters what is said about a text.
    pub(crate) fn pattern(self, text: &str, right: bool, fits: impl Fn(&str) -> bool) -> bool {
        match self.0.unwrap_or_default() {
            "letters-ascii-only" => right && text.is_ascii(),
            "length-in-bytes" => right && text.len() <= 64,
            "length-in-utf-16" => right && text.encode_utf16().count() <= 64,
            "pattern-ignored" => true,
            "pattern-on-trimmed-text" => fits(text.trim()),
            "pattern-without-case" => fits(&text.to_lowercase()),
            _ => right,
        }
    }

    pub(crate) fn before_download(self, out: &Path) {
        if self.is("download-starts-over")
            && let Some(folder) = out.parent()
            && let Ok(entries) = std::fs::read_dir(folder)
        {
            for entry in entries.flatten().filter(|entry| entry.path() != out) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    pub(crate) fn after_download(self, out: &Path, answer: &Answer) {
        if self.is("download-leaves-a-broken-file") && answer.outcome.kind != "ok" {
            let _ = std::fs::write(out, "the first half");
        }
    }
}

/// Carries requests, each with a fault.
#[derive(Debug, Clone)]
struct Altering {
    fault: &'static str,
    client: legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Service<Request<Full<Bytes>>> for Altering {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, legacy::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), legacy::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let Self { fault, client } = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(Collected::to_bytes);
            let mut request = Request::from_parts(parts, body.unwrap_or_default());
            alter(fault, &mut request);
            let mut response = client.request(request.map(Full::new)).await?;
            if fault == "retry-after-ignored" {
                response.headers_mut().remove(RETRY_AFTER);
            }
            Ok(response)
        })
    }
}

fn alter(fault: &str, request: &mut Request<Bytes>) {
    let path = request.uri().path().to_owned();
    if path == "/api/oauth/token" {
        match fault {
            "token-request-without-basic" => drop(request.headers_mut().remove(AUTHORIZATION)),
            "token-request-as-json" => put(request, CONTENT_TYPE, "application/json"),
            _ => {}
        }
        return;
    }
    if path.starts_with("/sandbox-store/") {
        if fault == "link-with-authorization" {
            put(request, AUTHORIZATION, "Bearer t0ken");
        }
        return;
    }
    match fault {
        "accept-missing" => drop(request.headers_mut().remove(ACCEPT)),
        "accept-unversioned" => put(request, ACCEPT, "application/json"),
        "accept-twice" => {
            let other = HeaderValue::from_static("*/*");
            request.headers_mut().append(ACCEPT, other);
        }
        "content-type-missing" => drop(request.headers_mut().remove(CONTENT_TYPE)),
        "content-type-text" => put(request, CONTENT_TYPE, "text/plain"),
        "content-type-latin-1" => {
            put(request, CONTENT_TYPE, "application/json;charset=iso-8859-1");
        }
        "content-type-csv" => put(
            request,
            CONTENT_TYPE,
            "application/vnd.atlas.2023-01-01+csv",
        ),
        "body-value-spaced" => replace(request, "\":\"", "\":\" "),
        "body-field-twice" => replace(request, "{", "{\"snapshotId\":\"\","),
        "body-value-altered" => replace(request, "\":\"3", "\":\"4"),
        "body-with-bom" => replace(request, "{", "\u{feff}{"),
        ANOTHER_STYLE => restyle(request),
        "body-extra-field" => replace(request, "{", "{\"extra\":1,"),
        "method-put" => *request.method_mut() = Method::PUT,
        "path-doubled-slash" => retarget(request, "/groups", "//groups"),
        "secret-in-query" => retarget(request, &path, &format!("{path}?token=t0ken")),
        "envelope-not-asked" => retarget(request, "envelope=true", ""),
        "pretty-not-asked" => retarget(request, "pretty=true", ""),
        "authorization-missing" => drop(request.headers_mut().remove(AUTHORIZATION)),
        "authorization-basic" => put(request, AUTHORIZATION, "Basic dXNlcjpwYXNz"),
        "bearer-altered" => authorization(request, |text| text.replace("Bearer ", "Bearer x")),
        _ => {}
    }
    authorization(request, |text| digest(fault, text));
}

/// Alters a digest's parameters.
fn digest(fault: &str, text: &str) -> String {
    let with = |name: &str, value: &str| {
        let Some(start) = text.find(&format!("{name}=")) else {
            return text.to_owned();
        };
        let end = text[start..]
            .find(',')
            .map_or(text.len(), |end| start + end);
        let value = if value.is_empty() {
            "x=1".to_owned()
        } else {
            format!("{name}={value}")
        };
        format!("{}{value}{}", &text[..start], &text[end..])
    };
    match fault {
        "digest-nc-stuck" => with("nc", "00000001"),
        "digest-cnonce-missing" => with("cnonce", ""),
        "digest-uri-of-the-root" => with("uri", "\"/\""),
        "digest-response-altered" => with("response", "\"00000000000000000000000000000000\""),
        "digest-realm-altered" => with("realm", "\"Another\""),
        "digest-qop-missing" => with("qop", ""),
        "digest-username-altered" => with("username", "\"another\""),
        "digest-nonce-altered" => text.replacen(" nonce=\"", " nonce=\"0", 1),
        _ => text.to_owned(),
    }
}

pub(super) fn put(request: &mut Request<Bytes>, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
}

pub(super) fn authorization(request: &mut Request<Bytes>, change: impl Fn(&str) -> String) {
    let text = request.headers().get(AUTHORIZATION);
    let text = text.and_then(|value| value.to_str().ok()).map(change);
    if let Some(Ok(value)) = text.map(|text| HeaderValue::from_str(&text)) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

fn replace(request: &mut Request<Bytes>, from: &str, to: &str) {
    let body = String::from_utf8_lossy(request.body()).replacen(from, to, 1);
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    *request.body_mut() = body.into();
}
