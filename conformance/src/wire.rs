//! Reads requests of clients under test, and encodes the bytes of cases.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};

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
        let lines = self.headers.iter().filter(|(known, _)| known == name);
        let lines = lines.map(|(_, value)| value.clone());
        lines.reduce(|list, line| format!("{list}, {line}"))
    }

    fn parse(head: &str, at: Duration) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Some(Self {
            method: first.next()?.to_owned(),
            target: first.next()?.to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
            at,
        })
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

/// Reads one request: with a `Content-Length`, chunked, or without a body.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    started: Instant,
) -> Option<WireRequest> {
    let (mut request, head) = loop {
        let end = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            break (WireRequest::parse(&head, started.elapsed())?, end + 4);
        }
        more(stream, buffer).await?;
    };
    let chunked = request.header("transfer-encoding");
    let chunked = chunked.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let length: usize = match request.header("content-length") {
        Some(length) if !chunked => length.parse().ok()?,
        _ => 0,
    };
    loop {
        let rest = &buffer[head..];
        let whole = if chunked {
            dechunked(rest).ok()?
        } else {
            rest.get(..length).map(|body| (body.to_vec(), length))
        };
        if let Some((body, took)) = whole {
            request.body = body;
            buffer.drain(..head + took);
            return Some(request);
        }
        more(stream, buffer).await?;
    }
}

/// Reads more bytes; returns `None` at the end, or above the limit.
async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0 && buffer.len() <= LIMIT).then_some(())
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

/// Encodes a text as ISO 8859-1, once the encoding of HTTP headers.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).unwrap_or(b'?'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn requests(mut bytes: &[u8]) -> Vec<(String, String)> {
        let (mut buffer, mut all) = (Vec::new(), Vec::new());
        while let Some(request) = read(&mut bytes, &mut buffer, Instant::now()).await {
            let body = String::from_utf8(request.body).unwrap();
            all.push((request.target, body));
        }
        all
    }

    #[tokio::test]
    async fn requests_of_one_connection_are_separated_for_every_form_of_body() {
        let bytes = b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n\
            POST /2 HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n\
            POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\n{\"a\r\n3\r\n\":1\r\n1\r\n}\r\n0\r\nlast: one\r\n\r\n\
            GET /4 HTTP/1.1\r\n\r\n";
        let all = requests(bytes).await;
        let all: Vec<(&str, &str)> = all.iter().map(|(a, b)| (&**a, &**b)).collect();
        let expected = [
            ("/1", ""),
            ("/2", "\r\n\r\n"),
            ("/3", "{\"a\":1}"),
            ("/4", ""),
        ];
        assert_eq!(all, expected);
    }

    #[tokio::test]
    async fn an_invalid_or_incomplete_request_is_none() {
        for bytes in [
            "",
            "GET / HTTP/1.1\r\n",
            "GET\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n{}",
            "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffe\r\n{}",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{} \r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nno\r\n",
        ] {
            assert_eq!(requests(bytes.as_bytes()).await, [], "{bytes:?}");
        }
    }
}
