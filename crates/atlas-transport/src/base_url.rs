//! Where Atlas is, and whether it may be spoken to in the clear.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// Where an Atlas API is served: scheme, host, and the path before `/api/atlas/v2`, if any.
///
/// ```
/// use atlas_transport::BaseUrl;
///
/// assert_eq!(BaseUrl::cloud().to_string(), "https://cloud.mongodb.com");
/// assert!("https://ops.example/prefix/".parse::<BaseUrl>().is_ok());
/// assert!("http://127.0.0.1:8080".parse::<BaseUrl>().is_ok(), "loopback may be plain");
/// assert!("http://ops.example".parse::<BaseUrl>().is_err(), "keys never travel in the clear");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

/// A text that is not a base URL, or one that would send secrets in the clear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// Plain `http` to another machine.
    #[error("http://{host} would send credentials in the clear; use https, or a loopback address")]
    Plain {
        /// The host.
        host: String,
    },
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
        match may_be_spoken(&scheme, authority.host()) {
            Some(true) => {}
            Some(false) => {
                return Err(BaseUrlError::Plain {
                    host: authority.host().to_owned(),
                });
            }
            None => return Err(not_a_url()),
        }
        let path = parts.path_and_query;
        let prefix = path.as_ref().map_or("", PathAndQuery::path);
        Ok(Self {
            scheme,
            authority,
            prefix: prefix.trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
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

/// Whether secrets may go to a host by a scheme: always by `https`, by `http` only within this
/// machine. `None` for any other scheme.
pub(crate) fn may_be_spoken(scheme: &Scheme, host: &str) -> Option<bool> {
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
