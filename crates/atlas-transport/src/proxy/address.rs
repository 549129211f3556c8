//! The address of a proxy, `[http://][user[:password]@]host[:port][/]`.

use std::fmt;
use std::net::Ipv6Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// A proxy that speaks plain HTTP. `Debug` does not show it, since it may hold a password.
#[derive(Clone)]
pub(crate) struct Address {
    /// Where it is, without user and password.
    pub(crate) uri: Uri,
    /// Its `Proxy-Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Address {
    /// Parses an address; without a scheme it is `http`, as in curl. What is wrong is told without
    /// quoting anything, since any part may be a piece of a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\u{feff}')
        {
            return Err("it contains white space or a line break; percent-encode a space as %20");
        }
        let rest = match text.split_once("://") {
            None => text,
            Some((scheme, rest)) => {
                check_scheme(scheme)?;
                rest
            }
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
        check_host(host)?;
        let authorization = user.map(basic).transpose()?;
        let uri = format!("http://{host}/").parse().map_err(|_| EXPECTED)?;
        Ok(Self { uri, authorization })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address([hidden])")
    }
}

const EXPECTED: &str = "expected http://[user:password@]host:port";

fn check_scheme(scheme: &str) -> Result<(), &'static str> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(()),
        "https" => Err("https:// proxies are not supported; expected http://host:port"),
        scheme if scheme.starts_with("socks") => {
            Err("SOCKS proxies are not supported; expected http://host:port")
        }
        _ => Err("its scheme is not supported; expected http://host:port"),
    }
}

fn check_host(text: &str) -> Result<(), &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(EXPECTED)?;
            host.parse::<Ipv6Addr>().map_err(|_| EXPECTED)?;
            match port {
                "" => return Ok(()),
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
        return Ok(());
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err("its port is not a number from 1 to 65535"),
    }
}

/// HTTP Basic (RFC 7617) of a user's part, once its percent-encoding is decoded.
fn basic(user: &str) -> Result<HeaderValue, &'static str> {
    let mut bytes = user.bytes();
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
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8();
        text.map_err(|_| "its user or password is not UTF-8 once decoded")
    };
    let pair = format!("{}:{}", decoded(name)?, decoded(password)?);
    let value = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&value).map_err(|_| EXPECTED)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<String>)> {
        let address = Address::parse(text).ok()?;
        let authorization = address.authorization.map(|value| {
            let value = value.to_str().unwrap().to_owned();
            let encoded = value.strip_prefix("Basic ").unwrap();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        });
        Some((address.uri.authority().unwrap().to_string(), authorization))
    }

    #[test]
    fn addresses_are_read_as_curl_reads_them() {
        for (text, host, authorization) in [
            ("http://p:3128", "p:3128", None),
            ("HTTP://p.example/", "p.example", None),
            ("p:3128", "p:3128", None),
            ("127.0.0.1:1", "127.0.0.1:1", None),
            ("http://[::1]:3128", "[::1]:3128", None),
            ("[::1]", "[::1]", None),
            ("u:p@p:3128", "p:3128", Some("u:p")),
            ("http://us%65r:a%20b%40c:d@p:1", "p:1", Some("user:a b@c:d")),
            ("http://u@p", "p", Some("u:")),
            ("http://%C3%BC:%C3%A4@p", "p", Some("\u{fc}:\u{e4}")),
        ] {
            let expected = (host.to_owned(), authorization.map(str::to_owned));
            assert_eq!(parsed(text), Some(expected), "{text}");
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
            "socks5://u:s3cret@p:1",
            "socks4a://p:1",
            "https://u:s3cret@p:1",
            "ftp://u:s3cret@p:1",
            "u:s3cret@://p",
            "http://",
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
                panic!("{text:?} was taken");
            };
            assert!(!problem.contains("s3"), "{problem}");
        }
    }
}
