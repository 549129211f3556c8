//! The HTTP client behind a store: no redirects, no text of the store in errors, and completion
//! only where nothing has the key.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Method, StatusCode, header};
use object_store::ClientConfigKey;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};

use super::failure::{StoreFailure, element};

/// How much of an answer that is not an object is read.
const ANSWER: usize = 1 << 20;
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);

/// Makes the clients of one store.
#[derive(Debug)]
pub(super) struct Connector {
    /// Whether a multipart upload to S3 is completed only if no object has its key.
    pub(super) creating: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        // Metadata services of a machine are asked with a shorter time.
        let connect = options.get_config_value(&ClientConfigKey::ConnectTimeout);
        let is_metadata = connect.as_deref() == Some("1s");
        let mut builder = reqwest::ClientBuilder::new()
            .user_agent(concat!("atlas-backup/", env!("CARGO_PKG_VERSION")))
            // A redirect would take the backup, or a session's token, to another host.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(allows_http.as_deref() != Some("true"))
            .connect_timeout(if is_metadata {
                Duration::from_secs(1)
            } else {
                CONNECT
            })
            .http1_only();
        if is_metadata {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| object_store::Error::Generic {
                store: "HTTP",
                source: Box::new(error),
            })?;
        Ok(HttpClient::new(Checked {
            client,
            creating: self.creating,
        }))
    }
}

/// Gives every answer other than success as a [`StoreFailure`].
#[derive(Debug)]
struct Checked {
    client: reqwest::Client,
    creating: bool,
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Checked {
    fn call<'a, 'answering>(&'a self, request: HttpRequest) -> Answering<'answering>
    where
        'a: 'answering,
        Self: 'answering,
    {
        Box::pin(self.answer(request))
    }
}

impl Checked {
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let uri = request.uri();
        let host = uri
            .authority()
            .map_or("the store", |it| it.as_str())
            .to_owned();
        let is_post = *request.method() == Method::POST;
        let is_completion = is_post && uri.query().is_some_and(|it| it.starts_with("uploadId="));
        if self.creating && is_completion {
            // Not among the headers that a signature of S3 has to cover.
            let any = HeaderValue::from_static("*");
            request.headers_mut().insert(header::IF_NONE_MATCH, any);
        }
        let failed = |kind: HttpErrorKind, failure| HttpError::new(kind, failure);
        let answer = HttpService::call(&self.client, request).await;
        let answer = answer.map_err(|error| {
            let kind = error.kind();
            failed(kind, StoreFailure::broken(&host, kind, &error))
        })?;
        let status = answer.status();
        if status.is_success() && !is_post {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = read(body, &host).await?;
        if !status.is_success() {
            let failure = StoreFailure::refused(&host, status, &body);
            return Err(failed(HttpErrorKind::Unknown, failure));
        }
        // S3 may answer 200 to a completion before it knows that it fails.
        let text = String::from_utf8_lossy(&body);
        if text.contains("<Error>") && element(&text, "Code").is_some() {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let failure = StoreFailure::refused(&host, status, &body);
            return Err(failed(HttpErrorKind::Unknown, failure));
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// Reads a short answer.
async fn read(body: HttpResponseBody, host: &str) -> Result<Bytes, HttpError> {
    let mut stream = body.bytes_stream();
    let mut read = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            let kind = error.kind();
            HttpError::new(kind, StoreFailure::broken(host, kind, &error))
        })?;
        let room = ANSWER - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read.len() == ANSWER {
            break;
        }
    }
    Ok(read.into())
}
