//! Ways around a firewall: `https` through an HTTP proxy's CONNECT.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tower_service::Service;

use crate::error::{BoxError, ErrorKind};

/// Which proxy `https` goes through. Loopback `http` never goes through one.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one, for every host.
    To(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address can hold a password.
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::To(_) => "To([hidden])",
        })
    }
}

/// A TCP connector that goes through a proxy where there is one.
#[derive(Clone)]
pub(crate) struct Proxied {
    tcp: HttpConnector,
    matcher: Option<Arc<Matcher>>,
}

impl Proxied {
    pub(crate) fn new(tcp: HttpConnector, proxy: Proxy) -> Result<Self, ErrorKind> {
        let matcher = match proxy {
            Proxy::Environment => Some(Matcher::from_env()),
            Proxy::Direct => None,
            Proxy::To(address) => {
                let matcher = Matcher::builder().https(address).build();
                let anywhere = Uri::from_static("https://cloud.mongodb.com");
                let usable = matcher
                    .intercept(&anywhere)
                    .is_some_and(|proxy| spoken(proxy.uri()));
                if !usable {
                    return Err(ErrorKind::Proxy);
                }
                Some(matcher)
            }
        };
        Ok(Self {
            tcp,
            matcher: matcher.map(Arc::new),
        })
    }
}

/// Whether this client can speak to a proxy: by plain HTTP only, inside of which TLS runs to the
/// host itself.
fn spoken(proxy: &Uri) -> bool {
    proxy.scheme() == Some(&Scheme::HTTP) && proxy.host().is_some()
}

impl Service<Uri> for Proxied {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let proxy = self
            .matcher
            .as_ref()
            .filter(|_| secure)
            .and_then(|matcher| matcher.intercept(&uri));
        let Some(proxy) = proxy else {
            let connecting = self.tcp.call(uri);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        if !spoken(proxy.uri()) {
            let problem = "the proxy's address does not begin with http://";
            return Box::pin(async move { Err(problem.into()) });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let connecting = tunnel.call(uri);
        Box::pin(async move { Ok(connecting.await?) })
    }
}
