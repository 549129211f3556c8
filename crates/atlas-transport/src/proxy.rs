//! Ways around a firewall: `https` through an HTTP proxy's CONNECT.

mod address;
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
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use tower_service::Service;

use crate::chain::BoxError;
use crate::error::ErrorKind;

use address::Address;
pub(crate) use tunnel::{ProxyRefused, Unreachable as ProxyUnreachable};

/// Which proxy `https` goes through. Loopback `http` never goes through one.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// The first of [`VARIABLES`] that is set and not empty, for hosts outside of `NO_PROXY`.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one, for every host.
    To(String),
}

/// The variables that name a proxy, in their order. `HTTP_PROXY` is not among them: plain `http`
/// only goes to loopback addresses. So a CGI program, whose `HTTP_PROXY` is chosen by the request,
/// needs no exception.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that list hosts to connect to directly, in their order.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

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

/// A setting that names a proxy and cannot be used. Shows the setting's name, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} cannot be used: {problem}")]
pub(crate) struct InvalidProxy {
    pub(crate) setting: &'static str,
    pub(crate) problem: &'static str,
}

impl From<InvalidProxy> for ErrorKind {
    fn from(invalid: InvalidProxy) -> Self {
        let InvalidProxy { setting, problem } = invalid;
        Self::Proxy { setting, problem }
    }
}

/// A proxy, or why the configured one cannot be used, and the hosts that it is for.
struct Route {
    proxy: Result<Address, InvalidProxy>,
    /// Knows `NO_PROXY`: it intercepts exactly the hosts that the proxy is for.
    hosts: Matcher,
}

impl Route {
    fn new(proxy: Result<Address, InvalidProxy>, exceptions: &str) -> Self {
        let hosts = Matcher::builder()
            .https("http://proxy.invalid")
            .no(exceptions)
            .build();
        Self { proxy, hosts }
    }

    /// Reads the environment. A proxy that is configured but unusable still makes a route, so that
    /// nothing is sent around it.
    fn from_environment(read: impl Fn(&'static str) -> Option<OsString>) -> Option<Self> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = read(name).filter(|value| !value.is_empty())?;
                Some((*name, value))
            })
        };
        let (setting, value) = first(&VARIABLES)?;
        let invalid = |setting, problem| InvalidProxy { setting, problem };
        let proxy = match value.to_str() {
            Some(text) => Address::parse(text).map_err(|problem| invalid(setting, problem)),
            None => Err(invalid(setting, "it is not UTF-8")),
        };
        let exceptions = first(&EXCEPTIONS);
        let (proxy, exceptions) = match &exceptions {
            None => (proxy, ""),
            Some((name, value)) => match value.to_str() {
                Some(text) => (proxy, text),
                None => (Err(invalid(name, "it is not UTF-8")), ""),
            },
        };
        Some(Self::new(proxy, exceptions))
    }

    /// The proxy for a URI; `None` is a direct connection.
    fn proxy_for(&self, uri: &Uri) -> Result<Option<&Address>, InvalidProxy> {
        if uri.scheme() != Some(&Scheme::HTTPS) || self.hosts.intercept(uri).is_none() {
            return Ok(None);
        }
        self.proxy.as_ref().map(Some).map_err(|invalid| *invalid)
    }
}

/// A TCP connector that goes through a proxy where there is one.
#[derive(Clone)]
pub(crate) struct Proxied {
    tcp: HttpConnector,
    route: Option<Arc<Route>>,
}

impl Proxied {
    /// Fails if `base` has to be reached through a proxy that cannot be used. Other hosts, such as
    /// an object store's, are checked when they are connected to.
    pub(crate) fn new(tcp: HttpConnector, proxy: Proxy, base: &Uri) -> Result<Self, ErrorKind> {
        let proxied = Self::to_any(tcp, proxy)?;
        if let Some(route) = &proxied.route {
            route.proxy_for(base)?;
        }
        Ok(proxied)
    }

    /// Checks every host only when it is connected to.
    pub(crate) fn to_any(tcp: HttpConnector, proxy: Proxy) -> Result<Self, ErrorKind> {
        let route = match proxy {
            Proxy::Environment => Route::from_environment(env::var_os),
            Proxy::Direct => None,
            Proxy::To(address) => {
                let address = Address::parse(&address).map_err(|problem| InvalidProxy {
                    setting: "the proxy's address",
                    problem,
                })?;
                Some(Route::new(Ok(address), ""))
            }
        };
        Ok(Self {
            tcp,
            route: route.map(Arc::new),
        })
    }
}

impl Service<Uri> for Proxied {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let proxy = match &self.route {
            None => Ok(None),
            Some(route) => route.proxy_for(&uri),
        };
        match proxy {
            Err(invalid) => Box::pin(async move { Err(invalid.into()) }),
            Ok(None) => {
                let connecting = self.tcp.call(uri);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Ok(Some(proxy)) => {
                let proxy = proxy.clone();
                let connecting = self.tcp.call(proxy.uri.clone());
                Box::pin(async move { tunnel::open(connecting, &proxy, &uri).await })
            }
        }
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
        Some(proxy.uri.host().unwrap().to_owned())
    }

    #[test]
    fn the_first_variable_that_is_not_empty_names_the_proxy_of_https() {
        let atlas = "https://cloud.mongodb.com/";
        for (variables, expected) in [
            (vec![("HTTPS_PROXY", "http://a:1")], Some("a")),
            (
                vec![("https_proxy", "b:1"), ("ALL_PROXY", "socks5://x:1")],
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
            // Set for CGI programs; it does not switch proxies off.
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
            (vec![("ALL_PROXY", "socks5://p:1080")], "ALL_PROXY"),
            (vec![("all_proxy", " ")], "all_proxy"),
        ] {
            let route = route(&variables).unwrap();
            let invalid = route.proxy_for(&atlas).err().unwrap();
            assert_eq!(invalid.setting, setting);
        }
        let exempt = route(&[("ALL_PROXY", "socks5://p"), ("NO_PROXY", "mongodb.com")]);
        assert!(exempt.unwrap().proxy_for(&atlas).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn variables_that_are_not_utf_8_are_named() {
        use std::os::unix::ffi::OsStringExt;
        let atlas = Uri::from_static("https://cloud.mongodb.com/");
        for odd in ["HTTPS_PROXY", "NO_PROXY"] {
            let route = Route::from_environment(|name| match name {
                _ if name == odd => Some(OsString::from_vec(b"http://u:\xff@p".to_vec())),
                "HTTPS_PROXY" => Some("http://p:3128".into()),
                _ => None,
            });
            let invalid = route.unwrap().proxy_for(&atlas).err().unwrap();
            assert_eq!(invalid.setting, odd);
        }
    }
}
