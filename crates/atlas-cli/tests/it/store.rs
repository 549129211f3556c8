//! `--out s3://…` as a process, with a store on a real socket.

#![cfg(all(unix, feature = "object-store"))]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};

use crate::{assert_empty, atlas_at, error_line, folder, sandbox};

/// A store of one bucket; it can leave some requests without a response.
#[derive(Default)]
struct Store {
    objects: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    part: Vec<u8>,
    hangs: Hangs,
}

/// The requests without a response.
#[derive(Default, Clone, Copy, PartialEq)]
enum Hangs {
    #[default]
    Nothing,
    Parts,
    PartsAndAbort,
    Completion,
}

impl Hangs {
    fn on(self, method: &str, query: &str) -> bool {
        match method {
            "PUT" => {
                query.contains("partNumber=") && matches!(self, Self::Parts | Self::PartsAndAbort)
            }
            "DELETE" => self == Self::PartsAndAbort,
            "POST" => query.starts_with("uploadId=") && self == Self::Completion,
            _ => false,
        }
    }
}

fn store(hangs: Hangs) -> (String, Arc<Mutex<Store>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let store = Arc::new(Mutex::new(Store {
        hangs,
        ..Store::default()
    }));
    let shared = store.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, store) = (stream.unwrap(), shared.clone());
            std::thread::spawn(move || serve(&stream, &store));
        }
    });
    (url, store)
}

fn serve(mut stream: &TcpStream, store: &Mutex<Store>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request = head.lines().next().unwrap().to_owned();
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut store = store.lock().unwrap();
        store.asked.push(head.clone());
        if store.hangs.on(method, query) {
            drop(store);
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        let mut object = Vec::new();
        let (status, answer) = match (method, query) {
            ("POST", "uploads" | "uploads=") => (
                200,
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
            ),
            ("PUT", query) if query.contains("partNumber=") => {
                store.part = body;
                (200, "")
            }
            ("POST", _) => {
                let part = std::mem::take(&mut store.part);
                store.objects.insert(path.to_owned(), part);
                (
                    200,
                    "<CompleteMultipartUploadResult><ETag>t</ETag></CompleteMultipartUploadResult>",
                )
            }
            ("PUT", _) => {
                store.objects.insert(path.to_owned(), body);
                (200, "")
            }
            ("DELETE", _) => {
                if query.is_empty() {
                    store.objects.remove(path);
                }
                (204, "")
            }
            ("HEAD" | "GET", "") if store.objects.contains_key(path) => {
                object.clone_from(&store.objects[path]);
                (200, "")
            }
            _ => (404, ""),
        };
        drop(store);
        let length = answer.len() + object.len();
        let is_head = method == "HEAD";
        let answer = format!(
            "HTTP/1.1 {status} Said\r\netag: \"t\"\r\ncontent-length: {length}\r\n\
             last-modified: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n{answer}"
        );
        stream.write_all(answer.as_bytes()).ok()?;
        if !is_head {
            stream.write_all(&object).ok()?;
        }
    }
}

const SECRET: &str = "hunter2-of-the-store";

fn download(server: &SandboxServer, folder: &tempfile::TempDir, url: &str, out: &str) -> Command {
    let mut command = atlas_at(server, folder);
    command
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ALLOW_HTTP", "true")
        .args(["backups", "snapshots", "download", "latest"])
        .args(["--clusterName", FLEX_CLUSTER, "--out", out]);
    command
}

#[test]
fn only_documented_variables_of_the_environment_reach_the_store_and_no_log_shows_a_secret() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let ((url, ours), (other_url, other)) = (store(Hangs::Nothing), store(Hangs::Nothing));
    let output = download(&server, &folder, &url, "s3://bucket/a#b.tgz")
        .env("ENDPOINT", &other_url)
        .env("AWS_BUCKET", "other")
        .env("TOKEN", "token")
        .env("SOMETHING", OsStr::from_bytes(b"\xff"))
        .env("AWS_SESSION_TOKEN", "session-of-the-store")
        .env("ATLAS_LOG", "trace")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    for secret in [SECRET, "session-of-the-store", "Signature="] {
        assert!(!stderr.contains(secret), "{secret}: {stderr}");
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.starts_with("s3://bucket/a#b.tgz: snapshot "),
        "{stdout}"
    );
    assert!(other.lock().unwrap().asked.is_empty());
    let ours = ours.lock().unwrap();
    let paths: Vec<_> = ours.objects.keys().collect();
    assert_eq!(paths, ["/bucket/a%23b.tgz", "/bucket/a%23b.tgz.json"]);
    assert!(ours.asked.iter().all(|asked| !asked.contains(": token\r")));
    assert_empty(&folder);
}

