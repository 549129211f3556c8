//! An HTTP/1.1 client that sends the requests of cases, also invalid ones.

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

use crate::wire::dechunked;

/// The maximum size of a response body, in bytes.
const LIMIT: usize = 64 << 20;

/// A connection pool to one server.
#[derive(Debug)]
pub(crate) struct RawClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    connector: HttpsConnector<HttpConnector>,
    url: Uri,
    patience: Duration,
}

/// An error instead of a response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError {
    #[error("invalid server URL; expected http://host:port or https://host:port")]
    Url(#[source] http::uri::InvalidUri),
    #[error("cannot load certificate roots; set SSL_CERT_FILE")]
    Roots(#[source] rustls::Error),
    #[error("cannot connect to the server; check that it runs at this URL")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("connection closed, or invalid HTTP response")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("timed out after {0} s waiting for the server's response")]
    Silent(f64),
    #[error("the server requires TLS; use an https:// URL")]
    Tls,
    #[error("cannot log in to the server: {0}; check the login variables")]
    NoLogin(&'static str),
}

impl RawError {
    pub(crate) fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}

impl RawClient {
    /// Returns a client for a base URL. Over TLS, the platform's roots or those of `SSL_CERT_FILE`
    /// are trusted.
    pub(crate) fn new(url: &str, patience: Duration) -> Result<Self, RawError> {
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
            patience,
        })
    }

    fn silent(&self) -> RawError {
        RawError::Silent(self.patience.as_secs_f64())
    }

    /// Whether a request goes to the server under test.
    pub(crate) fn is_own(&self, request: &Request<Bytes>) -> bool {
        let uri = request.uri();
        uri.scheme() == self.url.scheme() && uri.authority() == self.url.authority()
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
        let answer = tokio::time::timeout(self.patience, exchange).await;
        answer.unwrap_or(Err(self.silent()))
    }

    /// Sends raw bytes and reads a response, at most until the server closes the connection.
    pub(crate) async fn send_raw(&self, request: &[u8]) -> Result<Response<Bytes>, RawError> {
        let exchange = async {
            let connected = self.connector.clone().call(self.url.clone()).await;
            let mut stream = TokioIo::new(connected.map_err(RawError::Connect)?);
            // A server may refuse a request before it has read all of it.
            let _ = stream.write_all(request).await;
            let mut answer = Vec::new();
            let mut piece = vec![0; 1 << 16];
            while let Ok(read) = stream.read(&mut piece).await {
                if read == 0 || answer.len() > LIMIT {
                    break;
                }
                answer.extend_from_slice(&piece[..read]);
                if is_whole(&answer) {
                    break;
                }
            }
            Ok(answer)
        };
        let answer = tokio::time::timeout(self.patience, exchange).await;
        parse(&answer.unwrap_or(Err(self.silent()))?)
    }

    /// Returns the `Authorization` for the server's challenge to a request.
    pub(crate) async fn digest(
        &self,
        request: &Request<Bytes>,
        user: &str,
        password: &str,
    ) -> Result<String, RawError> {
        let none = || RawError::NoLogin("no usable digest challenge");
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

    /// Returns the `Authorization` with an access token of a service account.
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
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return Err(RawError::NoLogin("token requests are rate limited"));
        }
        let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let token = answer["access_token"].as_str();
        let token = token.ok_or(RawError::NoLogin("no access token in the response"))?;
        Ok(format!("Bearer {token}"))
    }
}

/// Parses a response that ends with its framing or with the connection.
fn parse(mut bytes: &[u8]) -> Result<Response<Bytes>, RawError> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(bytes).map_err(RawError::broken)?;
        let httparse::Status::Complete(end) = parsed else {
            return Err(RawError::broken("incomplete response headers"));
        };
        bytes = &bytes[end..];
        let status = head.code.unwrap_or_default();
        // Interim responses precede the final one (RFC 9110 section 15.2).
        if (100..200).contains(&status) {
            continue;
        }
        let status = StatusCode::from_u16(status).map_err(RawError::broken)?;
        let mut answer = Response::builder().status(status);
        for header in head.headers.iter() {
            answer = answer.header(header.name, header.value);
        }
        let answer = answer.body(Bytes::copy_from_slice(bytes));
        let answer = answer.map_err(RawError::broken)?;
        return Ok(match chunked(&answer) {
            Some(body) => answer.map(|_| body.into()),
            None => answer,
        });
    }
}

/// Returns the decoded body if it is chunked.
fn chunked(answer: &Response<Bytes>) -> Option<Vec<u8>> {
    let coding = answer.headers().get("transfer-encoding")?;
    let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    let body = is_chunked.then(|| dechunked(answer.body()))?;
    body.ok()?.map(|(body, _)| body)
}

/// Whether a response is complete by its framing. One without framing ends with the connection.
fn is_whole(bytes: &[u8]) -> bool {
    let Ok(answer) = parse(bytes) else {
        return false;
    };
    if let Some(coding) = answer.headers().get("transfer-encoding") {
        return coding.as_bytes().eq_ignore_ascii_case(b"chunked") && bytes.ends_with(b"0\r\n\r\n");
    }
    let length = answer.headers().get("content-length");
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    length.is_some_and(|length| answer.body().len() >= length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_response_is_read_after_interim_ones_and_its_chunks_are_decoded() {
        let bytes = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 400 Bad Request\r\n\
            transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        for end in 0..bytes.len() {
            assert!(!is_whole(&bytes[..end]), "{end}");
        }
        assert!(is_whole(bytes));
        let answer = parse(bytes).unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (400, &b"{}"[..])
        );
        let bytes = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
        assert!(is_whole(bytes) && !is_whole(&bytes[..bytes.len() - 1]));
        // Without framing, a response ends with the connection.
        assert!(!is_whole(b"HTTP/1.1 400 Bad Request\r\n\r\n{}"));
    }
}
