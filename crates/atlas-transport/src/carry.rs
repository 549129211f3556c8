//! The way a request is carried: hyper over rustls, or any `tower_service::Service`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tower_service::Service;

use crate::error::{BoxError, Error};

pub(crate) type Incoming = UnsyncBoxBody<Bytes, BoxError>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

/// Carries one request. An object, so that a client's type does not name its transport.
pub(crate) trait Carry: Send + Sync {
    fn carry(&self, request: Request<Full<Bytes>>) -> Answering;
}

impl<S, B> Carry for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn carry(&self, request: Request<Full<Bytes>>) -> Answering {
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

/// hyper with a connection pool, rustls with the platform's roots, HTTP/2 where ALPN agrees.
pub(crate) fn hyper(
    connect_timeout: Duration,
    roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn Carry>, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>> =
        legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .build(
                HttpsConnectorBuilder::new()
                    .with_tls_config(tls(roots)?)
                    .https_or_http()
                    .enable_all_versions()
                    .wrap_connector(tcp),
            );
    Ok(Arc::new(client))
}

/// TLS 1.2 and 1.3, judged by the platform's verifier and `roots` beside it.
///
/// A machine without any roots (a bare container) gets a configuration that trusts nobody: plain
/// loopback still works there, and `https` fails as an unknown issuer.
fn tls(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    let more = !roots.is_empty();
    let config = match Verifier::new_with_extra_roots(roots, provider) {
        Ok(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)),
        Err(source) if more => {
            return Err(Error::Certificate {
                source: source.into(),
            });
        }
        Err(error) => {
            tracing::warn!(%error, "no certificate roots on this machine; https will fail");
            builder.with_root_certificates(RootCertStore::empty())
        }
    };
    Ok(config.with_no_client_auth())
}

/// Whether a carrier's error came before anything was sent.
pub(crate) fn is_connect(error: &BoxError) -> bool {
    error
        .downcast_ref::<legacy::Error>()
        .is_some_and(legacy::Error::is_connect)
}
