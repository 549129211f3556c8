//! A TCP peer that plays a script.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One step of a connection's script.
pub(crate) enum Act {
    /// Reads one request, head and body.
    Read,
    /// Reads this many bytes.
    Take(usize),
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes repeatedly; endlessly if `times` is `None`.
    Flood { piece: Vec<u8>, times: Option<u64> },
    /// Sends byte by byte, slowly.
    Drip(Vec<u8>),
    /// Does nothing until the other side closes.
    Stall,
    /// Resets the connection.
    Reset,
}

/// The time between two bytes of a drip.
pub(crate) const DRIP: Duration = Duration::from_millis(20);

/// Returns a step that sends text.
pub(crate) fn send(text: impl Into<Vec<u8>>) -> Act {
    Act::Send(text.into())
}

/// Returns a complete response with a length.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Act::Send(bytes)
}

/// A peer that plays the n-th script on the n-th connection and then closes it. Connections beyond
/// the last script are closed immediately.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Peer {
    pub(crate) async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (log, count) = (seen.clone(), connections.clone());
        tokio::spawn(async move {
            let mut scripts = scripts.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                let script = scripts.next().unwrap_or_default();
                tokio::spawn(play(stream, script, log.clone()));
            }
        });
        Self {
            address,
            seen,
            connections,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the received requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn play(mut stream: TcpStream, script: Vec<Act>, seen: Arc<Mutex<Vec<String>>>) {
    stream.set_nodelay(true).unwrap();
    for act in script {
        // The script ends if the client closes.
        let done = match act {
            Act::Read => match read(&mut stream).await {
                Some(request) => {
                    seen.lock().unwrap().push(request);
                    Ok(())
                }
                None => return,
            },
            Act::Take(count) => stream.read_exact(&mut vec![0; count]).await.map(drop),
            Act::Send(bytes) => stream.write_all(&bytes).await,
            Act::Flood { piece, times } => flood(&mut stream, &piece, times).await,
            Act::Drip(bytes) => drip(&mut stream, &bytes).await,
            Act::Stall => stall(&mut stream).await,
            Act::Reset => stream.set_zero_linger(),
        };
        if done.is_err() {
            return;
        }
    }
}

async fn flood(stream: &mut TcpStream, piece: &[u8], times: Option<u64>) -> std::io::Result<()> {
    let mut sent = 0;
    while times.is_none_or(|times| sent < times) {
        stream.write_all(piece).await?;
        sent += 1;
    }
    Ok(())
}

async fn stall(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

async fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut beat = tokio::time::interval(DRIP);
    for byte in bytes {
        beat.tick().await;
        stream.write_all(&[*byte]).await?;
    }
    Ok(())
}

/// Reads one request: the head and the announced body.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.trim().parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
