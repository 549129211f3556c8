//! A scripted peer on a real socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The address of a scripted peer, and the requests to it.
pub(crate) struct Peer {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// The request lines so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Responds to each request with the status and JSON that `answer` returns for its method and path.
pub(crate) fn peer(answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> Peer {
    raw_peer(move |method, path| {
        let (status, body) = answer(method, path);
        response(status, "content-type: application/json", &body)
    })
}

/// As [`peer`], with more header lines, each with its line break.
pub(crate) fn peer_with_headers(
    answer: impl Fn(&str, &str) -> (u16, &'static str, String) + Send + 'static,
) -> Peer {
    raw_peer(move |method, path| {
        let (status, headers, body) = answer(method, path);
        let headers = format!("{headers}content-type: application/json");
        response(status, &headers, &body)
    })
}

/// A response with one header in addition to the required ones.
pub(crate) fn response(status: u16, header: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\n{header}\r\nconnection: close\r\ncontent-length: \
         {length}\r\n\r\n{body}"
    )
}

/// Responds to each request with the bytes that `answer` returns for its method and path.
pub(crate) fn raw_peer(answer: impl Fn(&str, &str) -> String + Send + 'static) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::default();
    let log: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let Some(line) = request_line(&mut stream) else {
                continue;
            };
            log.lock().unwrap().push(line.clone());
            let mut words = line.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap_or_default());
            let path = path.split('?').next().unwrap();
            // The client may have closed the connection.
            let _ = stream.write_all(answer(method, path).as_bytes());
        }
    });
    Peer { url, asked }
}

/// Reads a request to its end and returns its first line; `None` at the end of the connection.
pub(crate) fn request_line(stream: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_lowercase();
            let length = lower.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                return head.lines().next().map(str::to_owned);
            }
        }
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok()?;
        if read == 0 {
            return None;
        }
        seen.extend_from_slice(&buffer[..read]);
    }
}
