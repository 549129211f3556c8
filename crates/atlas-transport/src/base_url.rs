//! The base URL of Atlas, and the check that secrets are sent encrypted.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The base URL of an Atlas API: scheme, host, and the path before `/api/atlas/v2`, if any.
///
/// If the path ends with `/api/atlas/v2`, or with that of an older API such as `/api/atlas/v1.0`, this
/// end is removed.
///
/// ```
/// use atlas_transport::BaseUrl;
///
/// assert_eq!(BaseUrl::cloud().to_string(), "https://cloud.mongodb.com");
/// assert!("https://ops.example/prefix/".parse::<BaseUrl>().is_ok());
/// let copied: BaseUrl = "https://cloud.mongodb.com/api/atlas/v2/".parse().unwrap();
/// assert_eq!(copied, BaseUrl::cloud());
/// assert!("http://127.0.0.1:8080".parse::<BaseUrl>().is_ok(), "plain http to loopback");
/// assert!("http://ops.example".parse::<BaseUrl>().is_err(), "keys are never sent unencrypted");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

/// A text that is not a valid base URL, or would send secrets unencrypted.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// The text is not an absolute `http` or `https` URL without user, query and fragment.
    #[error("invalid base URL {text:?}: expected a URL such as https://cloud.mongodb.com")]
    NotAUrl {
        /// The text, without query and fragment; it contains no user or password.
        text: String,
    },
    /// The URL contains a user or password.
    #[error("the base URL contains a user or password; set credentials separately")]
    UserInfo,
    /// The URL is that of an operation or of another API.
    #[error("the base URL must end before /api/atlas/v2; remove {path}")]
    ApiPath {
        /// The part of its path to remove.
        path: String,
    },
    /// The URL has plain `http` to another machine; see [`BaseUrl::allowing_plain_http`].
    #[error(
        "http://{host} would send credentials unencrypted; use https, or a loopback address, or \
         allow it with BaseUrl::allowing_plain_http"
    )]
    Plain {
        /// The host.
        host: String,
    },
}

impl fmt::Debug for BaseUrlError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl BaseUrl {
    /// Returns `https://cloud.mongodb.com`.
    pub fn cloud() -> Self {
        Self::well_known("cloud.mongodb.com")
    }

    /// Returns `https://cloud.mongodbgov.com`, Atlas for Government.
    pub fn cloud_gov() -> Self {
        Self::well_known("cloud.mongodbgov.com")
    }

    /// Parses a base URL and allows plain `http` to another machine, such as `http://atlas:8080`.
    ///
    /// Everything is then sent unencrypted, access tokens and client secrets included: use it only
    /// for a test server, such as the sandbox in another container. Files are downloaded unencrypted
    /// from the same host only.
    ///
    /// ```
    /// use atlas_transport::BaseUrl;
    ///
    /// let base = BaseUrl::allowing_plain_http("http://atlas:8080").unwrap();
    /// assert!(base.sends_in_the_clear());
    /// assert!("http://atlas:8080".parse::<BaseUrl>().is_err());
    /// ```
    ///
    /// # Errors
    /// [`BaseUrlError`], except [`Plain`](BaseUrlError::Plain).
    pub fn allowing_plain_http(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, true)
    }

    /// Returns whether requests are sent unencrypted to another machine.
    pub fn sends_in_the_clear(&self) -> bool {
        is_scheme_allowed(&self.scheme, self.authority.host()) == Some(false)
    }

    /// Returns whether files may be downloaded from a host with a scheme. The rules are those for
    /// secrets; in addition, this URL's own host may use plain `http` if this URL does. `None` for a scheme
    /// other than `http` and `https`.
    pub(crate) fn allows_link(&self, scheme: &Scheme, host: &str) -> Option<bool> {
        let own = self.sends_in_the_clear() && self.authority.host().eq_ignore_ascii_case(host);
        is_scheme_allowed(scheme, host).map(|allowed| allowed || own)
    }

    fn well_known(host: &'static str) -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static(host),
            prefix: String::new(),
        }
    }

    /// Returns the host, with its port if it has one.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Returns the absolute URI of an origin-form target such as `/api/atlas/v2/groups`.
    pub(crate) fn resolve(&self, target: &str) -> Result<Uri, http::Error> {
        self.resolve_path(target.parse()?)
    }

    /// Returns the absolute URI of a parsed target.
    pub(crate) fn resolve_path(&self, target: PathAndQuery) -> Result<Uri, http::Error> {
        let path = if self.prefix.is_empty() {
            target
        } else {
            format!("{}{target}", self.prefix).parse()?
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, false)
    }
}

