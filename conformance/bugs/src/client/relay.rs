//! A relay between a client and the server of a case.
//!
//! Each connection of the client has its own connection to the server. Requests are parsed and
//! changed; responses are relayed as raw bytes, except for the bugs that concern responses.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::alter;
use super::answer::{self, Answer, Reply};
use super::request::{Request, end_of_head};
use crate::bug::Bug;

/// A relay to one server; dropping it stops it.
#[derive(Debug)]
pub(super) struct Relay {
    route: Arc<Route>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay to the server at `url`.
    pub(super) async fn start(bug: Bug, url: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let route = Arc::new(Route {
            bug,
            from: listener.local_addr()?.to_string(),
            to: authority(url).to_owned(),
            run: Mutex::default(),
        });
        let serving = route.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let route = serving.clone();
                connections.spawn(async move { route.serve(client).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { route, accepting })
    }

    /// Returns the base URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.route.from)
    }

    /// Drops the state of the previous run.
    pub(super) fn begin(&self) {
        *self.route.run() = RunState::default();
    }

    /// Returns the number of items in the last page of a list.
    pub(super) fn results(&self) -> Option<usize> {
        self.route.run().results
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Sends a request to the server at `url` and waits for the first bytes of a response.
pub(super) async fn send(url: &str, request: &Request) {
    if let Ok(mut stream) = TcpStream::connect(authority(url)).await {
        let mut request = request.clone();
        request.headers.set("host", authority(url));
        let _ = stream.write_all(&request.to_bytes()).await;
        let _ = stream.readable().await;
    }
}

fn authority(url: &str) -> &str {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    url.split('/').next().unwrap_or_default()
}

/// The addresses and the bug of a relay.
#[derive(Debug)]
struct Route {
    bug: Bug,
    /// Host and port of the relay.
    from: String,
    /// Host and port of the server.
    to: String,
    run: Mutex<RunState>,
}

/// The state of bugs during a run.
#[derive(Debug, Default)]
struct RunState {
    /// The failures of requests, by method and target.
    failures: BTreeMap<(String, String), Failure>,
    results: Option<usize>,
}

/// A failure to repeat.
#[derive(Debug, Clone)]
enum Failure {
    /// This response.
    Answer(Vec<u8>),
    /// These bytes and the end of the connection.
    Ended(Vec<u8>),
    /// No response while the client waited.
    Stalled,
}

impl Route {
    fn run(&self) -> MutexGuard<'_, RunState> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut client: TcpStream) {
        let Ok(mut server) = self.connect().await else {
            return;
        };
        let _ = client.set_nodelay(true);
        let mut requests = Vec::new();
        let passed = !answer::concerns(self.bug)
            || self
                .take_turns(&mut client, &mut server, &mut requests)
                .await;
        if passed {
            self.pass(client, server, requests).await;
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let server = TcpStream::connect(&self.to).await?;
        server.set_nodelay(true)?;
        Ok(server)
    }

    /// Returns the bytes to send in place of a request.
    fn altered(&self, request: &Request, bytes: Vec<u8>) -> Vec<u8> {
        let mut altered = request.clone();
        alter::request(self.bug, &mut altered);
        let mut bytes = if altered == *request {
            bytes
        } else {
            altered.to_bytes()
        };
        // The name of the server, in place of the relay's.
        let head = end_of_head(&bytes).unwrap_or_default();
        let mut parts = bytes[..head].windows(self.from.len());
        if let Some(start) = parts.position(|part| part == self.from.as_bytes()) {
            bytes.splice(start..start + self.from.len(), self.to.bytes());
        }
        bytes
    }

    /// Changes requests and relays responses unchanged, until either side closes.
    async fn pass(&self, mut client: TcpStream, mut server: TcpStream, mut buffer: Vec<u8>) {
        let (mut client_reads, mut client_writes) = client.split();
        let (mut server_reads, mut server_writes) = server.split();
        let requests = async {
            while let Some((request, bytes)) = Request::read(&mut client_reads, &mut buffer).await {
                let bytes = self.altered(&request, bytes);
                if server_writes.write_all(&bytes).await.is_err() {
                    // The server may have responded before it closed.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = requests => {}
            _ = tokio::io::copy(&mut server_reads, &mut client_writes) => {}
        }
    }

    /// Changes requests and responses in turns. Returns whether [`Self::pass`] is to continue.
    async fn take_turns(
        &self,
        client: &mut TcpStream,
        server: &mut TcpStream,
        buffer: &mut Vec<u8>,
    ) -> bool {
        let mut answers = Vec::new();
        loop {
            let mut first = [0];
            let (request, bytes) = tokio::select! {
                request = Request::read(client, buffer) => match request {
                    Some(request) => request,
                    None => return false,
                },
                // A response without a request, or the end.
                read = server.peek(&mut first) => return read.is_ok_and(|read| read > 0),
            };
            let key = (request.method.clone(), request.target.clone());
            let repeated = self.run().failures.get(&key).cloned();
            if let Some(failure) = repeated {
                if !repeat(failure, client).await {
                    return false;
                }
                continue;
            }
            let bytes = self.altered(&request, bytes);
            let mut sent_again = false;
            let reply = loop {
                let sent = server.write_all(&bytes).await;
                let reply = tokio::select! {
                    reply = answer::read(server, &mut answers, &request.method) => reply,
                    () = ended(client) => {
                        self.failed(key, Failure::Stalled);
                        return false;
                    }
                };
                let lost = sent.is_err() || reply == Reply::Ended(Vec::new());
                let again = self.bug.is("retries-what-must-not-be") && request.method == "POST";
                if !lost || !again || sent_again {
                    break reply;
                }
                sent_again = true;
                match self.connect().await {
                    Ok(another) => *server = another,
                    Err(_) => break reply,
                }
            };
            let written = match reply {
                Reply::Whole(answer) => {
                    let answer = self.altered_answer(&request, answer);
                    if answer.status >= 500 || answer.status == 429 {
                        let repeated = answer.clone().without_retry_after();
                        self.failed(key, Failure::Answer(repeated.to_bytes()));
                    }
                    client.write_all(&answer.to_bytes()).await
                }
                Reply::Rest(bytes) => return client.write_all(&bytes).await.is_ok(),
                Reply::Ended(bytes) => {
                    let _ = client.write_all(&bytes).await;
                    self.failed(key, Failure::Ended(bytes));
                    return false;
                }
            };
            if written.is_err() {
                return false;
            }
        }
    }

    fn failed(&self, request: (String, String), failure: Failure) {
        if self.bug.is("never-retries") {
            self.run().failures.insert(request, failure);
        }
    }

    fn altered_answer(&self, request: &Request, mut answer: Answer) -> Answer {
        match self.bug.name {
            "retry-after-ignored" => return answer.without_retry_after(),
            "envelope-status-ignored" => answer.ignore_envelope(),
            "link-with-authorization" => answer.relink(&self.to, &self.from),
            "list-read-to-its-first-page" if request.path().starts_with("/api/atlas/") => {
                self.run().results = answer.results();
            }
            _ => {}
        }
        answer
    }
}

/// Repeats a failure for a client. Returns false if that closes the connection.
async fn repeat(failure: Failure, client: &mut TcpStream) -> bool {
    match failure {
        Failure::Answer(bytes) => client.write_all(&bytes).await.is_ok(),
        Failure::Ended(bytes) => {
            let _ = client.write_all(&bytes).await;
            false
        }
        Failure::Stalled => {
            ended(client).await;
            false
        }
    }
}

/// Waits until a client that waits for a response closes its connection.
async fn ended(client: &TcpStream) {
    match client.peek(&mut [0]).await {
        Ok(read) if read > 0 => std::future::pending().await,
        _ => {}
    }
}
