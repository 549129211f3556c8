//! Connects through proxies: `https` through an HTTP proxy's CONNECT or through SOCKS 5.

mod address;
mod exceptions;
mod failure;
mod socks;
mod tunnel;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::chain::BoxError;

use address::{Address, Protocol};
use exceptions::Exceptions;
pub(crate) use failure::ProxyFailure;
use socks::Destination;

/// The proxy for `https`. Loopback `http` never uses one.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// The first of [`VARIABLES`] that is set and not empty, for hosts outside of `NO_PROXY`.
    #[default]
    Environment,
    /// No proxy.
    Direct,
    /// This proxy, for every host.
    To(String),
}

/// The variables for a proxy, in order of precedence. `HTTP_PROXY` is not among them, since plain `http`
/// only goes to loopback addresses. A CGI program, whose `HTTP_PROXY` is set by the request, thus needs
/// no exception.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables with hosts to connect to directly, in order of precedence.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address can contain a password.
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::To(_) => "To([hidden])",
        })
    }
}

/// An invalid proxy setting. Shows the name of the setting, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} cannot be used: {problem}")]
pub(crate) struct InvalidProxy {
    pub(crate) setting: &'static str,
    pub(crate) problem: &'static str,
}

/// A proxy, or the error of its setting, and the hosts that do not use it.
struct Route {
    proxy: Result<Way, InvalidProxy>,
    exceptions: Exceptions,
}

/// A proxy and its setting.
struct Way {
    setting: &'static str,
    address: Address,
}

impl Route {
    fn new(setting: &'static str, address: &str) -> Result<Self, InvalidProxy> {
        let parsed = Address::parse(address);
        let address = parsed.map_err(|problem| InvalidProxy { setting, problem })?;
        Ok(Self {
            proxy: Ok(Way { setting, address }),
            exceptions: Exceptions::default(),
        })
    }

    /// Reads the environment. An invalid setting still makes a route, so that nothing is sent directly
    /// instead.
    fn from_environment(read: impl Fn(&'static str) -> Option<OsString>) -> Option<Self> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = read(name).filter(|value| !value.is_empty())?;
                Some((*name, value))
            })
        };
        let (setting, value) = first(&VARIABLES)?;
        let not_utf_8 = |setting| InvalidProxy {
            setting,
            problem: "it is not UTF-8",
        };
        let route = match value.to_str() {
            Some(text) => Self::new(setting, text),
            None => Err(not_utf_8(setting)),
        };
        let mut route = route.unwrap_or_else(|invalid| Self {
            proxy: Err(invalid),
            exceptions: Exceptions::default(),
        });
        if let Some((name, value)) = first(&EXCEPTIONS) {
            match value.to_str() {
                Some(list) => route.exceptions = Exceptions::parse(list),
                None => route.proxy = Err(not_utf_8(name)),
            }
        }
        Some(route)
    }

    /// Returns the proxy for a URI; `None` for a direct connection.
    fn proxy_for(&self, uri: &Uri) -> Result<Option<&Way>, InvalidProxy> {
        let is_direct = |host| self.exceptions.contain(host);
        if uri.scheme() != Some(&Scheme::HTTPS) || uri.host().is_some_and(is_direct) {
            return Ok(None);
        }
        self.proxy.as_ref().map(Some).map_err(|invalid| *invalid)
    }
}

