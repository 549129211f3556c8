//! Fuzz targets: functions that accept any bytes and must not panic.
//!
//! cargo-fuzz calls them, and `cargo test -p atlas-conformance` replays the corpus.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use atlas_model::{
    AnswerMeta, CallOptions, Operation, OperationExt as _, RetryAfter, Timestamp,
    VersionedMediaType, cloud_backups, clusters, flex_clusters, flex_restore_jobs, flex_snapshots,
    projects, shared_tier_snapshots,
};
use atlas_sandbox::{OWNER, Sandbox};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ContentRange, Credentials};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

/// A target: the name, which is also that of its corpus, and the function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("challenge", challenge),
    ("answer", answer),
    ("header", header),
    ("content_range", content_range),
    ("request", request),
];

/// Sends a client the lines as challenges; it must send at most three requests per call.
///
/// # Panics
/// Panics if the client sends more requests.
pub fn challenge(data: &[u8]) {
    let mut refused = Response::new(Full::default());
    *refused.status_mut() = StatusCode::UNAUTHORIZED;
    for line in data.split(|byte| *byte == b'\n') {
        let (name, value) = match line.strip_prefix(b"+") {
            Some(value) => (HeaderName::from_static("authentication-info"), value),
            None => (WWW_AUTHENTICATE, line),
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            refused.headers_mut().append(name, value);
        }
    }
    let requests = Arc::new(AtomicUsize::new(0));
    let service = Refusing {
        answer: refused,
        requests: requests.clone(),
    };
    let Ok(base) = "http://127.0.0.1:1".parse() else {
        return;
    };
    let client = Client::builder(base, &Credentials::api_key("public", "private"))
        .retry(RetryPolicy::none())
        .build_with(service);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let (Ok(client), Ok(runtime)) = (client, runtime) else {
        return;
    };
    runtime.block_on(async {
        for _ in 0..2 {
            let _ = client.execute(Request::new(Bytes::new())).await;
        }
    });
    assert!(
        requests.load(Ordering::SeqCst) <= 6,
        "at most three requests in each of two calls"
    );
}

/// Reads a response body as each of several operations, with and without an envelope.
pub fn answer(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
        for envelope in [false, true] {
            let options = CallOptions {
                envelope,
                ..CallOptions::default()
            };
            for read in READERS {
                let mut response = Response::new(body.clone());
                *response.status_mut() = status;
                read(response, &options);
            }
        }
    }
}

/// Reads a response as one operation does.
type Reader = fn(Response<Bytes>, &CallOptions);

fn read<O: Operation<Response: Debug>>(response: Response<Bytes>, options: &CallOptions) {
    match O::from_response(response, options) {
        Ok(answer) => drop(format!("{answer:?}")),
        Err(error) => drop(format!("{error} {error:?} {:?}", error.likely_causes())),
    }
}

/// One operation for each kind of response: objects, lists, no content, several shapes.
const READERS: &[Reader] = &[
    read::<clusters::GetCluster>,
    read::<clusters::ListClusters>,
    read::<clusters::ListClusterDetails>,
    read::<cloud_backups::CreateBackupRestoreJob>,
    read::<cloud_backups::DeleteClusterBackupSnapshot>,
    read::<cloud_backups::GetBackupShardedCluster>,
    read::<cloud_backups::ListBackupRestoreJobs>,
    read::<cloud_backups::ListBackupSnapshots>,
    read::<flex_clusters::CreateFlexCluster>,
    read::<flex_clusters::TenantUpgrade>,
    read::<flex_restore_jobs::GetFlexRestoreJob>,
    read::<flex_snapshots::ListFlexBackupSnapshots>,
    read::<projects::GetGroup>,
    read::<projects::ListGroups>,
    read::<shared_tier_snapshots::DownloadClusterBackupTenant>,
];

/// Parses the value of each header that the client reads.
///
/// # Panics
/// Panics if a printed media type does not parse to the same value.
pub fn header(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for name in [
        "content-type",
        "deprecation",
        "sunset",
        "retry-after",
        "date",
    ] {
        if let Ok(value) = HeaderValue::from_bytes(data) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let meta = AnswerMeta::read(StatusCode::OK, &headers);
    drop(format!("{meta:?}"));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(retry_after) = RetryAfter::parse(text) {
        let _ = retry_after.delay(jiff::Timestamp::UNIX_EPOCH);
    }
    if let Ok(media_type) = text.parse::<VersionedMediaType>() {
        let printed = media_type.to_string();
        assert_eq!(printed.parse(), Ok(media_type), "round trip");
    }
    if let Ok(timestamp) = serde_json::from_value::<Timestamp>(text.into()) {
        let _ = timestamp.instant();
    }
}

/// Parses a `Content-Range`.
///
/// # Panics
/// Panics if a parsed range is inconsistent.
pub fn content_range(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(ContentRange::Part {
        first,
        last,
        length,
    }) = text.parse()
    {
        assert!(first <= last && length.is_none_or(|length| last < length));
    }
}

/// Sends a request of an owner to a fresh sandbox. The bytes are a line with method and target,
/// header lines, an empty line and the body.
///
/// # Panics
/// Panics if the status is a server error (except 501 for operations that the sandbox does not
/// emulate), or if a refusal lacks the documented fields.
pub fn request(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, target) = line.split_once(' ').unwrap_or(("GET", &line));
    let mut rest = lines.next().unwrap_or_default();
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("authorization", format!("Bearer {}", OWNER.access_token));
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let header = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = header.iter().position(|byte| *byte == b':') else {
            break;
        };
        request = request.header(&header[..colon], &header[colon + 1..]);
    }
    let Ok(request) = request.body(Bytes::copy_from_slice(rest)) else {
        return;
    };
    let api = request.uri().path().starts_with("/api/atlas/");
    let answer = Sandbox::new().handle(jiff::Timestamp::UNIX_EPOCH, request);
    // 501 marks operations that the sandbox does not emulate.
    let is_emulated = answer.status() != StatusCode::NOT_IMPLEMENTED;
    assert!(
        !is_emulated || !answer.status().is_server_error(),
        "{answer:?}"
    );
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED && api {
        assert!(answer.body().is_empty(), "{answer:?}");
    } else if api && answer.status().is_client_error() {
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let error = body.get("content").unwrap_or(&body);
        assert!(
            error["error"].is_u64() && error["errorCode"].is_string(),
            "{answer:?}"
        );
    }
}

/// Answers every request with the same refusal.
#[derive(Clone)]
struct Refusing {
    answer: Response<Full<Bytes>>,
    requests: Arc<AtomicUsize>,
}

impl Service<Request<Full<Bytes>>> for Refusing {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        self.requests.fetch_add(1, Ordering::SeqCst);
        ready(Ok(self.answer.clone()))
    }
}
