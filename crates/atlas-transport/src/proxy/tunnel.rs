//! CONNECT (RFC 9110 section 9.3.6): a connection through a proxy to another host.

use std::fmt;
use std::future::Future;
use std::pin::pin;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::address::Address;
use crate::chain::BoxError;

/// The proxy answered, but opened no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyRefused {
    pub(crate) status: StatusCode,
}

impl fmt::Display for ProxyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.status.as_u16() {
            407 => "check the proxy's user and password",
            403 => "the proxy does not allow this host",
            502..=504 => "the proxy cannot reach the host",
            _ => "check the proxy",
        };
        let status = self.status.as_u16();
        write!(f, "the proxy answered {status} to CONNECT; {hint}")
    }
}

impl std::error::Error for ProxyRefused {}

/// No connection to the proxy itself.
#[derive(Debug, thiserror::Error)]
#[error("no connection to the proxy {address}")]
pub(crate) struct Unreachable {
    address: String,
    source: BoxError,
}

/// How many bytes the head of a proxy's answer may have.
const HEAD_LIMIT: usize = 16 << 10;

/// Opens a connection to the host of `uri` over one to the proxy.
pub(super) async fn open<E: Into<BoxError>>(
    connecting: impl Future<Output = Result<TokioIo<TcpStream>, E>>,
    proxy: &Address,
    uri: &Uri,
) -> Result<TokioIo<TcpStream>, BoxError> {
    let stream = connecting.await.map_err(|source| Unreachable {
        address: proxy
            .uri
            .authority()
            .map_or("", |it| it.as_str())
            .to_owned(),
        source: source.into(),
    })?;
    let host = uri.host().ok_or("the address has no host")?;
    let target = format!("{host}:{}", uri.port_u16().unwrap_or(443));
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&target)
        .header(HOST, &target);
    if let Some(authorization) = &proxy.authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(Empty::<Bytes>::new())?;

    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_LIMIT)
        .handshake(stream)
        .await?;
    let mut connection = pin!(connection.with_upgrades());
    let mut exchange = pin!(async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(BoxError::from(ProxyRefused { status }));
        }
        Ok(hyper::upgrade::on(response).await?)
    });
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut exchange => upgraded?,
        // Its error, if there is one, is the exchange's as well.
        _ = &mut connection => exchange.await?,
    };
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .map_err(|_| "the proxy's connection cannot be used")?;
    if !parts.read_buf.is_empty() {
        // A TLS server says nothing before the client does.
        return Err("the proxy sent data before it was asked".into());
    }
    Ok(parts.io)
}
