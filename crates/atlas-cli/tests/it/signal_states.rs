//! Signals in the states that a command can be in: each stage of a pull, every wait of a connection,
//! and the moments before the work.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT};

use crate::interrupted::library;
use crate::peer::request_line;
use crate::signals::{send, start, until_busy};
use crate::{atlas, folder, fresh, sandbox};

/// Sends a signal and checks that the process ends by it within a second.
pub(crate) fn ends(mut child: Child, signal: &str, number: i32) {
    // Kept open, since waiting closes it: the command must not end because of an end of file.
    let stdin = child.stdin.take();
    let begun = Instant::now();
    send(signal, child.id());
    let status = child.wait().unwrap();
    let took = begun.elapsed();
    drop(stdin);
    assert!(took < Duration::from_secs(1), "{signal}: {took:?}");
    assert_eq!(status.code(), Some(128 + number));
}

/// Waits for another thread or process.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A server on a port of this machine that holds its connections open.
pub(crate) struct Holding {
    pub(crate) address: String,
    /// How often it reached the state that the test waits for.
    reached: Arc<AtomicUsize>,
}

impl Holding {
    /// Passes each connection to `serve`, on a separate thread.
    fn new(serve: impl Fn(TcpStream, &AtomicUsize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let reached = Arc::new(AtomicUsize::new(0));
        let (serve, count) = (Arc::new(serve), reached.clone());
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (serve, count) = (serve.clone(), count.clone());
                std::thread::spawn(move || serve(stream, &count));
            }
        });
        Self { address, reached }
    }

    /// Accepts connections and sends nothing.
    pub(crate) fn silent() -> Self {
        Self::new(|mut stream, reached| {
            reached.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// Sends only the beginning of a response.
    pub(crate) fn stopping(beginning: &'static str) -> Self {
        Self::new(move |mut stream, reached| {
            if request_line(&mut stream).is_some() {
                stream.write_all(beginning.as_bytes()).unwrap();
                reached.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read_to_end(&mut Vec::new());
            }
        })
    }

    /// Forwards everything to a server, up to the request number `last`, which it holds.
    fn relaying(to: String, last: usize) -> Self {
        let requests = AtomicUsize::new(0);
        Self::new(move |client, reached| {
            let server = TcpStream::connect(&to).unwrap();
            let (mut from, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut back));
            let (mut client, mut server) = (client, server);
            let mut bytes = vec![0; 1 << 16];
            while let Ok(length @ 1..) = client.read(&mut bytes) {
                let is_request = bytes[..length]
                    .windows(10)
                    .any(|part| part == b" HTTP/1.1\r");
                if is_request && requests.fetch_add(1, Ordering::SeqCst) + 1 >= last {
                    reached.fetch_add(1, Ordering::SeqCst);
                    let _ = client.read_to_end(&mut Vec::new());
                    return;
                }
                if server.write_all(&bytes[..length]).is_err() {
                    return;
                }
            }
        })
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst) > 0
    }
}

/// A command with an access token for an Atlas at `url`.
pub(crate) fn at(url: &str, folder: &tempfile::TempDir) -> Command {
    let mut command = atlas(folder);
    command
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token)
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

#[test]
fn a_signal_ends_a_pull_at_each_of_its_requests() {
    let mut stages = 0;
    for last in 1.. {
        let (_runtime, server) = sandbox();
        let to = server.url().strip_prefix("http://").unwrap().to_owned();
        let relay = Holding::relaying(to, last);
        let folder = folder();
        let mut child = start(
            at(&format!("http://{}", relay.address), &folder)
                .args(["backups", "pull", "--dir", "kept", "--keep", "2"])
                .args(["--clusterName", FLEX_CLUSTER]),
        );
        let ended = std::cell::Cell::new(None);
        let child_ends = std::cell::RefCell::new(&mut child);
        until("a request", || {
            ended.set(child_ends.borrow_mut().try_wait().unwrap());
            relay.is_reached() || ended.get().is_some()
        });
        if let Some(status) = ended.get() {
            assert!(status.success(), "{last}");
            break;
        }
        stages += 1;
        ends(child, "-TERM", 15);
    }
    assert!(stages >= 4, "{stages}");
}

