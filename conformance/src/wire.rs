//! Reads requests of clients under test, and encodes the bytes of cases.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::difference::Difference;

/// A request as received.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// The method.
    pub method: String,
    /// The raw target.
    pub target: String,
    /// The header lines: lowercase names, raw values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The time of receipt since the server's start.
    pub at: Duration,
}

impl WireRequest {
    /// Returns the first header with this lowercase name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&line.1)
    }

    /// Returns all headers with this name as one list (RFC 9110 section 5.3).
    pub(crate) fn list(&self, name: &str) -> Option<String> {
        let lines = self.values(name).map(str::to_owned);
        lines.reduce(|list, line| format!("{list}, {line}"))
    }

    /// Parses the head of a request to a server with this authority (RFC 9112 sections 2 to 5).
    /// Returns its length, too; `None` if it is incomplete.
    fn parse(
        bytes: &[u8],
        authority: &str,
        at: Duration,
    ) -> Result<Option<(Self, usize)>, Malformed> {
        let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
        let mut parsed = httparse::Request::new(&mut lines);
        let httparse::Status::Complete(length) = parsed.parse(bytes)? else {
            return Ok(None);
        };
        let mut ends = bytes[..length].windows(2);
        if ends.any(|two| two[1] == b'\n' && two[0] != b'\r') {
            return Err(Malformed::LineFeed);
        }
        let headers = parsed.headers.iter().map(|line| {
            let value = String::from_utf8_lossy(line.value);
            (line.name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let request = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            target: parsed.path.unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
            at,
        };
        let hosts: Vec<&str> = request.values("host").collect();
        // HTTP/1.0 has no Host.
        let may_lack = hosts.is_empty() && parsed.version == Some(0);
        if !may_lack && hosts != [authority] {
            return Err(Malformed::Host {
                seen: hosts.join(" and "),
                expected: authority.to_owned(),
            });
        }
        Ok(Some((request, length)))
    }

    /// The form of the body (RFC 9112 section 6).
    fn framing(&self) -> Result<Framing, Malformed> {
        let lengths: Vec<&str> = self.values("content-length").collect();
        let codings: Vec<&str> = self.values("transfer-encoding").collect();
        match (&*lengths, &*codings) {
            ([], []) => Ok(Framing::Length(0)),
            ([length], []) if is_number(length) => {
                let length = length.parse().ok().filter(|length| *length <= LIMIT);
                length.map(Framing::Length).ok_or(Malformed::TooLong)
            }
            (_, []) => Err(Malformed::Length),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            ([], _) => Err(Malformed::Coding),
            _ => Err(Malformed::LengthAndCoding),
        }
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.headers.iter().filter(move |(known, _)| known == name);
        lines.map(|(_, value)| value.as_str())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The form of a request's body.
enum Framing {
    /// The number of bytes.
    Length(usize),
    Chunked,
}

/// Bytes that are no valid request of HTTP/1.1, or one in a form that this server does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("{0}")]
    Syntax(#[from] httparse::Error),
    #[error("a line that ends with LF alone")]
    LineFeed,
    #[error("Host {seen:?} instead of one Host, {expected:?}")]
    Host { seen: String, expected: String },
    #[error("Content-Length is not one number")]
    Length,
    #[error("a Transfer-Encoding that is not \"chunked\"")]
    Coding,
    #[error("both Content-Length and Transfer-Encoding")]
    LengthAndCoding,
    #[error("more than 64 MiB")]
    TooLong,
}

impl Malformed {
    /// Returns the difference from a valid request.
    pub(crate) fn difference(&self) -> Difference {
        Difference::new("request", "valid HTTP/1.1 (RFC 9112)", self)
    }
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}

/// The maximum size of a request, in bytes.
const LIMIT: usize = 64 << 20;
/// The maximum number of header lines.
const MAX_LINES: usize = 100;

/// Reads one request to a server with this authority: with a `Content-Length`, chunked, or without a
/// body. Returns `None` at the end, also within a request: a client may give up.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    authority: &str,
    started: Instant,
) -> Result<Option<WireRequest>, Malformed> {
    let (mut request, head) = loop {
        match WireRequest::parse(buffer, authority, started.elapsed())? {
            Some(parsed) => break parsed,
            None if more(stream, buffer).await? => {}
            None => return Ok(None),
        }
    };
    let framing = request.framing()?;
    loop {
        let rest = &buffer[head..];
        let whole = match framing {
            Framing::Chunked => dechunked(rest)?,
            Framing::Length(length) => rest.get(..length).map(|body| (body.to_vec(), length)),
        };
        if let Some((body, took)) = whole {
            request.body = body;
            buffer.drain(..head + took);
            return Ok(Some(request));
        }
        if !more(stream, buffer).await? {
            return Ok(None);
        }
    }
}

/// Reads more bytes; returns `false` at the end.
async fn more(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<bool, Malformed> {
    let read = stream.read_buf(buffer).await.unwrap_or_default();
    if buffer.len() > LIMIT {
        return Err(Malformed::TooLong);
    }
    Ok(read > 0)
}

/// Decodes a chunked body (RFC 9112 section 7.1). Returns the body and the number of bytes read, or
/// `None` if it is incomplete. Trailers are skipped.
pub(crate) fn dechunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, httparse::Error> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let size = httparse::parse_chunk_size(&bytes[at..]);
        let (start, size) = match size.map_err(|_| httparse::Error::Token)? {
            httparse::Status::Complete((line, size)) => (at + line, size),
            httparse::Status::Partial => return Ok(None),
        };
        if size == 0 {
            let mut trailers = [httparse::EMPTY_HEADER; 16];
            let end = httparse::parse_headers(&bytes[start..], &mut trailers)?;
            return Ok(match end {
                httparse::Status::Complete((end, _)) => Some((body, start + end)),
                httparse::Status::Partial => None,
            });
        }
        let end = usize::try_from(size).ok();
        let end = end.and_then(|size| start.checked_add(size)?.checked_add(2));
        let Some(chunk) = end.and_then(|end| bytes.get(start..end)) else {
            return Ok(None);
        };
        let data = chunk.strip_suffix(b"\r\n");
        body.extend_from_slice(data.ok_or(httparse::Error::NewLine)?);
        at = start + chunk.len();
    }
}

/// Returns the authority of a base URL.
pub(crate) fn authority(url: &str) -> &str {
    url.split_once("://")
        .map_or(url, |(_, authority)| authority)
}

/// Encodes a text as ISO 8859-1, once the encoding of HTTP headers.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).unwrap_or(b'?'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The targets and bodies of the requests of a connection, and what ended it.
    async fn requests(mut bytes: &[u8]) -> (Vec<(String, String)>, Result<(), Malformed>) {
        let (mut buffer, mut all) = (Vec::new(), Vec::new());
        loop {
            match read(&mut bytes, &mut buffer, "a:1", Instant::now()).await {
                Ok(Some(request)) => {
                    let body = String::from_utf8(request.body).unwrap();
                    all.push((request.target, body));
                }
                Ok(None) => return (all, Ok(())),
                Err(malformed) => return (all, Err(malformed)),
            }
        }
    }

    #[tokio::test]
    async fn requests_of_one_connection_are_separated_for_every_form_of_body() {
        let bytes = b"GET /1 HTTP/1.1\r\nhost: a:1\r\n\r\n\
            POST /2 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 4\r\n\r\n\r\n\r\n\
            POST /3 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\n{\"a\r\n3\r\n\":1\r\n1\r\n}\r\n0\r\nlast: one\r\n\r\n\
            GET /4 HTTP/1.0\r\n\r\n";
        let (all, end) = requests(bytes).await;
        let all: Vec<(&str, &str)> = all.iter().map(|(a, b)| (&**a, &**b)).collect();
        let expected = [
            ("/1", ""),
            ("/2", "\r\n\r\n"),
            ("/3", "{\"a\":1}"),
            ("/4", ""),
        ];
        assert_eq!((&*all, end), (&expected[..], Ok(())));
    }

    #[tokio::test]
    async fn a_connection_may_end_before_a_request_and_within_one() {
        for bytes in [
            "",
            "GET / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nhost: a:1\r\ncontent-length: 3\r\n\r\n{}",
            "POST / HTTP/1.1\r\nhost: a:1\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}",
        ] {
            assert_eq!(
                requests(bytes.as_bytes()).await,
                (vec![], Ok(())),
                "{bytes:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_request_of_http_is_refused_with_its_reason() {
        let host = |seen: &str| Malformed::Host {
            seen: seen.to_owned(),
            expected: "a:1".to_owned(),
        };
        let token = || Malformed::Syntax(httparse::Error::Token);
        for (bytes, expected) in [
            ("GET /\r\nhost: a:1\r\n\r\n", token()),
            (
                "GET / FOO/9.9\r\nhost: a:1\r\n\r\n",
                Malformed::Syntax(httparse::Error::Version),
            ),
            (
                "GET / HTTP/1.1 x\r\nhost: a:1\r\n\r\n",
                Malformed::Syntax(httparse::Error::NewLine),
            ),
            ("GET / HTTP/1.1\nhost: a:1\n\n", Malformed::LineFeed),
            ("GET / HTTP/1.1\r\n\r\n", host("")),
            ("GET / HTTP/1.1\r\nhost: b\r\n\r\n", host("b")),
            (
                "GET / HTTP/1.1\r\nhost: a:1\r\nhost: a:1\r\n\r\n",
                host("a:1 and a:1"),
            ),
            (
                "GET / HTTP/1.1\r\nhost: a:1\r\nno colon\r\n\r\n",
                Malformed::Syntax(httparse::Error::HeaderName),
            ),
            (
                "GET / HTTP/1.1\r\nhost: a:1\r\nx : y\r\n\r\n",
                Malformed::Syntax(httparse::Error::HeaderName),
            ),
            (
                "GET / HTTP/1.1\r\nhost: a:1\r\nx: \u{1}\r\n\r\n",
                Malformed::Syntax(httparse::Error::HeaderValue),
            ),
            ("GET / HTTP/1.1\r\nhost: a:1\r\n\r\n{}", token()),
        ] {
            assert_eq!(
                requests(bytes.as_bytes()).await.1,
                Err(expected),
                "{bytes:?}"
            );
        }
        let chunked = "transfer-encoding: chunked\r\n";
        for (lines, body, expected) in [
            (
                "content-length: 18446744073709551616\r\n",
                "{}",
                Malformed::TooLong,
            ),
            ("content-length: 99999999\r\n", "{}", Malformed::TooLong),
            ("content-length: -1\r\n", "{}", Malformed::Length),
            ("content-length:\r\n", "{}", Malformed::Length),
            ("content-length: +2\r\n", "{}", Malformed::Length),
            (
                "content-length: 2\r\ncontent-length: 3\r\n",
                "{}",
                Malformed::Length,
            ),
            ("content-length: 2, 2\r\n", "{}", Malformed::Length),
            (
                "content-length: 2\r\ntransfer-encoding: chunked\r\n",
                "{}",
                Malformed::LengthAndCoding,
            ),
            (
                "transfer-encoding: gzip, chunked\r\n",
                "{}",
                Malformed::Coding,
            ),
            (chunked, "fffffffffffffffff\r\n{}", token()),
            (
                chunked,
                "2\r\n{} \r\n0\r\n\r\n",
                Malformed::Syntax(httparse::Error::NewLine),
            ),
            (chunked, "no\r\n", token()),
        ] {
            let bytes = format!("POST / HTTP/1.1\r\nhost: a:1\r\n{lines}\r\n{body}");
            let (all, end) = requests(bytes.as_bytes()).await;
            assert_eq!((all, end), (vec![], Err(expected)), "{bytes:?}");
        }
    }
}
