//! Sends requests: hyper over rustls, or any `tower_service::Service`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use crate::chain::BoxError;
use crate::chain::found;
use crate::error::ErrorKind;
use crate::proxy::{InvalidProxy, Proxied, Proxy};
use crate::settings::Settings;
use crate::tls::{Connector, TlsSettings, Versions};
use crate::transient::is_final_break;

/// A response body.
pub(crate) enum Incoming {
    Hyper(hyper::body::Incoming),
    Other(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Hyper(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Other(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Hyper(body) => body.is_end_stream(),
            Self::Other(body) => body.is_end_stream(),
        }
    }
}

type Responding = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

/// Sends one request and returns its response.
#[derive(Clone)]
pub(crate) enum Transport {
    /// hyper's pool; a concrete type, so that a call's future is boxed only once, by hyper.
    Hyper(Arc<legacy::Client<Timed, Full<Bytes>>>),
    /// A service of the caller, as a trait object, so that the client's type does not depend on it.
    Other(Arc<dyn DynService>),
}

/// A service as a trait object.
pub(crate) trait DynService: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> Responding;
}

impl<S, B> DynService for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> Responding {
        let mut service = self.clone();
        Box::pin(async move {
            poll_fn(|context| service.poll_ready(context))
                .await
                .map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(|body| Incoming::Other(body.map_err(Into::into).boxed_unsync())))
        })
    }
}

/// Whether a request has a connection.
pub(crate) struct Captured(CaptureConnection);

impl Captured {
    pub(crate) fn is_connected(&self) -> bool {
        self.0.connection_metadata().is_some()
    }
}

impl Transport {
    /// Tracks whether a request has a connection; `None` if the transport does not support that.
    pub(crate) fn capture(&self, request: &mut Request<Full<Bytes>>) -> Option<Captured> {
        match self {
            Self::Hyper(_) => Some(Captured(capture_connection(request))),
            Self::Other(_) => None,
        }
    }

    /// Sends a request once.
    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> Sending {
        match self {
            Self::Hyper(client) => Sending::Hyper(client.request(request)),
            Self::Other(service) => Sending::Other(service.send(request)),
        }
    }
}

/// A request in flight.
pub(crate) enum Sending {
    Hyper(legacy::ResponseFuture),
    Other(Responding),
}

impl Future for Sending {
    type Output = Result<Response<Incoming>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Hyper(response) => Pin::new(response)
                .poll(context)
                .map(|response| Ok(response?.map(Incoming::Hyper))),
            Self::Other(response) => response.as_mut().poll(context),
        }
    }
}

/// The transports for calls and for files.
#[derive(Clone)]
pub(crate) struct Transports {
    pub(crate) calls: Transport,
    pub(crate) files: Transport,
}

impl Transports {
    /// Uses one service for both.
    pub(crate) fn same(service: Arc<dyn DynService>) -> Self {
        let calls = Transport::Other(service);
        Self {
            files: calls.clone(),
            calls,
        }
    }
}

/// Returns hyper with connection pools, over rustls with the roots of [`tls`](crate::tls). Calls use
/// HTTP/2 if ALPN selects it; files use HTTP/1.1, since HTTP/2 streams would share one connection.
pub(crate) fn hyper(
    settings: &Settings,
    tls: &TlsSettings,
    proxy: Proxy,
    base: &Uri,
) -> Result<Transports, ErrorKind> {
    let configs = tls.configs()?;
    let tcp = tcp(settings.connect_timeout);
    let tcp = Proxied::new(tcp, configs.anonymous.clone(), proxy)?;
    tcp.check(base)?;
    let connector = |versions| Connector::new(&configs, Some(base), &tcp, versions);
    let pooled = |versions| Transport::Hyper(Arc::new(client(connector(versions), settings)));
    Ok(Transports {
        calls: pooled(Versions::All),
        files: pooled(Versions::Http1),
    })
}

fn tcp(connect_timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp
}

/// Returns an HTTP/1.1 client for bodies of any type, for another crate.
pub(crate) fn plain<B>(
    connect_timeout: Duration,
    proxy: Proxy,
) -> Result<legacy::Client<Timed, B>, ErrorKind>
where
    B: Body + Send,
    B::Data: Send,
{
    let settings = Settings {
        connect_timeout,
        ..Settings::default()
    };
    let configs = TlsSettings::default().configs()?;
    let tcp = Proxied::new(tcp(connect_timeout), configs.anonymous.clone(), proxy)?;
    let connector = Connector::new(&configs, None, &tcp, Versions::Http1);
    Ok(client(connector, &settings))
}

fn client<B>(connector: Connector, settings: &Settings) -> legacy::Client<Timed, B>
where
    B: Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(settings.header_limit)
        .http2_max_header_list_size(u32::try_from(settings.header_limit).unwrap_or(u32::MAX))
        .build(Timed {
            inner: connector,
            limit: settings.connect_timeout,
        })
}

/// A connector with a time limit for the connection, proxy and TLS included.
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
                Err(_) => Err(not_within(limit)),
            }
        })
    }
}

/// Returns the cause of a connection that timed out.
pub(crate) fn not_within(limit: Duration) -> BoxError {
    format!(
        "timed out after {} s, TLS and any proxy included",
        limit.as_secs_f64()
    )
    .into()
}

/// Converts a transport's error for the request to `host`.
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
    if is_final_break(&source) {
        // In TLS 1.3 a server refuses a client after the handshake, and processes no request.
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

/// Returns whether an HTTP/2 peer states that it did not process a stream: it refused the stream (RFC
/// 9113 section 8.7), or its GOAWAY has an earlier stream as the last (section 6.8).
fn not_processed(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}
