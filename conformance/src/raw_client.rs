//! A client that sends what a case says over HTTP/1.1, also what no right client would send.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_auth::digest::DigestClient;
use http_auth::{PasswordParams, parse_challenges};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const LIMIT: usize = 64 << 20;

/// A connection pool to one server.
#[derive(Debug)]
pub(crate) struct RawClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    connector: HttpsConnector<HttpConnector>,
    url: Uri,
}

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError {
    #[error("invalid server URL; expected http://host:port or https://host:port")]
    Url(#[source] http::uri::InvalidUri),
    #[error("no certificate roots to trust the server by; set SSL_CERT_FILE")]
    Roots(#[source] rustls::Error),
    #[error("cannot connect to the server; check that it runs at this URL")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server closed the connection, or its answer is not HTTP")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server gave no answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the server gave no {0} to log in with; check the login variables")]
    NoLogin(&'static str),
}

impl RawError {
    fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}

impl RawClient {
    /// A client for a base URL; over TLS the platform's roots are trusted, or those of `SSL_CERT_FILE`.
    pub(crate) fn new(url: &str) -> Result<Self, RawError> {
        let url: Uri = url.parse().map_err(RawError::Url)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(RawError::Roots)?;
        let tls = if url.scheme_str() == Some("https") {
            tls.with_platform_verifier().map_err(RawError::Roots)?
        } else {
            tls.with_root_certificates(RootCertStore::empty())
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector.clone()),
            connector,
            url,
        })
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, RawError> {
        let exchange = async {
            let answer = self.client.request(request.map(Full::new)).await;
            let answer = answer.map_err(|error| {
                if error.is_connect() {
                    RawError::Connect(Box::new(error))
                } else {
                    RawError::broken(error)
                }
            })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, LIMIT).collect().await;
            let body = body.map_err(RawError::Broken)?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        answer.unwrap_or(Err(RawError::Silent))
    }

    /// Sends bytes as they are, and reads until the server closes.
    pub(crate) async fn send_raw(&self, request: &[u8]) -> Result<Response<Bytes>, RawError> {
        let exchange = async {
            let connected = self.connector.clone().call(self.url.clone()).await;
            let mut stream = TokioIo::new(connected.map_err(RawError::Connect)?);
            // A server that has refused already need not read the rest.
            let _ = stream.write_all(request).await;
            let mut answer = Vec::new();
            let mut piece = vec![0; 1 << 16];
            while let Ok(read) = stream.read(&mut piece).await {
                if read == 0 || answer.len() > LIMIT {
                    break;
                }
                answer.extend_from_slice(&piece[..read]);
            }
            Ok(answer)
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        parse(&answer.unwrap_or(Err(RawError::Silent))?)
    }

    /// The `Authorization` that answers the server's challenge to a request.
    pub(crate) async fn digest(
        &self,
        request: &Request<Bytes>,
        user: &str,
        password: &str,
    ) -> Result<String, RawError> {
        let none = || RawError::NoLogin("challenge");
        let challenged = self.send(request.clone()).await?;
        let headers = challenged.headers().get_all("www-authenticate");
        let offered = headers.iter().filter_map(|it| it.to_str().ok());
        let offered = offered.filter_map(|header| parse_challenges(header).ok());
        let mut digest = offered
            .flatten()
            .find_map(|challenge| DigestClient::try_from(&challenge).ok())
            .ok_or_else(none)?;
        let target = request.uri().path_and_query();
        let parameters = PasswordParams {
            username: user,
            password,
            uri: target.map_or("/", |target| target.as_str()),
            method: request.method().as_str(),
            body: None,
        };
        digest.respond(&parameters).map_err(|_| none())
    }

    /// The `Authorization` with a token of a service account.
    pub(crate) async fn token(
        &self,
        url: &str,
        id: &str,
        secret: &str,
    ) -> Result<String, RawError> {
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post(format!("{url}/api/oauth/token"))
            .header("authorization", format!("Basic {pair}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"))
            .map_err(RawError::broken)?;
        let answer = self.send(request).await?;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let token = answer["access_token"].as_str();
        let token = token.ok_or(RawError::NoLogin("token"))?;
        Ok(format!("Bearer {token}"))
    }
}

/// An answer up to the end of its connection.
fn parse(bytes: &[u8]) -> Result<Response<Bytes>, RawError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(bytes).map_err(RawError::broken)?;
    let httparse::Status::Complete(end) = parsed else {
        return Err(RawError::broken("the answer has no end of its headers"));
    };
    let status = head.code.unwrap_or_default();
    let mut answer =
        Response::builder().status(StatusCode::from_u16(status).map_err(RawError::broken)?);
    for header in head.headers.iter() {
        answer = answer.header(header.name, header.value);
    }
    answer
        .body(Bytes::copy_from_slice(&bytes[end..]))
        .map_err(RawError::broken)
}
