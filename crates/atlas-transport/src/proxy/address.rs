//! The address of a proxy, `[scheme://][user[:password]@]host[:port][/]`.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

/// The address of a proxy and its protocol. `Debug` does not show it, since it may contain a password.
#[derive(Clone)]
pub(crate) struct Address {
    /// The URI, without user and password and with the port; `https` for TLS to the proxy.
    pub(crate) uri: Uri,
    pub(crate) protocol: Protocol,
    /// Whether the address has no port, so that of its scheme is used.
    pub(crate) is_default_port: bool,
}

/// The protocol for requesting a connection.
#[derive(Clone)]
pub(crate) enum Protocol {
    /// HTTP's CONNECT.
    Connect {
        /// The value of `Proxy-Authorization`.
        authorization: Option<HeaderValue>,
    },
    /// SOCKS 5.
    Socks {
        /// The side that resolves host names.
        lookup: Lookup,
        login: Option<Login>,
    },
}

/// The side that resolves host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// On this machine: `socks5`.
    Here,
    /// At the proxy: `socks5h`.
    AtProxy,
}

/// A user and password of SOCKS 5, each of at most 255 bytes.
#[derive(Clone)]
pub(crate) struct Login(Arc<(SecretString, SecretString)>);

impl Login {
    pub(crate) fn user(&self) -> &SecretString {
        &self.0.0
    }

    pub(crate) fn password(&self) -> &SecretString {
        &self.0.1
    }
}

impl Address {
    /// Parses an address; without a scheme it is `http`, as in curl. Errors quote nothing, since any part
    /// may be a piece of a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\u{feff}')
        {
            return Err("it contains white space or a line break; percent-encode a space as %20");
        }
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Http, text),
            Some((scheme, rest)) => (Scheme::parse(scheme)?, rest),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err("it has a path; percent-encode /, ? and # in a password");
        }
        let (user, host) = match authority.split_once('@') {
            None => (None, authority),
            Some((_, host)) if host.contains('@') => {
                return Err("it has more than one @; percent-encode an @ in a password as %40");
            }
            Some((user, host)) => (Some(user), host),
        };
        let has_port = check_host(host)?;
        let login = user.map(decode).transpose()?;
        let (tls, port, protocol) = match scheme {
            Scheme::Http => ("http", 1080, connect(login)?),
            Scheme::Https => ("https", 443, connect(login)?),
            Scheme::Socks(lookup) => ("http", 1080, socks(lookup, login)?),
        };
        let uri = if has_port {
            format!("{tls}://{host}/")
        } else {
            format!("{tls}://{host}:{port}/")
        };
        Ok(Self {
            uri: uri.parse().map_err(|_| EXPECTED)?,
            protocol,
            is_default_port: !has_port,
        })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address([hidden])")
    }
}

const EXPECTED: &str = "expected http://[user:password@]host:port, or https, socks5 or socks5h";

enum Scheme {
    Http,
    Https,
    Socks(Lookup),
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "socks5" => Ok(Self::Socks(Lookup::Here)),
            "socks5h" => Ok(Self::Socks(Lookup::AtProxy)),
            // In curl, `socks` is SOCKS 4.
            "socks" | "socks4" | "socks4a" => {
                Err("SOCKS 4 is not supported; expected socks5:// or socks5h://")
            }
            _ => Err("its scheme is not supported; expected http, https, socks5 or socks5h"),
        }
    }
}

/// Checks a host and its port. Returns whether there is a port.
fn check_host(text: &str) -> Result<bool, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(EXPECTED)?;
            host.parse::<Ipv6Addr>().map_err(|_| EXPECTED)?;
            match port {
                "" => return Ok(false),
                port => (host, Some(port.strip_prefix(':').ok_or(EXPECTED)?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !host.is_empty() && host.bytes().all(plain);
    if !is_name && !text.starts_with('[') {
        return Err(EXPECTED);
    }
    let Some(port) = port else {
        return Ok(false);
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(true),
        _ => Err("its port is not a number from 1 to 65535"),
    }
}

/// Decodes the percent-encoding of user and password.
fn decode(text: &str) -> Result<(String, String), &'static str> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                hex() && hex()
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte),
        };
        if !fits {
            return Err("its user or password has characters that must be percent-encoded");
        }
    }
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8();
        text.map_err(|_| "its user or password is not UTF-8 once decoded")
    };
    Ok((decoded(user)?.into_owned(), decoded(password)?.into_owned()))
}

/// HTTP Basic (RFC 7617).
fn connect(login: Option<(String, String)>) -> Result<Protocol, &'static str> {
    let basic = |(user, password): (String, String)| {
        // The first colon ends the user (RFC 7617 section 2).
        if user.contains(':') {
            return Err("its user contains a colon, which HTTP Basic does not support");
        }
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let mut value = HeaderValue::from_str(&value).map_err(|_| EXPECTED)?;
        value.set_sensitive(true);
        Ok(value)
    };
    Ok(Protocol::Connect {
        authorization: login.map(basic).transpose()?,
    })
}