#[test]
fn a_variable_that_cannot_be_used_is_named_before_anything_is_sent() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let (url, ours) = store(Hangs::Nothing);
    let before = server.with(|sandbox| sandbox.requests());
    for (name, value) in [
        ("AWS_REGION", b"\xff".as_slice()),
        ("AWS_ALLOW_HTTP", b"hunter2"),
        ("AWS_ENDPOINT_URL", b"hunter2"),
    ] {
        let output = download(&server, &folder, &url, "s3://bucket/s.tgz")
            .env(name, OsStr::from_bytes(value))
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(name) && !line.contains("hunter2"), "{line}");
    }
    for out in ["ftp://bucket/s.tgz", "s3:bucket", "s3://bucket/folder/"] {
        let output = download(&server, &folder, &url, out).output().unwrap();
        error_line(&output, 2);
    }
    assert!(ours.lock().unwrap().asked.is_empty());
    assert_eq!(server.with(|sandbox| sandbox.requests()), before);
    assert_empty(&folder);
}

/// Starts a download, sends it a signal once a request was received, and waits for its end, which must
/// come within a second.
fn interrupted(url: &str, ours: &Mutex<Store>, signal: &str, asked: &str) -> Output {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let child = download(&server, &folder, url, "s3://bucket/s.tgz")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let under_way = || {
        let store = ours.lock().unwrap();
        store.asked.iter().any(|it| it.contains(asked))
    };
    while !under_way() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    let begun = Instant::now();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{signal}: {took:?}");
    assert_empty(&folder);
    output
}

#[test]
fn a_signal_aborts_the_upload_and_promises_no_resume() {
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let (url, ours) = store(Hangs::Parts);
        let output = interrupted(&url, &ours, signal, "partNumber=1");
        let line = error_line(&output, code);
        assert!(line.contains("the upload was aborted"), "{line}");
        assert!(line.contains("start over"), "{line}");
        let store = ours.lock().unwrap();
        let mut asked = store.asked.iter();
        let is_abort = |it: &String| it.starts_with("DELETE /bucket/s.tgz?uploadId=u ");
        assert!(asked.any(is_abort), "{:?}", store.asked);
        assert!(store.objects.is_empty());
    }
}

#[test]
fn a_signal_ends_a_download_within_a_second_also_if_the_store_hangs() {
    let (url, ours) = store(Hangs::PartsAndAbort);
    let output = interrupted(&url, &ours, "TERM", "partNumber=1");
    let line = error_line(&output, 143);
    assert!(line.contains("the upload may stay open"), "{line}");
}

#[test]
fn a_signal_while_an_object_is_completed_names_the_manifest_and_the_same_command_succeeds() {
    let (url, ours) = store(Hangs::Completion);
    let output = interrupted(&url, &ours, "TERM", "POST /bucket/s.tgz?uploadId=u");
    let line = error_line(&output, 143);
    assert!(line.contains("s3://bucket/s.tgz.json"), "{line}");
    let mut left = ours.lock().unwrap().objects.clone();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["/bucket/s.tgz.json"]);

    let (_runtime, server) = sandbox();
    let folder = folder();
    let (url, ours) = store(Hangs::Nothing);
    ours.lock().unwrap().objects.append(&mut left);
    let output = download(&server, &folder, &url, "s3://bucket/s.tgz").output();
    let output = output.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let store = ours.lock().unwrap();
    let paths: Vec<_> = store.objects.keys().collect();
    assert_eq!(paths, ["/bucket/s.tgz", "/bucket/s.tgz.json"]);
}

/// A machine whose metadata service does not respond, as outside of a cloud.
#[test]
fn without_credentials_the_metadata_service_is_queried_once_and_briefly() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let metadata = format!("http://{}", silent.local_addr().unwrap());
    silent.set_nonblocking(true).unwrap();
    for force in [false, true] {
        let (_runtime, server) = sandbox();
        let folder = folder();
        let (url, ours) = store(Hangs::Nothing);
        let before = server.with(|sandbox| sandbox.requests());
        let begun = Instant::now();
        let output = download(&server, &folder, &url, "s3://bucket/s.tgz")
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("AWS_METADATA_ENDPOINT", &metadata)
            .args(force.then_some("--force"))
            .output()
            .unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
        let line = error_line(&output, 6);
        assert!(line.contains("AWS_ACCESS_KEY_ID"), "{line}");
        assert!(line.contains("instance role"), "{line}");
        let connections = std::iter::from_fn(|| silent.accept().ok()).count();
        assert_eq!(connections, 1);
        assert!(ours.lock().unwrap().asked.is_empty());
        // Only the request of the cluster: a challenge and its response.
        assert!(server.with(|sandbox| sandbox.requests()) <= before + 2);
    }
}
