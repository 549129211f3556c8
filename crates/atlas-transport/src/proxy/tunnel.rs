//! CONNECT (RFC 9110 section 9.3.6): a connection through an HTTP proxy to another host.

use std::pin::pin;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;

use super::failure::ProxyFailure;
use super::{Stream, Target};
use crate::chain::BoxError;

/// The maximum size of the head of a proxy's response, in bytes.
const HEAD_LIMIT: usize = 16 << 10;

/// Opens a connection to a host over a connection to the proxy.
pub(super) async fn open(
    stream: Stream,
    setting: &'static str,
    authorization: Option<&HeaderValue>,
    target: &Target,
) -> Result<Stream, BoxError> {
    let host = target.to_string();
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&host)
        .header(HOST, &host);
    if let Some(authorization) = authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let failed = |error: hyper::Error| {
        if error.is_parse() {
            let expected = "an HTTP proxy";
            return ProxyFailure::Garbled { setting, expected };
        }
        ProxyFailure::broken(setting, error)
    };

    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_LIMIT)
        .handshake(stream)
        .await
        .map_err(failed)?;
    let mut connection = pin!(connection.with_upgrades());
    let mut exchange = pin!(async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(ProxyFailure::Refused { setting, status });
        }
        // Any 2xx opens the tunnel, but hyper returns no connection for some, such as 204.
        let upgraded = hyper::upgrade::on(response).await;
        upgraded.map_err(|error| {
            if error.is_user() {
                let expected = "an HTTP proxy";
                ProxyFailure::Garbled { setting, expected }
            } else {
                failed(error)
            }
        })
    });
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut exchange => upgraded?,
        // An error of the connection is also an error of the exchange.
        _ = &mut connection => exchange.await?,
    };
    let parts = upgraded
        .downcast::<Stream>()
        .map_err(|_| "the proxy's connection cannot be used")?;
    if !parts.read_buf.is_empty() {
        return Err(ProxyFailure::Early { setting }.into());
    }
    Ok(parts.io)
}