/// The host and port that a proxy should connect to; an IPv6 address is without brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Option<Self> {
        let host = uri.host()?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        Some(Self {
            host: bare.unwrap_or(host).to_owned(),
            port: uri.port_u16().unwrap_or(443),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A connection to a host, or to an HTTP proxy over TLS and from there to the host.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A TCP connector that uses a proxy if one is set.
#[derive(Clone)]
pub(crate) struct Proxied {
    tcp: HttpConnector,
    /// Connects to proxies, with TLS to those of `https`.
    to_proxy: HttpsConnector<HttpConnector>,
    route: Option<Arc<Route>>,
}

impl Proxied {
    /// Fails if the client's own setting is invalid. That of the environment is checked for each
    /// connection, since it may not apply to the host.
    pub(crate) fn new(
        tcp: HttpConnector,
        tls: ClientConfig,
        proxy: Proxy,
    ) -> Result<Self, InvalidProxy> {
        let route = match proxy {
            Proxy::Environment => Route::from_environment(env::var_os),
            Proxy::Direct => None,
            Proxy::To(address) => Some(Route::new("ClientBuilder::proxy", &address)?),
        };
        let to_proxy = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp.clone());
        Ok(Self {
            tcp,
            to_proxy,
            route: route.map(Arc::new),
        })
    }

    /// Fails if a host requires a proxy whose setting is invalid.
    pub(crate) fn check(&self, uri: &Uri) -> Result<(), InvalidProxy> {
        if let Some(route) = &self.route {
            route.proxy_for(uri)?;
        }
        Ok(())
    }

    /// Connects to a host through a proxy.
    async fn through(mut self, proxy: &Way, uri: &Uri) -> Result<Stream, BoxError> {
        let Way { setting, address } = proxy;
        let target = Target::of(uri).ok_or("the address has no host")?;
        let failed = |error: BoxError| {
            let hint = match (address.is_default_port, address.uri.port_u16()) {
                (true, Some(443)) => ", whose port is 443 by default",
                (true, _) => ", whose port is 1080 by default",
                (false, _) => "",
            };
            ProxyFailure::unreachable(setting, hint, &error)
        };
        match &address.protocol {
            Protocol::Connect { authorization } => {
                let connecting = self.to_proxy.call(address.uri.clone());
                let stream = connecting.await.map_err(failed)?;
                tunnel::open(stream, setting, authorization.as_ref(), &target).await
            }
            Protocol::Socks { lookup, login } => {
                let destination = Destination::of(&target, *lookup, setting).await?;
                let connecting = self.tcp.call(address.uri.clone());
                let stream = connecting.await.map_err(|error| failed(error.into()))?;
                let mut stream = stream.into_inner();
                socks::open(&mut stream, setting, login.as_ref(), &destination).await?;
                Ok(TokioIo::new(stream).into())
            }
        }
    }
}

impl Service<Uri> for Proxied {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(route) = self.route.clone() else {
            let connecting = self.tcp.call(uri);
            return Box::pin(async move { Ok(connecting.await?.into()) });
        };
        let mut connector = self.clone();
        Box::pin(async move {
            match route.proxy_for(&uri)? {
                None => Ok(connector.tcp.call(uri).await?.into()),
                Some(proxy) => connector.through(proxy, &uri).await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)]) -> Option<Route> {
        Route::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    fn host(variables: &[(&str, &str)], uri: &'static str) -> Option<String> {
        let route = route(variables)?;
        let proxy = route.proxy_for(&Uri::from_static(uri)).unwrap()?;
        Some(proxy.address.uri.host().unwrap().to_owned())
    }

    #[test]
    fn the_first_variable_that_is_not_empty_sets_the_proxy_of_https() {
        let atlas = "https://cloud.mongodb.com/";
        for (variables, expected) in [
            (vec![("HTTPS_PROXY", "http://a:1")], Some("a")),
            (
                vec![("https_proxy", "b:1"), ("ALL_PROXY", "socks4://x:1")],
                Some("b"),
            ),
            (vec![("HTTPS_PROXY", ""), ("all_proxy", "c")], Some("c")),
            (vec![("HTTPS_PROXY", "")], None),
            (vec![("HTTP_PROXY", "http://a:1")], None),
            (
                vec![("HTTPS_PROXY", "a:1"), ("NO_PROXY", ".mongodb.com")],
                None,
            ),
            (vec![("HTTPS_PROXY", "a:1"), ("no_proxy", "*")], None),
            (
                vec![("HTTPS_PROXY", "a:1"), ("NO_PROXY", "example")],
                Some("a"),
            ),
            // Set for CGI programs; it does not disable proxies.
            (
                vec![("HTTPS_PROXY", "a:1"), ("REQUEST_METHOD", "GET")],
                Some("a"),
            ),
        ] {
            let found = host(&variables, atlas);
            assert_eq!(found.as_deref(), expected, "{variables:?}");
        }
        let loopback = host(&[("HTTPS_PROXY", "a:1")], "http://127.0.0.1:8080/");
        assert_eq!(loopback, None);
    }

    #[test]
    fn an_unusable_proxy_never_becomes_a_direct_connection() {
        let atlas = Uri::from_static("https://cloud.mongodb.com/");
        for (variables, setting) in [
            (vec![("HTTPS_PROXY", " http://p:3128")], "HTTPS_PROXY"),
            (vec![("https_proxy", "http://p:3128\n")], "https_proxy"),
            (vec![("ALL_PROXY", "socks4://p:1080")], "ALL_PROXY"),
            (vec![("all_proxy", " ")], "all_proxy"),
        ] {
            let route = route(&variables).unwrap();
            let invalid = route.proxy_for(&atlas).err().unwrap();
            assert_eq!(invalid.setting, setting);
        }
        let exempt = route(&[("ALL_PROXY", "socks4://p"), ("NO_PROXY", "mongodb.com")]);
        assert!(exempt.unwrap().proxy_for(&atlas).unwrap().is_none());
    }

    #[test]
    fn only_connect_uses_the_brackets_of_an_address() {
        for (uri, host, shown) in [
            ("https://[2001:db8::1]/", "2001:db8::1", "[2001:db8::1]:443"),
            ("https://a.example:8443/x", "a.example", "a.example:8443"),
        ] {
            let target = Target::of(&Uri::from_static(uri)).unwrap();
            assert_eq!((&*target.host, &*target.to_string()), (host, shown));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_error_of_a_variable_that_is_not_utf_8_names_it() {
        use std::os::unix::ffi::OsStringExt;
        let atlas = Uri::from_static("https://cloud.mongodb.com/");
        for variable in ["HTTPS_PROXY", "NO_PROXY"] {
            let route = Route::from_environment(|name| match name {
                _ if name == variable => Some(OsString::from_vec(b"http://u:\xff@p".to_vec())),
                "HTTPS_PROXY" => Some("http://p:3128".into()),
                _ => None,
            });
            let invalid = route.unwrap().proxy_for(&atlas).err().unwrap();
            assert_eq!(invalid.setting, variable);
        }
    }
}
