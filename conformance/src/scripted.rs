//! A scripted HTTP server: answers request by request as a case says, and keeps what it was sent.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::case::{Answer, Fault, RawBody};
use crate::fixture::OperationFixture;

/// A request as it stood on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// The method.
    pub method: String,
    /// The target, raw.
    pub target: String,
    /// The header lines: lower-case names, values as they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl WireRequest {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&line.1)
    }

    fn parse(head: &str, body: Vec<u8>) -> Option<Self> {
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
            body,
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

/// A server on a free port of this machine, until it is dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    /// Where it answers: `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Mutex<Shared>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    answers: VecDeque<Answer>,
    documented: OperationFixture,
    seen: Vec<WireRequest>,
}

impl ScriptedServer {
    /// Starts a server that gives each of `answers` once, over any number of connections, and
    /// closes the connection of every request beyond them.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn start(answers: &[Answer], documented: &OperationFixture) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Mutex::new(Shared {
            answers: answers.iter().cloned().collect(),
            documented: documented.clone(),
            seen: Vec::new(),
        }));
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Ok(Self {
            url,
            shared,
            accepting,
        })
    }

    /// The requests that came, in their order.
    pub fn requests(&self) -> Vec<WireRequest> {
        lock(&self.shared).seen.clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let bytes = {
            let mut shared = lock(&shared);
            shared.seen.push(request);
            let Some(answer) = shared.answers.pop_front() else {
                return;
            };
            if answer.fault == Some(Fault::Close) {
                return;
            }
            let close = answer.close;
            (bytes(&answer, &shared.documented), close)
        };
        if stream.write_all(&bytes.0).await.is_err() || bytes.1 {
            return;
        }
    }
}

/// Reads one request with a `Content-Length` or without a body.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<WireRequest> {
    loop {
        let end = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let request = WireRequest::parse(&head, Vec::new())?;
            let length: usize = match request.header("content-length") {
                Some(length) => length.parse().ok()?,
                None => 0,
            };
            let (start, stop) = (end + 4, end + 4 + length);
            if buffer.len() >= stop {
                let body = buffer[start..stop].to_vec();
                buffer.drain(..stop);
                return Some(WireRequest { body, ..request });
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// An answer as bytes.
fn bytes(answer: &Answer, documented: &OperationFixture) -> Vec<u8> {
    let status = answer.status.or(answer.documented).unwrap_or(200);
    let mut head = String::new();
    for interim in &answer.interim {
        let _ = write!(head, "HTTP/1.1 {}\r\n\r\n", line(*interim));
    }
    let _ = write!(head, "HTTP/1.1 {}\r\n", line(status));
    let body = match (&answer.body, answer.documented) {
        (Some(body), _) => body.clone(),
        (None, Some(status)) => {
            let media_type = documented.media_type(status);
            let _ = write!(head, "content-type: {media_type}\r\n");
            documented_body(answer, documented, status)
        }
        (None, None) => String::new(),
    };
    if answer.close {
        head.push_str("connection: close\r\n");
    }
    let mut bytes = head.into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend(format!("{name}: ").into_bytes());
        bytes.extend(latin1(&expanded(value)));
        bytes.extend(b"\r\n");
    }
    match &answer.raw {
        Some(RawBody::Chunked(chunks)) => {
            bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in chunks {
                bytes.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes());
            }
            bytes.extend(b"0\r\n\r\n");
        }
        None => bytes.extend(format!("content-length: {}\r\n\r\n{body}", body.len()).into_bytes()),
    }
    bytes
}

fn documented_body(answer: &Answer, documented: &OperationFixture, status: u16) -> String {
    let response = documented
        .responses
        .iter()
        .find(|response| response.status == status);
    let body = response.map_or_else(String::new, |response| response.body.to_string());
    if answer.envelope {
        format!("{{\"status\":{status},\"content\":{body}}}")
    } else {
        body
    }
}

fn line(status: u16) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unheard Of");
    format!("{status} {reason}")
}

/// Each character as one byte, as HTTP once had it.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).unwrap_or(b'?'))
        .collect()
}

/// The text with each `${c*N}` as N times c.
fn expanded(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else {
        return text.to_owned();
    };
    let Some((repeat, after)) = rest.split_once('}') else {
        return text.to_owned();
    };
    let repeated = repeat
        .split_once('*')
        .and_then(|(what, times)| Some(what.repeat(times.parse().ok()?)))
        .unwrap_or_default();
    format!("{before}{repeated}{}", expanded(after))
}