/// User and password of RFC 1929, whose lengths are single bytes.
fn socks(lookup: Lookup, login: Option<(String, String)>) -> Result<Protocol, &'static str> {
    let counted = |(user, password): (String, String)| {
        if user.len() > 255 || password.len() > 255 {
            return Err("its user or password is longer than 255 bytes, the limit of SOCKS 5");
        }
        Ok(Login(Arc::new((user.into(), password.into()))))
    };
    Ok(Protocol::Socks {
        lookup,
        login: login.map(counted).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// Returns the scheme and authority of the URI, the protocol, and user and password.
    fn parsed(text: &str) -> Option<(String, &'static str, Option<String>)> {
        let address = Address::parse(text).ok()?;
        let (how, login) = match address.protocol {
            Protocol::Connect { authorization } => {
                let login = authorization.map(|value| {
                    assert!(value.is_sensitive());
                    let value = value.to_str().unwrap().to_owned();
                    let encoded = value.strip_prefix("Basic ").unwrap();
                    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
                });
                ("CONNECT", login)
            }
            Protocol::Socks { lookup, login } => {
                let login = login.map(|login| {
                    let shown = |secret: &SecretString| secret.expose_secret().to_owned();
                    format!("{}:{}", shown(login.user()), shown(login.password()))
                });
                let how = match lookup {
                    Lookup::Here => "looked up here",
                    Lookup::AtProxy => "looked up at the proxy",
                };
                (how, login)
            }
        };
        let uri = address.uri.to_string();
        Some((uri.trim_end_matches('/').to_owned(), how, login))
    }

    #[test]
    fn addresses_are_read_as_curl_reads_them() {
        for (text, uri, how, login) in [
            ("http://p:3128", "http://p:3128", "CONNECT", None),
            (
                "HTTP://p.example/",
                "http://p.example:1080",
                "CONNECT",
                None,
            ),
            ("p:3128", "http://p:3128", "CONNECT", None),
            ("127.0.0.1:1", "http://127.0.0.1:1", "CONNECT", None),
            ("http://[::1]:3128", "http://[::1]:3128", "CONNECT", None),
            ("[::1]", "http://[::1]:1080", "CONNECT", None),
            ("u:p@p:3128", "http://p:3128", "CONNECT", Some("u:p")),
            (
                "http://us%65r:a%20b%40c:d@p:1",
                "http://p:1",
                "CONNECT",
                Some("user:a b@c:d"),
            ),
            ("http://u@p:80", "http://p:80", "CONNECT", Some("u:")),
            (
                "http://%C3%BC:%C3%A4@p:1",
                "http://p:1",
                "CONNECT",
                Some("\u{fc}:\u{e4}"),
            ),
            ("https://u:p@p", "https://p:443", "CONNECT", Some("u:p")),
            ("https://[::1]:8443/", "https://[::1]:8443", "CONNECT", None),
            ("socks5://p", "http://p:1080", "looked up here", None),
            (
                "SOCKS5h://u%3Av:p@p:9",
                "http://p:9",
                "looked up at the proxy",
                Some("u:v:p"),
            ),
        ] {
            let expected = (uri.to_owned(), how, login.map(str::to_owned));
            assert_eq!(parsed(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_user_or_password_of_socks_has_at_most_255_bytes() {
        let fits = "s".repeat(255);
        assert!(parsed(&format!("socks5://{fits}:{fits}@p")).is_some());
        for (user, password) in [("s".repeat(256), ""), (String::new(), &*"s".repeat(256))] {
            let problem = Address::parse(&format!("socks5h://{user}:{password}@p")).unwrap_err();
            assert!(problem.contains("255"), "{problem}");
            assert!(parsed(&format!("http://{user}:{password}@p")).is_some());
        }
    }

    #[test]
    fn an_unusable_address_is_refused_and_no_part_of_it_is_quoted() {
        for text in [
            "",
            " ",
            " http://p:3128",
            "http://p:3128\n",
            "http://p:3128\r",
            "\u{feff}http://p:3128",
            "http://u:s3 cret@p:3128",
            "http://u:s3/cret@p:3128",
            "http://u:53/cret@p:3128",
            "http://u:s3#cret@p:3128",
            "http://u:s3?cret@p:3128",
            "http://u:s3\\cret@p:3128",
            "http://u:s3@cret@p:3128",
            "http://u:s3%cret@p:3128",
            "http://u:s3%c@p:3128",
            "http://u:s3{cret@p:3128",
            "http://u:s3\u{e4}cret@p:3128",
            "http://u:s3cret%ff@p:3128",
            "http://u%3As3:cret@p:3128",
            "socks://u:s3cret@p:1",
            "socks4://u:s3cret@p:1",
            "socks4a://p:1",
            "socks5://u:s3/cret@p:1",
            "socks5h://u:s3cret@p:0",
            "socks6://p:1",
            "ftp://u:s3cret@p:1",
            "u:s3cret@://p",
            "http://",
            "https://",
            "socks5://",
            "http:///",
            "http://:3128",
            "http://u:s3cret@",
            "http://u:s3cret@:3128",
            "http://p:",
            "http://p:0",
            "http://p:65536",
            "http://p:+1",
            "http://p:3128x",
            "http://p:1:2",
            "::1:3128",
            "[::1",
            "[p]:1",
            "[::1]3128",
            "http://p:3128/path",
            "http://p%20q:1",
            "http://\u{e4}:1",
        ] {
            let Err(problem) = Address::parse(text) else {
                panic!("{text:?} was accepted");
            };
            assert!(!problem.contains("s3"), "{problem}");
        }
    }

    #[test]
    fn the_error_of_socks_4_names_the_supported_schemes() {
        for text in ["socks://p", "socks4://p", "SOCKS4a://p:1"] {
            let problem = Address::parse(text).unwrap_err();
            assert!(problem.contains("expected socks5://"), "{problem}");
        }
    }
}
