//! How requests are sent: hyper over rustls, or any `tower_service::Service`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use crate::error::{BoxError, ErrorKind};
use crate::proxy::{InvalidProxy, Proxied, Proxy};
use crate::tls::{Connector, TlsSettings, Versions};
use crate::transient::found;

pub(crate) type Incoming = UnsyncBoxBody<Bytes, BoxError>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

/// Sends one request. An object, so that a client's type does not name its transport.
pub(crate) trait Transport: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> Answering;
}

impl<S, B> Transport for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> Answering {
        let mut service = self.clone();
        Box::pin(async move {
            poll_fn(|context| service.poll_ready(context))
                .await
                .map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

/// How many bytes the head of an answer may have.
const HEAD_LIMIT: usize = 128 << 10;

/// How calls are sent, and how files are.
#[derive(Clone)]
pub(crate) struct Transports {
    pub(crate) calls: Arc<dyn Transport>,
    pub(crate) files: Arc<dyn Transport>,
}

impl Transports {
    /// Both in the same way.
    pub(crate) fn same(transport: Arc<dyn Transport>) -> Self {
        Self {
            calls: transport.clone(),
            files: transport,
        }
    }
}

/// hyper with connection pools, rustls with the roots of [`tls`](crate::tls). Calls take HTTP/2 where
/// ALPN agrees; files HTTP/1.1 only, since several streams of HTTP/2 would share one connection.
pub(crate) fn hyper(
    connect_timeout: Duration,
    tls: &TlsSettings,
    proxy: Proxy,
    base: &Uri,
) -> Result<Transports, ErrorKind> {
    let configs = tls.configs()?;
    let tcp = Proxied::new(tcp(connect_timeout), configs.anonymous.clone(), proxy)?;
    tcp.check(base)?;
    let connector = |versions| Connector::new(&configs, Some(base), &tcp, versions);
    Ok(Transports {
        calls: pooled(connector(Versions::All), connect_timeout),
        files: pooled(connector(Versions::Http1), connect_timeout),
    })
}

fn tcp(connect_timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp
}

/// HTTP/1.1 with bodies of any type, for another crate's client.
pub(crate) fn plain<B>(
    connect_timeout: Duration,
    proxy: Proxy,
) -> Result<legacy::Client<Timed, B>, ErrorKind>
where
    B: Body + Send,
    B::Data: Send,
{
    let configs = TlsSettings::default().configs()?;
    let tcp = Proxied::new(tcp(connect_timeout), configs.anonymous.clone(), proxy)?;
    let connector = Connector::new(&configs, None, &tcp, Versions::Http1);
    Ok(client(connector, connect_timeout))
}

fn pooled(connector: Connector, connect_timeout: Duration) -> Arc<dyn Transport> {
    let client: legacy::Client<Timed, Full<Bytes>> = client(connector, connect_timeout);
    Arc::new(client)
}

fn client<B>(connector: Connector, connect_timeout: Duration) -> legacy::Client<Timed, B>
where
    B: Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(HEAD_LIMIT)
        .build(Timed {
            inner: connector,
            limit: connect_timeout,
        })
}

/// A connector whose connection, proxy and TLS included, must be there in time.
#[derive(Clone)]
pub(crate) struct Timed {
    inner: Connector,
    limit: Duration,
}

impl Service<Uri> for Timed {
    type Response = <Connector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(format!("not within {} s", limit.as_secs_f64()).into()),
            }
        })
    }
}

/// Says what a transport's error means for the request to `host`.
pub(crate) fn classify(host: &str, source: BoxError) -> ErrorKind {
    if let Some(invalid) = found::<InvalidProxy>(&source) {
        return (*invalid).into();
    }
    let connect = source
        .downcast_ref::<legacy::Error>()
        .is_some_and(legacy::Error::is_connect);
    if connect {
        return ErrorKind::Connect {
            host: host.to_owned(),
            source,
        };
    }
    if found::<hyper::Error>(&source).is_some_and(hyper::Error::is_canceled)
        || found(&source).is_some_and(not_processed)
    {
        return ErrorKind::NotTaken { source };
    }
    if found::<hyper::Error>(&source).is_some_and(hyper::Error::is_parse) {
        return ErrorKind::Malformed { source };
    }
    ErrorKind::Interrupted { source }
}

/// Whether an HTTP/2 peer says that it processed nothing of a stream: it refused it (RFC 9113
/// section 8.7), or its GOAWAY names an earlier stream as the last (section 6.8).
fn not_processed(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}