impl BaseUrl {
    fn read(text: &str, plain: bool) -> Result<Self, BaseUrlError> {
        if text.contains('@') {
            return Err(BaseUrlError::UserInfo);
        }
        let not_a_url = || BaseUrlError::NotAUrl {
            // A query or fragment can hold a secret.
            text: text.split(['?', '#']).next().unwrap_or_default().to_owned(),
        };
        let parts = text
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.query().is_none() && !text.contains('#'))
            .map(Uri::into_parts)
            .ok_or_else(not_a_url)?;
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(not_a_url());
        };
        if check_authority(&authority).is_err() {
            return Err(not_a_url());
        }
        match is_scheme_allowed(&scheme, authority.host()) {
            Some(true) => {}
            Some(false) if plain => {}
            Some(false) => {
                return Err(BaseUrlError::Plain {
                    host: authority.host().to_owned(),
                });
            }
            None => return Err(not_a_url()),
        }
        let path = parts.path_and_query;
        let path = path.as_ref().map_or("", PathAndQuery::path);
        Ok(Self {
            scheme,
            authority,
            prefix: before_the_api(path)?.to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

/// Removes the path of the API, which every request has itself.
fn before_the_api(path: &str) -> Result<&str, BaseUrlError> {
    let path = path.trim_end_matches('/');
    let Some(at) = path.find("/api/") else {
        return Ok(path);
    };
    let (prefix, api) = path.split_at(at);
    let mut parts = api.split('/').filter(|part| !part.is_empty()).skip(1);
    let family = parts.next();
    let version = parts.next().unwrap_or("v2");
    let is_version = version
        .strip_prefix('v')
        .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    match (family, parts.next()) {
        (Some("atlas"), None) if is_version => Ok(prefix.trim_end_matches('/')),
        (Some("atlas" | "public" | "private"), _) => Err(BaseUrlError::ApiPath {
            path: api.to_owned(),
        }),
        _ => Ok(path),
    }
}

/// Removes the user and password of a URI's authority, which must not be sent, logged or shown in an
/// error.
pub(crate) fn without_user(uri: Uri) -> Uri {
    let host = uri.authority().and_then(|authority| {
        let (_, host) = authority.as_str().rsplit_once('@')?;
        host.parse::<Authority>().ok()
    });
    let Some(host) = host else {
        return uri;
    };
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(host);
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Checks that the host and port of an authority are valid. The `http` crate accepts any text as a host,
/// and ignores a port that is too large, so that a connection would go to another port.
pub(crate) fn check_authority(authority: &Authority) -> Result<(), &'static str> {
    let text = authority.as_str();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(BAD_HOST)?;
            host.parse::<Ipv6Addr>().map_err(|_| BAD_HOST)?;
            match port {
                "" => return Ok(()),
                port => (None, port.strip_prefix(':').ok_or(BAD_PORT)?),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), port),
            None => (Some(text), ""),
        },
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Err(BAD_HOST);
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        // An empty port is the scheme's own (RFC 3986 section 3.2.3).
        _ if port.is_empty() => Ok(()),
        _ => Err(BAD_PORT),
    }
}

const BAD_HOST: &str = "its host is invalid";
const BAD_PORT: &str = "its port is not a number from 1 to 65535";

/// Returns whether a text is a valid host name or an IPv4 address.
fn is_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    host.len() <= 253
        && host.split('.').all(label)
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Returns whether secrets may be sent to a host with a scheme: always with `https`, with `http` only
/// to a loopback address. `None` for any other scheme.
pub(crate) fn is_scheme_allowed(scheme: &Scheme, host: &str) -> Option<bool> {
    if *scheme == Scheme::HTTPS {
        return Some(true);
    }
    if *scheme != Scheme::HTTP {
        return None;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    Some(loopback)
}

#[cfg(test)]
mod tests;
