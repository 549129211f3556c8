//! Speaking HTTP/1.1 to a server under test, also in ways that no client would.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_auth::digest::DigestClient;
use http_auth::{PasswordParams, parse_challenges};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const LIMIT: usize = 64 << 20;

/// A connection pool to one server.
#[derive(Debug)]
pub(crate) struct Speaker {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
}

/// Why a server could not be spoken to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpeakError {
    #[error("the server did not answer in HTTP; see whether it runs, and at this http:// URL")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server gave no answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the server gave no {0} to log in with; see its login variables")]
    NoLogin(&'static str),
}

impl SpeakError {
    fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}

impl Speaker {
    pub(crate) fn new(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            address: address.to_owned(),
        }
    }

    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, SpeakError> {
        let exchange = async {
            let answer = self.client.request(request.map(Full::new)).await;
            let (parts, body) = answer.map_err(SpeakError::broken)?.into_parts();
            let body = Limited::new(body, LIMIT).collect().await;
            let body = body.map_err(SpeakError::Broken)?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        answer.unwrap_or(Err(SpeakError::Silent))
    }

    /// Sends bytes as they are, and reads until the server closes.
    pub(crate) async fn send_raw(&self, request: &[u8]) -> Result<Response<Bytes>, SpeakError> {
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await?;
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
        let answer: Result<Vec<u8>, std::io::Error> = answer.map_err(|_| SpeakError::Silent)?;
        parse(&answer.map_err(SpeakError::broken)?)
    }

    /// The `Authorization` that answers the server's challenge to a request.
    pub(crate) async fn digest(
        &self,
        request: &Request<Bytes>,
        user: &str,
        password: &str,
    ) -> Result<String, SpeakError> {
        let none = || SpeakError::NoLogin("challenge");
        let challenged = self.send(request.clone()).await?;
        let header = challenged.headers().get("www-authenticate");
        let header = header.and_then(|it| it.to_str().ok()).ok_or_else(none)?;
        let offered = parse_challenges(header).map_err(|_| none())?;
        let mut digest = offered
            .iter()
            .find_map(|challenge| DigestClient::try_from(challenge).ok())
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
    ) -> Result<String, SpeakError> {
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::post(format!("{url}/api/oauth/token"))
            .header("authorization", format!("Basic {pair}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"))
            .map_err(SpeakError::broken)?;
        let answer = self.send(request).await?;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let token = answer["access_token"].as_str();
        let token = token.ok_or(SpeakError::NoLogin("token"))?;
        Ok(format!("Bearer {token}"))
    }
}

/// An answer up to the end of its connection.
fn parse(bytes: &[u8]) -> Result<Response<Bytes>, SpeakError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(bytes).map_err(SpeakError::broken)?;
    let httparse::Status::Complete(end) = parsed else {
        return Err(SpeakError::broken("the answer has no end of its headers"));
    };
    let status = head.code.unwrap_or_default();
    let mut answer =
        Response::builder().status(StatusCode::from_u16(status).map_err(SpeakError::broken)?);
    for header in head.headers.iter() {
        answer = answer.header(header.name, header.value);
    }
    answer
        .body(Bytes::copy_from_slice(&bytes[end..]))
        .map_err(SpeakError::broken)
}
