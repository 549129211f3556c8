//! A scripted file host, with one request per connection.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::http::{Request, listen, read};

/// The response of a host, and the end of the connection.
pub(crate) struct Answer {
    /// Before the first byte.
    pub(crate) delay: Duration,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// After the whole response.
    Whole,
    /// After so many bytes of the body, by a regular close.
    Closed(usize),
    /// After so many bytes of the body, by a reset.
    Reset(usize),
    /// Stalls after so many bytes of the body.
    Hangs(usize),
    /// After the whole response, with so many bytes of the body per second.
    Drips(usize),
    /// Stalls without a response.
    Silent,
}

/// The host.
pub(crate) struct FileHost {
    pub(crate) authority: String,
    /// The number of sent bytes of bodies.
    pub(crate) sent: Arc<AtomicU64>,
}

impl FileHost {
    /// Responds to the n-th request, counted from 1.
    pub(crate) fn start(
        answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (answer, requests) = (Arc::new(answer), Arc::<AtomicUsize>::default());
        let sent = Arc::<AtomicU64>::default();
        let counted = sent.clone();
        let authority = listen(move |stream| {
            let Some(request) = peek(&stream) else { return };
            let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
            // The client may have closed the connection.
            let _ = send(stream, &answer(number, &request), &counted);
        });
        Self { authority, sent }
    }

    /// Serves a file until so many bytes are sent in total, then stalls.
    pub(crate) fn stalling(file: Arc<[u8]>, after: u64) -> Self {
        let left = AtomicU64::new(after);
        Self::start(move |_, request| {
            let mut answer = right(&file, request);
            let length = answer.body.len() as u64;
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(length))
            });
            let before = before.unwrap();
            if before < length {
                answer.end = End::Hangs(usize::try_from(before).unwrap());
            }
            answer
        })
    }
}

/// The response of a correct host.
pub(crate) fn right(file: &[u8], request: &Request) -> Answer {
    const TAG: &str = "\"tag\"";
    let mut headers = vec![("etag", TAG.to_owned())];
    let is_same = request.header("if-range").is_none_or(|tag| tag == TAG);
    let range = request.range(file.len()).filter(|_| is_same);
    let (status, body) = match range {
        Some((first, last)) => {
            let range = format!("bytes {first}-{last}/{}", file.len());
            headers.push(("content-range", range));
            (206, file[first..=last].to_vec())
        }
        None => (200, file.to_vec()),
    };
    headers.push(("content-length", body.len().to_string()));
    Answer {
        delay: Duration::ZERO,
        status,
        headers,
        body,
        end: End::Whole,
    }
}

impl Answer {
    /// Sets an existing header.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        let mut headers = self.headers.iter_mut();
        if let Some((_, known)) = headers.find(|(known, _)| *known == name) {
            *known = value;
        }
    }
}

/// Reads a request without consuming it: closing a connection with unread bytes resets it.
fn peek(stream: &TcpStream) -> Option<Request> {
    let mut buffer = [0; 1 << 14];
    loop {
        let there = stream.peek(&mut buffer).ok().filter(|there| *there > 0)?;
        if buffer[..there].ends_with(b"\r\n\r\n") {
            return read(&mut BufReader::new(&buffer[..there]));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send(mut stream: TcpStream, answer: &Answer, sent: &AtomicU64) -> std::io::Result<()> {
    if !matches!(answer.end, End::Reset(_)) {
        let mut request = [0; 1 << 14];
        let _ = stream.read(&mut request)?;
    }
    std::thread::sleep(answer.delay);
    if answer.end == End::Silent {
        return hang(&mut stream);
    }
    let mut head = format!("HTTP/1.1 {} Said\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([*name, ": ", value.as_str(), "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let (most, step) = match answer.end {
        End::Closed(most) | End::Reset(most) | End::Hangs(most) => (most, 1 << 16),
        End::Drips(step) => (usize::MAX, step),
        End::Whole | End::Silent => (usize::MAX, 1 << 16),
    };
    for piece in answer.body[..most.min(answer.body.len())].chunks(step) {
        stream.write_all(piece)?;
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        if matches!(answer.end, End::Drips(_)) {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    match answer.end {
        End::Hangs(_) => hang(&mut stream),
        _ => Ok(()),
    }
}

/// Waits until the client closes the connection.
fn hang(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1 << 10];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}