#[test]
fn a_signal_ends_a_download_that_is_under_way_and_keeps_its_part() {
    let folder = folder();
    let seed = format!(
        r#"{{"projects": [{{"id": "{PROJECT}", "clusters": [{{"name": "C0", "kind": "flex",
            "snapshots": [{{"id": "{PROJECT}", "bytes": 1099511627776}}]}}]}}]}}"#
    );
    std::fs::write(folder.path().join("world.json"), &seed).unwrap();
    let mut serving = start(atlas(&folder).args(["sandbox", "--seed", "world.json"]));
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.split_once('=').unwrap().1.to_owned();
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let into = crate::folder();
        let child = start(
            at(&url, &into)
                .args([
                    "backups",
                    "snapshots",
                    "download",
                    "latest",
                    "--out",
                    "s.tgz",
                ])
                .args(["--clusterName", "C0"]),
        );
        until("a part", || {
            let entries = std::fs::read_dir(into.path()).unwrap().flatten();
            let mut lengths = entries.filter_map(|entry| entry.metadata().ok());
            lengths.any(|metadata| metadata.len() > 1 << 20)
        });
        ends(child, signal, number);
        assert!(!into.path().join("s.tgz").exists());
    }
    ends(serving, "-TERM", 15);
}

#[test]
fn a_signal_ends_the_wait_for_a_name_a_proxy_or_a_handshake() {
    let folder = folder();
    let library = library(folder.path());
    let silent = Holding::silent();
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let mut unresolved = at("https://atlas.invalid", &folder);
        unresolved.env("LD_PRELOAD", &library).env("HANG_DNS", "1");
        let child = start(unresolved.arg("doctor"));
        until_busy(&child);
        ends(child, signal, number);

        let mut behind = at("https://cloud.mongodb.com", &folder);
        behind.env("HTTPS_PROXY", format!("http://{}", silent.address));
        for command in [
            &mut behind,
            &mut at(&format!("https://{}", silent.address), &folder),
        ] {
            silent.reached.store(0, Ordering::SeqCst);
            let child = start(command.arg("doctor"));
            until("a connection", || silent.is_reached());
            ends(child, signal, number);
        }
    }
}

#[test]
fn a_signal_ends_a_change_that_is_watched() {
    let folder = folder();
    let peer = crate::peer::peer(|method, _| {
        let id = "32b6e34b3d91647abb20e7aa";
        let job = format!(r#"{{"id":"{id}","status":"PENDING"}}"#);
        (if method == "POST" { 201 } else { 200 }, job)
    });
    let mut child = start(
        at(&peer.url, &folder)
            .args(["api", "flexRestoreJobs", "createFlexRestoreJob"])
            .args(["--name", "F", "--watch"]),
    );
    child.stdin.take().unwrap().write_all(b"{}").unwrap();
    until("a poll of the job", || peer.asked().len() >= 2);
    ends(child, "-INT", 2);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored_and_the_others_end_the_command() {
    for (ignored, signal, other, number) in [
        ("HUP", "-HUP", "-TERM", 15),
        ("INT", "-INT", "-TERM", 15),
        ("TERM", "-TERM", "-INT", 2),
    ] {
        let folder = folder();
        let ignoring = format!(
            "trap '' {ignored}; exec {} sandbox",
            env!("CARGO_BIN_EXE_atlas")
        );
        let mut shell = fresh("sh");
        shell
            .args(["-c", &ignoring])
            .env_clear()
            .current_dir(folder.path());
        let mut child = start(&mut shell);
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        for _ in 0..2 {
            send(signal, child.id());
        }
        // It still responds after the signal.
        let address = line.trim().split_once("http://").unwrap().1;
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        stream.read_exact(&mut [0; 8]).unwrap();
        std::thread::sleep(Duration::from_millis(600));
        assert!(child.try_wait().unwrap().is_none(), "{signal}");
        ends(child, other, number);
    }
}

#[test]
fn a_signal_during_the_start_ends_the_process_as_well() {
    use std::os::unix::process::ExitStatusExt;

    let folder = folder();
    for wait in 0..12 {
        let mut child = start(atlas(&folder).arg("sandbox"));
        std::thread::sleep(Duration::from_millis(wait));
        let begun = Instant::now();
        send("-TERM", child.id());
        let status = child.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1));
        // By its handler, or by the system before there was one.
        assert!(
            status.code() == Some(143) || status.signal() == Some(15),
            "{status}"
        );
    }
}

#[test]
fn a_signal_ends_the_search_of_a_source_tree() {
    let folder = folder();
    let first = folder.path().join("first.txt");
    std::fs::write(&first, "a line\n".repeat(100_000)).unwrap();
    for number in 0..5000 {
        let name = format!("{number}.txt");
        std::fs::hard_link(&first, folder.path().join(name)).unwrap();
    }
    let child = start(atlas(&folder).args(["api", "sunsets", "--grep", "."]));
    until_busy(&child);
    ends(child, "-TERM", 15);
}
