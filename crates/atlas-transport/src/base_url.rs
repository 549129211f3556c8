//! Where Atlas is, and whether it may be spoken to in the clear.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Where an Atlas API is served: scheme, host, and the path before `/api/atlas/v2`, if any.
///
/// An address that ends in `/api/atlas/v2`, or in that of an older API such as `/api/atlas/v1.0`, is
/// read without that end.
///
/// ```
/// use atlas_transport::BaseUrl;
///
/// assert_eq!(BaseUrl::cloud().to_string(), "https://cloud.mongodb.com");
/// assert!("https://ops.example/prefix/".parse::<BaseUrl>().is_ok());
/// let copied: BaseUrl = "https://cloud.mongodb.com/api/atlas/v2/".parse().unwrap();
/// assert_eq!(copied, BaseUrl::cloud());
/// assert!("http://127.0.0.1:8080".parse::<BaseUrl>().is_ok(), "loopback may be plain");
/// assert!("http://ops.example".parse::<BaseUrl>().is_err(), "keys never travel in the clear");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

/// A text that is not a base URL, or one that would send secrets in the clear.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Not an absolute `http` or `https` URL without user, query and fragment.
    #[error("invalid base URL {text:?}: expected a URL such as https://cloud.mongodb.com")]
    NotAUrl {
        /// The text, without query and fragment; it has no user's part.
        text: String,
    },
    /// A user or password stands in the URL; credentials belong elsewhere.
    #[error("the base URL holds a user or password; give credentials separately")]
    UserInfo,
    /// The URL of an operation or of another API.
    #[error("the base URL ends before /api/atlas/v2: leave {path} out")]
    ApiPath {
        /// The part of its path that does not belong there.
        path: String,
    },
    /// Plain `http` to another machine.
    #[error("http://{host} would send credentials in the clear; use https, or a loopback address")]
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
    /// `https://cloud.mongodb.com`
    pub fn cloud() -> Self {
        Self::well_known("cloud.mongodb.com")
    }

    /// `https://cloud.mongodbgov.com`, Atlas for Government.
    pub fn cloud_gov() -> Self {
        Self::well_known("cloud.mongodbgov.com")
    }

    fn well_known(host: &'static str) -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static(host),
            prefix: String::new(),
        }
    }

    /// The host, with its port if it has one.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The absolute URI of an origin-form target such as `/api/atlas/v2/groups`.
    pub(crate) fn resolve(&self, target: &str) -> Result<Uri, http::Error> {
        self.resolve_path(target.parse()?)
    }

    /// The absolute URI of a target that was parsed already.
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

/// A path without the API's own, which every request has by itself.
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

/// A URI without the user and password of its authority, which must reach neither the network nor
/// a log nor an error.
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

/// Checks that there can be a host and port to connect to. `http` takes any text for a host, and
/// takes a port that is too large for none, so that a connection would go to another port.
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

/// Whether a text is a host name that can be looked up, or an IPv4 address.
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

/// Whether secrets may go to a host by a scheme: always by `https`, by `http` only within this
/// machine. `None` for any other scheme.
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
mod tests {
    use super::*;

    #[test]
    fn a_uri_loses_its_user_and_nothing_else() {
        for (uri, expected) in [
            (
                "https://u:s3cret@a.example:1/b?c@d",
                "https://a.example:1/b?c@d",
            ),
            ("https://u@a.example/", "https://a.example/"),
            ("https://a.example/@b", "https://a.example/@b"),
            ("http://u:p@[::1]:8080/", "http://[::1]:8080/"),
            ("/origin@form", "/origin@form"),
        ] {
            assert_eq!(without_user(uri.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn a_host_and_port_that_cannot_be_connected_to_are_refused() {
        let problem = |text: &str| check_authority(&text.parse().unwrap()).err();
        for good in [
            "a.example",
            "a.example:1",
            "a.example:65535",
            "a.example:",
            "a.example.",
            "u:p@a:1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:1",
            "a_b.example",
            "localhost",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "a.example:0",
            "a.example:65536",
            "127.0.0.1:99999",
            "a:18446744073709551617",
            "[::1]:99999",
            "u:1@a:70000",
        ] {
            assert_eq!(problem(bad), Some(BAD_PORT), "{bad}");
        }
        for bad in [
            "a..example",
            ".a.example",
            "[::zz]",
            "[1.2.3.4]",
            "1.2.3.4.5",
            "300.1.1.1",
            "a$b",
            "1.2.3",
        ] {
            assert_eq!(problem(bad), Some(BAD_HOST), "{bad}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert_eq!(problem(&long), Some(BAD_HOST));
    }

    #[test]
    fn the_path_of_the_api_is_taken_off_and_that_of_another_is_explained() {
        for (text, expected) in [
            ("https://a.example/api/atlas/v2", "https://a.example"),
            ("https://a.example/api/atlas/v2/", "https://a.example"),
            ("https://a.example//api/atlas//v2//", "https://a.example"),
            ("https://a.example/api/atlas/v1.0", "https://a.example"),
            ("https://a.example/api/atlas/v1.5/", "https://a.example"),
            ("https://a.example/api/atlas/", "https://a.example"),
            ("https://a.example/b/api/atlas/v2", "https://a.example/b"),
            ("https://a.example/api", "https://a.example/api"),
            ("https://a.example/api/other", "https://a.example/api/other"),
            ("https://a.example/v2/", "https://a.example/v2"),
        ] {
            let base: BaseUrl = text.parse().unwrap();
            assert_eq!(base.to_string(), expected, "{text}");
        }
        for (text, path) in [
            (
                "https://a.example/api/atlas/v2/groups",
                "/api/atlas/v2/groups",
            ),
            ("https://a.example/api/atlas/groups/", "/api/atlas/groups"),
            ("https://a.example/api/public/v1.0/", "/api/public/v1.0"),
        ] {
            let error = text.parse::<BaseUrl>().unwrap_err();
            let line = format!("the base URL ends before /api/atlas/v2: leave {path} out");
            assert_eq!(error.to_string(), line);
            assert_eq!(format!("{error:?}"), line);
        }
    }

    #[test]
    fn an_invalid_base_url_is_shown_without_what_may_be_secret() {
        for text in [
            "https://a.example/?key=s3cret",
            "https://a.example/#s3cret",
            "https://u:s3cret@a.example/",
            "s3cret@a.example",
        ] {
            let error = text.parse::<BaseUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
