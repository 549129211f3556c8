//! A scripted HTTP server: answers request by request as a case says, and keeps what it was sent.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atlas_catalog::Operation;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::case::{AnswerFault, RawBody, ScriptedAnswer};
use crate::fixtures::{example, operation};
use crate::variables::Variables;
use crate::wire::{WireRequest, latin1, read};

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
    answers: VecDeque<ScriptedAnswer>,
    operation: String,
    url: String,
    started: Instant,
    seen: Vec<WireRequest>,
    /// Both sides of the wire, as text.
    conversation: String,
}

impl ScriptedServer {
    /// Starts a server that gives each of `answers` once, over any number of connections, and
    /// closes the connection of every request beyond them. Documented answers are those of
    /// `operation`.
    ///
    /// # Errors
    /// Fails if no port can be bound.
    pub async fn start(answers: &[ScriptedAnswer], operation: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Mutex::new(Shared {
            answers: answers.iter().cloned().collect(),
            operation: operation.to_owned(),
            url: url.clone(),
            started: Instant::now(),
            seen: Vec::new(),
            conversation: String::new(),
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

    /// Everything that went over the wire, as text.
    pub fn conversation(&self) -> String {
        lock(&self.shared).conversation.clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What connections share; a panic elsewhere has left it whole.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let _ = stream.set_nodelay(true);
    let started = lock(&shared).started;
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer, started).await {
        let (answer, bytes) = {
            let mut shared = lock(&shared);
            let _ = writeln!(shared.conversation, "> {request:?}\n");
            shared.seen.push(request);
            let Some(answer) = shared.answers.pop_front() else {
                shared
                    .conversation
                    .push_str("< (closed: no answer was left)\n\n");
                return;
            };
            let bytes = Bytes::of(&answer, &shared.operation, &shared.url);
            let _ = writeln!(shared.conversation, "< {}\n", bytes.shown(answer.fault));
            (answer, bytes)
        };
        tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
        if bytes.write(&mut stream, answer.fault).await.is_err() || answer.close {
            return;
        }
    }
}

/// An answer as it goes out.
struct Bytes {
    head: Vec<u8>,
    body: Vec<u8>,
    /// How many bytes more of filling come after `body`.
    filling: u64,
}

impl Bytes {
    fn of(answer: &ScriptedAnswer, operation: &str, url: &str) -> Self {
        let status = answer.status.or(answer.documented).unwrap_or(200);
        let mut head = String::new();
        for interim in &answer.interim {
            let _ = write!(head, "HTTP/1.1 {}\r\n\r\n", line(*interim));
        }
        let _ = write!(head, "HTTP/1.1 {}\r\n", line(status));
        let typed = answer
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let mut is_gzip = false;
        let body = match (&answer.body, &answer.json, answer.documented) {
            (Some(body), ..) => body.clone(),
            (None, Some(json), _) => {
                if !typed {
                    let media_type = if (200..300).contains(&status) {
                        let version = newest(operation);
                        format!("application/vnd.atlas.{version}+json;charset=utf-8")
                    } else {
                        "application/json".to_owned()
                    };
                    let _ = write!(head, "content-type: {media_type}\r\n");
                }
                let json = json.to_string().replace("${url}", url);
                enveloped(answer.envelope, status, json)
            }
            (None, None, Some(status)) => {
                let (media_type, body) = documented(operation, status);
                is_gzip = media_type.ends_with("+gzip");
                if !media_type.is_empty() && !typed {
                    let _ = write!(head, "content-type: {media_type}\r\n");
                }
                enveloped(answer.envelope, status, body)
            }
            (None, None, None) => String::new(),
        };
        if answer.close {
            head.push_str("connection: close\r\n");
        }
        let mut head = head.into_bytes();
        for (name, value) in &answer.headers {
            head.extend(format!("{name}: ").into_bytes());
            head.extend(latin1(&expanded(value)));
            head.extend(b"\r\n");
        }
        let filling = answer.generated.unwrap_or(0);
        let body = match &answer.raw {
            Some(RawBody::Bytes(bytes)) => {
                head = latin1(&expanded(bytes));
                Vec::new()
            }
            Some(RawBody::Chunked(chunks)) => {
                head.extend(b"transfer-encoding: chunked\r\n\r\n");
                let chunk = |chunk: &String| format!("{:x}\r\n{chunk}\r\n", chunk.len());
                let chunks: String = chunks.iter().map(chunk).collect();
                format!("{chunks}0\r\n\r\n").into_bytes()
            }
            None => {
                let body = if is_gzip {
                    latin1(&body)
                } else {
                    body.into_bytes()
                };
                let length = answer
                    .length
                    .unwrap_or((body.len() as u64).saturating_add(filling));
                if status != 204 && status != 304 {
                    head.extend(format!("content-length: {length}\r\n").into_bytes());
                }
                head.extend(b"\r\n");
                body
            }
        };
        Self {
            head,
            body,
            filling,
        }
    }

    /// Sends it, as far as a fault lets it.
    async fn write(&self, stream: &mut TcpStream, fault: Option<AnswerFault>) -> io::Result<()> {
        let (stop, stall) = match fault {
            None => (u64::MAX, false),
            Some(AnswerFault::Close) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(AnswerFault::Stall) => return std::future::pending().await,
            Some(AnswerFault::BreakAt(bytes)) => (bytes, false),
            Some(AnswerFault::StallAt(bytes)) => (bytes, true),
        };
        stream.write_all(&self.head).await?;
        let body = self
            .body
            .len()
            .min(usize::try_from(stop).unwrap_or(usize::MAX));
        stream.write_all(&self.body[..body]).await?;
        let mut left = self
            .filling
            .min(stop.saturating_sub(self.body.len() as u64));
        while left > 0 {
            let piece = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(FILLING.len());
            stream.write_all(&FILLING[..piece]).await?;
            left -= piece as u64;
        }
        stream.flush().await?;
        if stall {
            return std::future::pending().await;
        }
        match fault {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn shown(&self, fault: Option<AnswerFault>) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let body = String::from_utf8_lossy(&self.body);
        let mut shown = format!("{head}{body}");
        if self.filling > 0 {
            let _ = write!(shown, "({} bytes of filling)", self.filling);
        }
        if let Some(fault) = fault {
            let _ = write!(shown, "({fault:?})");
        }
        shown
    }
}

/// What a generated body is made of.
static FILLING: [u8; 1 << 16] = [b' '; 1 << 16];

fn enveloped(envelope: bool, status: u16, body: String) -> String {
    if !envelope {
        return body;
    }
    // A list keeps its shape and gains the status.
    match body.strip_prefix("{") {
        Some(rest) if body.contains("\"results\":") => format!("{{\"status\":{status},{rest}"),
        _ => format!("{{\"status\":{status},\"content\":{body}}}"),
    }
}

/// The media type and body of an operation's documented answer.
fn documented(id: &str, status: u16) -> (String, String) {
    if let Ok(page) = operation(id) {
        let mut responses = page.responses.iter();
        let response = responses.find(|response| response.status == status);
        let body = response.map_or_else(String::new, |response| response.body.to_string());
        return (page.media_type(status), body);
    }
    let Some(example) = example(id).filter(|example| example.status == status) else {
        return ("application/json".to_owned(), error_body(status));
    };
    let format = example.format.as_deref().unwrap_or("json");
    let media_type = format!("application/vnd.atlas.{}+{format}", example.version);
    let world = Variables::default_world().unwrap_or_default();
    match &example.response {
        Some(body) => (
            media_type + ";charset=utf-8",
            world.fill_json(body).to_string(),
        ),
        None if format == "json" => (String::new(), String::new()),
        None if format == "gzip" => (media_type, gzip("a line\n")),
        None => (media_type, "some,text\n".to_owned()),
    }
}

/// A text as gzip, each byte as the character with its number.
fn gzip(text: &str) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    // Writing to memory does not fail.
    let _ = gzip.write_all(text.as_bytes());
    let bytes = gzip.finish().unwrap_or_default();
    bytes.into_iter().map(char::from).collect()
}

/// The newest version of an operation.
fn newest(id: &str) -> &'static str {
    let version = Operation::find(id).and_then(|operation| operation.version(None));
    version.map_or("2023-01-01", |version| &version.name)
}

/// An error body as Atlas sends it.
fn error_body(status: u16) -> String {
    let reason = reason(status);
    serde_json::json!({
        "detail": "The request was refused.", "error": status, "errorCode": "UNEXPECTED_ERROR",
        "parameters": [], "reason": reason,
    })
    .to_string()
}

fn line(status: u16) -> String {
    format!("{status} {}", reason(status))
}

/// The reason phrase of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|it| it.canonical_reason())
        .unwrap_or("Unheard Of")
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
