//! Connections for the object-store client of `atlas-backup`, with the same TLS, proxies and transient
//! failures as [`Client`](crate::Client). Not part of the public API.

use std::fmt;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy;

use crate::chain::BoxError;
use crate::error::ErrorKind;
use crate::proxy::Proxy;
use crate::transport::{self, Timed, classify};

/// A pool of HTTP/1.1 connections.
pub struct Connections<B> {
    client: legacy::Client<Timed, B>,
}

/// The failure of a request without a response.
#[derive(Debug)]
pub struct ConnectionFailure {
    /// The kind of the failure.
    pub kind: ErrorKind,
    /// Whether the same request may succeed later.
    pub is_transient: bool,
}

impl From<ErrorKind> for ConnectionFailure {
    fn from(kind: ErrorKind) -> Self {
        let is_transient = kind.is_transient();
        Self { kind, is_transient }
    }
}

impl<B> Connections<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Creates connections that use the proxy of the environment, for `https` only.
    ///
    /// # Errors
    /// [`ErrorKind`] if TLS cannot be set up.
    pub fn through_proxies(connect_timeout: Duration) -> Result<Self, ErrorKind> {
        let client = transport::plain(connect_timeout, Proxy::Environment)?;
        Ok(Self { client })
    }

    /// Creates connections that use no proxy.
    ///
    /// # Errors
    /// [`ErrorKind`] if TLS cannot be set up.
    pub fn direct(connect_timeout: Duration) -> Result<Self, ErrorKind> {
        let client = transport::plain(connect_timeout, Proxy::Direct)?;
        Ok(Self { client })
    }

    /// Sends a request once. Redirects are not followed.
    ///
    /// # Errors
    /// [`ConnectionFailure`] if no response head is received.
    pub async fn send(
        &self,
        host: &str,
        request: Request<B>,
    ) -> Result<Response<Incoming>, ConnectionFailure> {
        let sent = self.client.request(request).await;
        sent.map_err(|error| classify(host, error.into()).into())
    }
}

/// Converts the error of an incomplete response body.
pub fn interrupted(error: hyper::Error) -> ConnectionFailure {
    let source = error.into();
    ErrorKind::Interrupted { source }.into()
}

impl<B> Clone for Connections<B> {
    fn clone(&self) -> Self {
        let client = self.client.clone();
        Self { client }
    }
}

impl<B> fmt::Debug for Connections<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
