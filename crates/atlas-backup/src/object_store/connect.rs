//! The HTTP client of a store: no redirects, no text of the store in errors, and conditional
//! completion.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use atlas_transport::ErrorKind;
use atlas_transport::connections::{self, Connections};
use bytes::Bytes;
use futures_util::StreamExt;
use http::uri::Scheme;
use http::{HeaderValue, Method, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use object_store::ClientConfigKey;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use tokio::time::timeout;

use super::failure::{StoreFailure, element};
use super::settings::flag;

/// The longest response that is read, other than an object.
const ANSWER: usize = 1 << 20;
const AGENT: &str = concat!("atlas-backup/", env!("CARGO_PKG_VERSION"));
/// The timeout for opening a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// The timeout for connecting to the machine's metadata service.
const CONNECT_METADATA: Duration = Duration::from_secs(1);
/// The timeout for one response of the machine's metadata service.
const METADATA: Duration = Duration::from_secs(2);

/// The connections of one store.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    /// To the store, through the proxy of the environment.
    store: Connections<HttpRequestBody>,
    /// To the metadata service of this machine, which may provide a role.
    metadata: Connections<HttpRequestBody>,
    /// Whether a multipart upload to S3 is completed only if no object has its key.
    creating: bool,
    clock: Clock,
}

/// The clock of a store, by the `Date` of its last response.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Option<(Timestamp, Instant)>>>);

impl Clock {
    /// The current time of the store.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let (date, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.saturating_add(at.elapsed()).ok()
    }

    fn observe(&self, headers: &http::HeaderMap) {
        let date = headers
            .get(header::DATE)
            .and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let Some(date) = date {
            let told = Some((date.timestamp(), Instant::now()));
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
    }
}

impl Connector {
    /// Fails if TLS cannot be set up.
    pub(super) fn new() -> Result<Self, ErrorKind> {
        Ok(Self {
            store: Connections::through_proxies(CONNECT)?,
            metadata: Connections::direct(CONNECT_METADATA)?,
            creating: false,
            clock: Clock::default(),
        })
    }

    /// The clock of the connected store.
    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Completes a multipart upload to S3 only if no object has its key.
    pub(super) fn creating(mut self) -> Self {
        self.creating = true;
        self
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        // `object_store` uses a shorter timeout for metadata services.
        let connect = options.get_config_value(&ClientConfigKey::ConnectTimeout);
        let is_metadata = connect.as_deref() == Some("1s");
        let connections = if is_metadata {
            &self.metadata
        } else {
            &self.store
        };
        Ok(HttpClient::new(Checked {
            connections: connections.clone(),
            allows_http: allows_http.as_deref().and_then(flag) == Some(true),
            is_metadata,
            creating: self.creating,
            clock: self.clock.clone(),
        }))
    }
}

/// Converts every response other than success to a [`StoreFailure`].
#[derive(Debug)]
struct Checked {
    connections: Connections<HttpRequestBody>,
    allows_http: bool,
    is_metadata: bool,
    creating: bool,
    clock: Clock,
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Checked {
    fn call<'a, 'answering>(&'a self, request: HttpRequest) -> Answering<'answering>
    where
        'a: 'answering,
        Self: 'answering,
    {
        Box::pin(async move {
            if !self.is_metadata {
                return self.answer(request).await;
            }
            let host = host(&request);
            let answered = timeout(METADATA, self.answer(request)).await;
            answered.unwrap_or_else(|_| {
                let failure = StoreFailure::no_metadata(&host, METADATA.as_secs());
                Err(HttpError::new(HttpErrorKind::Timeout, failure))
            })
        })
    }
}

impl Checked {
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let host = host(&request);
        let uri = request.uri();
        if uri.scheme() != Some(&Scheme::HTTPS) && !self.allows_http {
            let failure = StoreFailure::says("the URL is not https, and http is not allowed");
            return Err(HttpError::new(HttpErrorKind::Unknown, failure));
        }
        let is_post = *request.method() == Method::POST;
        let is_completion = is_post && uri.query().is_some_and(|it| it.starts_with("uploadId="));
        if self.creating && is_completion {
            // Not one of the headers that an S3 signature must cover.
            let any = HeaderValue::from_static("*");
            request.headers_mut().insert(header::IF_NONE_MATCH, any);
        }
        let agent = HeaderValue::from_static(AGENT);
        request.headers_mut().insert(header::USER_AGENT, agent);
        let failed = |failure| HttpError::new(HttpErrorKind::Unknown, failure);
        let answer = self.connections.send(&host, request).await;
        let answer = answer.map_err(|none| {
            let failure = StoreFailure::broken(&host, &none);
            failed(if self.is_metadata {
                failure.of_metadata()
            } else {
                failure
            })
        })?;
        let (parts, body) = answer.into_parts();
        if !self.is_metadata {
            self.clock.observe(&parts.headers);
        }
        let from = host.clone();
        let body = HttpResponseBody::new(body.map_err(move |error| {
            let failure = StoreFailure::broken(&from, &connections::interrupted(error));
            HttpError::new(HttpErrorKind::Interrupted, failure)
        }));
        let answer = HttpResponse::from_parts(parts, body);
        let status = answer.status();
        if status.is_success() && !is_post && !self.is_metadata {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = read(body).await?;
        if !status.is_success() {
            let asked = parts.headers.get(header::RETRY_AFTER);
            let failure = StoreFailure::refused(&host, status, &body).retried_after(asked);
            return Err(failed(if self.is_metadata {
                failure.of_metadata()
            } else {
                failure
            }));
        }
        // S3 may return 200 for a completion before it knows that it fails.
        let text = String::from_utf8_lossy(&body);
        if text.contains("<Error>") && element(&text, "Code").is_some() {
            let failure = StoreFailure::refused(&host, status, &body);
            return Err(failed(failure));
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// The host of a request, for errors.
fn host(request: &HttpRequest) -> String {
    let authority = request.uri().authority();
    authority.map_or("the store", |it| it.as_str()).to_owned()
}

/// Reads a short response.
async fn read(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let mut stream = body.bytes_stream();
    let mut read = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let room = ANSWER - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read.len() == ANSWER {
            break;
        }
    }
    Ok(read.into())
}
