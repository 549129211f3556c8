//! Decides which requests may use the control endpoints and see the page.
//!
//! A web page in a browser on the same machine can send requests to the sandbox. Three checks keep
//! it out: the `Host` must be a local name (a page whose own name resolves to this machine sends
//! that name), there must be no `Origin`, and `Sec-Fetch-Site` must not name another site. On
//! addresses other than loopback, a token is also required.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{Request, StatusCode};

/// The checks of one server.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// The bound address.
    address: IpAddr,
    port: u16,
    /// The port of a `Host` without one.
    default_port: u16,
    token: Option<ControlToken>,
}

/// The reason for refusing a request.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: String,
}

impl Gate {
    pub(crate) fn new(
        address: IpAddr,
        port: u16,
        secure: bool,
        token: Option<ControlToken>,
    ) -> Self {
        let default_port = if secure { 443 } else { 80 };
        Self {
            address,
            port,
            default_port,
            token,
        }
    }

    /// Checks a request to a control endpoint.
    pub(crate) fn control<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let hosts = hosts(request)?;
        if hosts.is_empty() {
            return Err(bad_request("control requests need a Host header"));
        }
        if self.address.to_canonical().is_loopback() {
            for host in &hosts {
                if !self.is_local(host) {
                    return Err(forbidden(format!(
                        "control requests must name this server as localhost:{port} or \
                         127.0.0.1:{port}, not as {host:?}",
                        port = self.port,
                        host = host.as_str(),
                    )));
                }
            }
        }
        not_from_a_page(request)?;
        match &self.token {
            Some(token) if !token.is_in(request) => Err(Refusal {
                status: StatusCode::UNAUTHORIZED,
                reason: "control requests to this server require its control token: send \
                         Authorization: Bearer TOKEN"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether a host is this server under a local name.
    fn is_local(&self, host: &Authority) -> bool {
        let port = match port_of(host) {
            None => self.default_port,
            Some(text) => match text.parse() {
                Ok(port) => port,
                Err(_) => return false,
            },
        };
        let name = name_of(host);
        let local = name == "localhost"
            || ip(&name).is_some_and(|ip| ip.is_loopback() || ip == self.address.to_canonical());
        port == self.port && local
    }
}

/// Checks a request for the page. A name with a dot may belong to another site, which could then
/// read the page as its own.
pub(crate) fn check_page<B>(request: &Request<B>) -> Result<(), Refusal> {
    for host in hosts(request)? {
        let name = name_of(&host);
        let single = !name.contains('.') || name.ends_with(".localhost");
        if !single && ip(&name).is_none() {
            return Err(forbidden(format!(
                "this page is available under localhost, an IP address or a name without dots, \
                 not under {:?}",
                host.as_str()
            )));
        }
    }
    Ok(())
}

/// Every host of a request: in its target (`:authority` in HTTP/2) and in its header.
fn hosts<B>(request: &Request<B>) -> Result<Vec<Authority>, Refusal> {
    let mut hosts: Vec<Authority> = request.uri().authority().cloned().into_iter().collect();
    let mut headers = request.headers().get_all(HOST).iter();
    if let Some(value) = headers.next() {
        let host = value.to_str().ok().and_then(|text| text.parse().ok());
        hosts.push(host.ok_or_else(|| bad_request("invalid Host header: expected HOST:PORT"))?);
    }
    if headers.next().is_some() {
        return Err(bad_request("more than one Host header"));
    }
    if hosts.iter().any(|host| host.as_str().contains('@')) {
        return Err(bad_request("invalid Host header: expected HOST:PORT"));
    }
    Ok(hosts)
}

/// Refuses requests that a browser sends for a page.
fn not_from_a_page<B>(request: &Request<B>) -> Result<(), Refusal> {
    let headers = request.headers();
    if headers.contains_key(ORIGIN) {
        return Err(forbidden(
            "control requests must not come from a web page: remove the Origin header".to_owned(),
        ));
    }
    let sites = headers.get_all(SEC_FETCH_SITE).iter();
    // `none`: the user typed the address.
    let allowed = |site: &[u8]| matches!(site, b"none" | b"same-origin");
    if sites.into_iter().all(|site| allowed(site.as_bytes())) {
        return Ok(());
    }
    Err(forbidden(
        "control requests must not come from a web page: remove the Sec-Fetch-Site header"
            .to_owned(),
    ))
}

/// The name or address in lowercase, without port, brackets and trailing dot.
fn name_of(host: &Authority) -> String {
    let name = host.host().to_ascii_lowercase();
    let name = name.strip_prefix('[').unwrap_or(&name);
    let name = name.strip_suffix(']').unwrap_or(name);
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// The text in the place of the port.
fn port_of(host: &Authority) -> Option<&str> {
    let rest = host.as_str().strip_prefix(host.host())?;
    rest.strip_prefix(':')
}

fn ip(name: &str) -> Option<IpAddr> {
    name.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn forbidden(reason: String) -> Refusal {
    Refusal {
        status: StatusCode::FORBIDDEN,
        reason,
    }
}

fn bad_request(reason: &str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        reason: reason.to_owned(),
    }
}

/// The secret of control requests.
#[derive(Clone)]
pub(crate) struct ControlToken(String);

impl ControlToken {
    /// Accepts a token that a header can contain and that is too long to guess.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && (SHORTEST..=LONGEST).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// Generates a token of 128 random bits.
    pub(crate) fn generate() -> std::io::Result<Self> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
        Ok(Self(crate::world::hex(&bits)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request has the token, compared in a time that does not depend on the number of
    /// matching characters.
    fn is_in<B>(&self, request: &Request<B>) -> bool {
        let mut values = request.headers().get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let Some((scheme, shown)) = value.to_str().ok().and_then(|text| text.split_once(' '))
        else {
            return false;
        };
        let (shown, wanted) = (shown.trim().as_bytes(), self.0.as_bytes());
        let difference = shown
            .iter()
            .zip(wanted)
            .fold(0, |all, (a, b)| all | (a ^ b));
        scheme.eq_ignore_ascii_case("bearer") && shown.len() == wanted.len() && difference == 0
    }
}

impl std::fmt::Debug for ControlToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlToken(…)")
    }
}

/// The minimum and maximum length of a token.
pub(crate) const SHORTEST: usize = 8;
pub(crate) const LONGEST: usize = 256;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
