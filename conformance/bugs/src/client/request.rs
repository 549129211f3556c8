//! Reads requests from a connection.

use std::io::Write as _;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request. Each byte of a header value is one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

/// Header lines in order, with unchanged names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Headers(pub(super) Vec<(String, String)>);

impl Headers {
    pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let lines = lines.filter_map(|line| line.split_once(':'));
        let lines = lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self(lines.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let line = self.0.iter().find(|line| line.0.eq_ignore_ascii_case(name));
        line.map(|(_, value)| value.as_str())
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|line| !line.0.eq_ignore_ascii_case(name));
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.append(name, value);
    }

    pub(super) fn append(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Whether the body is chunked.
    pub(super) fn is_chunked(&self) -> bool {
        self.get("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            let _ = write!(bytes, "{name}: ");
            bytes.extend(value.chars().map(|byte| u8::try_from(byte).unwrap_or(b'?')));
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"\r\n");
    }
}

impl Request {
    /// Reads a request and its bytes; `None` at the end, or if the request is not valid.
    pub(super) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut Vec<u8>,
    ) -> Option<(Self, Vec<u8>)> {
        let start = loop {
            if let Some(start) = end_of_head(buffer) {
                break start;
            }
            more(stream, buffer).await?;
        };
        let head = latin1(&buffer[..start]);
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers = Headers::parse(lines);
        let length = match headers.get("content-length") {
            Some(length) if !headers.is_chunked() => length.parse().ok()?,
            _ => 0,
        };
        let (body, took) = loop {
            let rest = &buffer[start..];
            let whole = if headers.is_chunked() {
                dechunked(rest).ok()?
            } else {
                rest.get(..length).map(|body| (body.to_vec(), length))
            };
            match whole {
                Some(whole) => break whole,
                None => more(stream, buffer).await?,
            }
        };
        let bytes = buffer.drain(..start + took).collect();
        let request = Self {
            method,
            target,
            headers,
            body,
        };
        Some((request, bytes))
    }

    /// Returns the request as bytes, with the length of its body.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut headers = self.headers.clone();
        headers.remove("transfer-encoding");
        let had_length = headers.get("content-length").is_some();
        headers.remove("content-length");
        if had_length || !self.body.is_empty() {
            headers.append("content-length", &self.body.len().to_string());
        }
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        headers.write(&mut bytes);
        bytes.extend(&self.body);
        bytes
    }

    /// Returns the path of the target.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Adds a parameter to the query.
    pub(super) fn add_query(&mut self, parameter: &str) {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        self.target = format!("{}{mark}{parameter}", self.target);
    }

    /// Removes a parameter from the query.
    pub(super) fn remove_query(&mut self, parameter: &str) {
        let Some((path, query)) = self.target.split_once('?') else {
            return;
        };
        let rest: Vec<&str> = query.split('&').filter(|it| *it != parameter).collect();
        self.target = if rest.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", rest.join("&"))
        };
    }
}

/// The maximum size of a request, in bytes.
const LIMIT: usize = 64 << 20;

/// Returns the length of the head, including the empty line.
pub(super) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    end.map(|end| end + 4)
}

/// Decodes ISO 8859-1.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0 && buffer.len() <= LIMIT).then_some(())
}

/// Decodes a chunked body (RFC 9112 section 7.1). Returns the body and the number of bytes read, or
/// `None` if it is incomplete. Trailers are skipped.
pub(super) fn dechunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, httparse::Error> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let size = httparse::parse_chunk_size(&bytes[at..]);
        let httparse::Status::Complete((line, size)) = size.map_err(|_| httparse::Error::Token)?
        else {
            return Ok(None);
        };
        let start = at + line;
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn requests(mut bytes: &[u8]) -> Vec<(Request, Vec<u8>)> {
        let (mut buffer, mut all) = (Vec::new(), Vec::new());
        while let Some(request) = Request::read(&mut bytes, &mut buffer).await {
            all.push(request);
        }
        all
    }

    #[tokio::test]
    async fn requests_of_one_connection_are_separated() {
        let each: [&[u8]; 4] = [
            b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n",
            b"POST /2 HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
            b"POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
              3;x=y\r\n{\"a\r\n3\r\n\":1\r\n1\r\n}\r\n0\r\nlast: one\r\n\r\n",
            b"GET /4 HTTP/1.1\r\nname: caf\xe9\r\n\r\n",
        ];
        let all = requests(&each.concat()).await;
        let bytes: Vec<&[u8]> = all.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        assert_eq!(bytes, each);
        assert_eq!(all[2].0.body, b"{\"a\":1}");
        assert_eq!(all[3].0.to_bytes(), each[3]);
    }

    #[tokio::test]
    async fn a_request_that_is_invalid_or_cut_is_none() {
        for bytes in [
            "",
            "GET / HTTP/1.1\r\n",
            "GET\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n{}",
            "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffe\r\n{}",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nno\r\n",
        ] {
            assert_eq!(requests(bytes.as_bytes()).await, [], "{bytes:?}");
        }
    }

    #[test]
    fn a_parameter_is_added_and_removed() {
        let mut request = Request {
            method: "GET".to_owned(),
            target: "/a?envelope=true&b=1".to_owned(),
            headers: Headers::default(),
            body: Vec::new(),
        };
        request.remove_query("envelope=true");
        assert_eq!(request.target, "/a?b=1");
        request.remove_query("b=1");
        request.add_query("c=2");
        request.add_query("d=3");
        assert_eq!((&*request.target, request.path()), ("/a?c=2&d=3", "/a"));
    }
}
