//! Reads responses from a connection, for the bugs that change or read them.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::request::{Headers, dechunked, end_of_head, latin1};
use crate::bug::Bug;

/// The bytes received in reply to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A complete response.
    Whole(Answer),
    /// The first bytes of a response that is not parsed: malformed, too long, or without an end.
    Rest(Vec<u8>),
    /// The bytes received before the connection closed.
    Ended(Vec<u8>),
}

/// A complete response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The raw interim responses.
    interim: Vec<u8>,
    status_line: String,
    pub(super) status: u16,
    headers: Headers,
    body: Vec<u8>,
    /// The raw bytes after the head: the body or its chunks.
    raw_body: Vec<u8>,
}

/// The maximum size of a head and of a body, in bytes.
const LIMIT: usize = 1 << 20;

impl Answer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.interim.clone();
        bytes.extend(format!("{}\r\n", self.status_line).into_bytes());
        self.headers.write(&mut bytes);
        bytes.extend(&self.raw_body);
        bytes
    }

    pub(super) fn without_retry_after(mut self) -> Self {
        self.headers.remove("retry-after");
        self
    }

    /// Returns the number of items in a page of a list.
    pub(super) fn results(&self) -> Option<usize> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let list = [&body["results"], &body["content"], &body];
        list.into_iter().find_map(Value::as_array).map(Vec::len)
    }

    /// Changes links to the server `from` into links to `to`.
    pub(super) fn relink(&mut self, from: &str, to: &str) {
        let body = String::from_utf8_lossy(&self.body);
        if body.contains(from) {
            self.set_body(body.replace(from, to).into_bytes());
        }
    }

    /// Replaces the status in an envelope by that of the status line.
    pub(super) fn ignore_envelope(&mut self) {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&self.body) else {
            return;
        };
        let is_envelope = fields.contains_key("content") || fields.contains_key("results");
        if is_envelope && fields.contains_key("status") {
            fields.insert("status".to_owned(), self.status.into());
            self.set_body(Value::Object(fields).to_string().into_bytes());
        }
    }

    fn set_body(&mut self, body: Vec<u8>) {
        self.headers.remove("transfer-encoding");
        self.headers.set("content-length", &body.len().to_string());
        self.raw_body.clone_from(&body);
        self.body = body;
    }
}

/// Whether a bug changes or reads responses.
pub(super) fn concerns(bug: Bug) -> bool {
    let names = [
        "envelope-status-ignored",
        "link-with-authorization",
        "list-read-to-its-first-page",
        "never-retries",
        "retries-what-must-not-be",
        "retry-after-ignored",
    ];
    names.contains(&bug.name)
}

/// Reads the reply to a request with this method. If the future is dropped, the received bytes stay
/// in `buffer`.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    method: &str,
) -> Reply {
    let mut start = 0;
    loop {
        let head = match end_of_head(&buffer[start..]) {
            Some(length) => start + length,
            None if buffer.len() > LIMIT => return Reply::Rest(std::mem::take(buffer)),
            None => match more(stream, buffer).await {
                Ok(()) => continue,
                Err(_) => return Reply::Ended(std::mem::take(buffer)),
            },
        };
        let Some((status_line, status, headers)) = parse(&buffer[start..head]) else {
            return Reply::Rest(std::mem::take(buffer));
        };
        if (100..200).contains(&status) {
            start = head;
            continue;
        }
        let empty = method == "HEAD" || status == 204 || status == 304;
        let length = headers.get("content-length").map(str::parse::<usize>);
        let whole = match length {
            _ if empty => Some((Vec::new(), 0)),
            _ if headers.is_chunked() => match dechunked(&buffer[head..]) {
                Ok(whole) => whole,
                Err(_) => return Reply::Rest(std::mem::take(buffer)),
            },
            Some(Ok(length)) if length <= LIMIT => {
                let body = buffer[head..].get(..length);
                body.map(|body| (body.to_vec(), length))
            }
            _ => return Reply::Rest(std::mem::take(buffer)),
        };
        if let Some((body, took)) = whole {
            let interim = buffer[..start].to_vec();
            let raw_body = buffer[head..head + took].to_vec();
            buffer.drain(..head + took);
            return Reply::Whole(Answer {
                interim,
                status_line,
                status,
                headers,
                body,
                raw_body,
            });
        }
        if buffer.len() > 4 * LIMIT {
            return Reply::Rest(std::mem::take(buffer));
        }
        if more(stream, buffer).await.is_err() {
            return Reply::Ended(std::mem::take(buffer));
        }
    }
}

fn parse(head: &[u8]) -> Option<(String, u16, Headers)> {
    let head = latin1(head);
    let mut lines = head.split("\r\n");
    let status_line = lines.next()?;
    let rest = status_line.strip_prefix("HTTP/1.")?;
    let status = rest.split(' ').nth(1)?.parse().ok()?;
    // Invalid header lines would be lost.
    let mut headers = lines.clone().filter(|line| !line.is_empty());
    let valid = headers.all(|line| line.contains(':') && !line.starts_with([' ', '\t']));
    valid.then(|| (status_line.to_owned(), status, Headers::parse(lines)))
}

async fn more(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reply(mut bytes: &[u8]) -> Reply {
        read(&mut bytes, &mut Vec::new(), "GET").await
    }

    #[tokio::test]
    async fn a_complete_response_is_relayed_unchanged() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ] {
            let Reply::Whole(answer) = reply(bytes.as_bytes()).await else {
                panic!("{bytes:?}");
            };
            assert_eq!(String::from_utf8(answer.to_bytes()).unwrap(), bytes);
        }
    }

    #[tokio::test]
    async fn an_invalid_or_incomplete_response_is_relayed_unchanged() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}";
        assert_eq!(reply(cut).await, Reply::Ended(cut.to_vec()));
        assert_eq!(reply(b"").await, Reply::Ended(Vec::new()));
        for bytes in [
            "ICY 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno header\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nuntil the end",
            "HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno\r\n",
        ] {
            let rest = Reply::Rest(bytes.as_bytes().to_vec());
            assert_eq!(reply(bytes.as_bytes()).await, rest);
        }
    }

    #[tokio::test]
    async fn a_changed_body_has_its_length() {
        let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
            1b\r\n{\"status\":404,\"content\":{}}\r\n0\r\n\r\n";
        let Reply::Whole(mut answer) = reply(bytes).await else {
            panic!("not read");
        };
        answer.ignore_envelope();
        let seen = String::from_utf8(answer.to_bytes()).unwrap();
        assert!(seen.contains("content-length: 27\r\n\r\n{"), "{seen}");
        assert!(seen.contains("\"status\":200"), "{seen}");
    }
}
