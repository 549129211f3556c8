//! Of many processes that need a token at once, one fetches it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll};

use atlas_sandbox::{OWNER, PROJECT};
use atlas_transport::{Client, Credentials, TokenDirectory};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tempfile::TempDir;
use tower_service::Service;

use crate::peer::{Peer, peer_with_headers};
use crate::{atlas, folder};

const TOKEN: &str = r#"{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}"#;

/// How many requests the token endpoint allows in a minute.
const ALLOWED: usize = 10;

/// A peer whose token endpoint delays its first response until the gate is opened, by a message or by
/// dropping it, and then responds immediately. Each request for a token is sent to the receiver.
fn gated() -> (Peer, Receiver<usize>, Sender<()>) {
    let (send, requested) = channel();
    let (open, gate) = channel::<()>();
    let requests = AtomicUsize::new(0);
    let peer = peer_with_headers(move |_, path| {
        if path != "/api/oauth/token" {
            return (200, "", "{}".to_owned());
        }
        let request = requests.fetch_add(1, Ordering::SeqCst) + 1;
        let _ = send.send(request);
        if request == 1 {
            let _ = gate.recv();
        }
        if request > ALLOWED {
            return (429, "retry-after: 3600\r\n", "{}".to_owned());
        }
        (200, "", TOKEN.to_owned())
    });
    (peer, requested, open)
}

fn token_requests(peer: &Peer) -> usize {
    let asked = peer.asked();
    let to_token = |line: &&String| line.starts_with("POST /api/oauth/token ");
    asked.iter().filter(to_token).count()
}

/// The command as a service account, with a cache in `cache`.
fn command(peer: &Peer, cache: &TempDir) -> Command {
    let mut command = atlas(cache);
    command
        .env("XDG_CACHE_HOME", cache.path())
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &peer.url)
        .env("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret)
        .env("ATLAS_LOG", "atlas_transport=debug")
        .args(["api", "projects", "getGroup", "--groupId", PROJECT])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A process that does not outlive its test.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        let killed = kill.args([signal, &self.0.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }

    fn succeeds(mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the command; sends a message when it waits for another process.
fn start(peer: &Peer, cache: &TempDir, waits: Sender<()>) -> Process {
    let mut child = command(peer, cache).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            if line.contains("waiting for another process to fetch a token") {
                let _ = waits.send(());
            }
        }
    });
    Process(child)
}

#[test]
fn fifty_processes_with_an_empty_cache_request_one_token_and_all_succeed() {
    const PROCESSES: usize = 50;
    let (peer, requested, gate) = gated();
    let cache = folder();
    let (waits, waiting) = channel();
    let start = |_| start(&peer, &cache, waits.clone());
    let processes: Vec<Process> = (0..PROCESSES).map(start).collect();
    // The response is delayed until all the others wait for it.
    drop(waits);
    assert_eq!(requested.recv(), Ok(1));
    let waiting = waiting.iter().take(PROCESSES - 1).count();
    drop(gate);
    for process in processes {
        assert!(process.succeeds());
    }
    assert_eq!(waiting, PROCESSES - 1);
    assert!(token_requests(&peer) <= 2, "{}", token_requests(&peer));
}

#[test]
fn a_process_that_is_killed_while_it_fetches_a_token_is_replaced_by_another() {
    let (peer, requested, gate) = gated();
    let cache = folder();
    let (waits, waiting) = channel();
    let holder = start(&peer, &cache, waits.clone());
    assert_eq!(requested.recv(), Ok(1));
    let other = start(&peer, &cache, waits);
    waiting.recv().unwrap();
    holder.signal("-KILL");
    assert!(!holder.succeeds());
    drop(gate);
    assert!(other.succeeds());
    assert_eq!(token_requests(&peer), 2);
}

/// A transport that returns a token, or an empty object for any other request.
#[derive(Clone)]
struct Instant(Arc<AtomicUsize>);

impl Service<Request<Full<Bytes>>> for Instant {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let body = if request.uri().path() == "/api/oauth/token" {
            self.0.fetch_add(1, Ordering::SeqCst);
            TOKEN
        } else {
            "{}"
        };
        ready(Ok(Response::new(body.into())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_stopped_while_it_fetches_a_token_costs_others_thirty_seconds() {
    let (peer, requested, _gate) = gated();
    let cache = folder();
    let holder = start(&peer, &cache, channel().0);
    assert_eq!(requested.recv(), Ok(1));
    holder.signal("-STOP");

    let tokens = TokenDirectory::new(cache.path().join("atlas-rs/tokens"));
    let credentials = Credentials::service_account(OWNER.client_id, OWNER.client_secret);
    let client = |fetched: &Arc<AtomicUsize>| {
        Client::builder(peer.url.parse().unwrap(), &credentials)
            .token_cache(Arc::new(tokens.clone()))
            .build_with(Instant(fetched.clone()))
            .unwrap()
    };
    let get = || {
        let get = Request::get("/api/atlas/v2/groups");
        get.body(Bytes::new()).unwrap()
    };
    let fetched = Arc::new(AtomicUsize::new(0));
    let start = tokio::time::Instant::now();
    client(&fetched).execute(get()).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    // The others can read the token without a lock.
    client(&fetched).execute(get()).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[test]
fn a_rate_limit_of_the_token_endpoint_is_waited_out() {
    let requests = AtomicUsize::new(0);
    let peer = peer_with_headers(move |_, path| match path {
        "/api/oauth/token" if requests.fetch_add(1, Ordering::SeqCst) == 0 => {
            // The shortest possible wait.
            (429, "retry-after: 1\r\n", "{}".to_owned())
        }
        "/api/oauth/token" => (200, "", TOKEN.to_owned()),
        _ => (200, "", "{}".to_owned()),
    });
    let output = command(&peer, &folder()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(token_requests(&peer), 2);
}

#[test]
fn a_rate_limit_that_lasts_too_long_is_not_called_a_refusal_of_the_credentials() {
    let peer = peer_with_headers(|_, _| {
        let body = r#"{"error":429,"errorCode":"RATE_LIMITED"}"#;
        (429, "retry-after: 3600\r\n", body.to_owned())
    });
    let folder = folder();
    let mut command = command(&peer, &folder);
    let output = command.env("ATLAS_LOG", "off").output().unwrap();
    let line = crate::error_line(&output, 14);
    assert_eq!(
        line,
        "error: no access token: rate limit of the token endpoint reached (429 RATE_LIMITED): ten \
         requests a minute are allowed; try again in 3600 s"
    );
    assert_eq!(token_requests(&peer), 1);
}

#[test]
fn a_missing_token_is_reported_with_all_causes() {
    let proxy = peer_with_headers(|_, _| (407, "", String::new()));
    let folder = folder();
    let output = atlas(&folder)
        .env("HTTPS_PROXY", &proxy.url)
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "https://127.0.0.1:1")
        .env("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret)
        .args(["api", "projects", "getGroup", "--groupId", PROJECT])
        .output()
        .unwrap();
    let line = crate::error_line(&output, 5);
    let begin = "error: no access token: no connection to 127.0.0.1:1; ";
    assert!(line.starts_with(begin), "{line}");
    for once in ["no access token", "no connection to", "proxy answered 407"] {
        assert_eq!(line.matches(once).count(), 1, "{line}");
    }
}
