//! `--out s3://…` as a process, towards a store on a real socket.

#![cfg(all(unix, feature = "object-store"))]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};

use crate::{assert_empty, atlas_at, error_line, folder, sandbox};

/// A store that keeps what it is given, for one bucket; parts can be left without an answer.
#[derive(Default)]
struct Store {
    objects: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    part: Vec<u8>,
    hangs: bool,
}

fn store(hangs: bool) -> (String, Arc<Mutex<Store>>) {
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
        let (status, answer) = match (method, query) {
            ("POST", "uploads" | "uploads=") => (
                200,
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
            ),
            ("PUT", query) if query.contains("partNumber=") => {
                if store.hangs {
                    drop(store);
                    std::thread::sleep(Duration::from_secs(60));
                    return None;
                }
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
            ("DELETE", _) => (204, ""),
            _ => (404, ""),
        };
        drop(store);
        let length = answer.len();
        let answer = format!(
            "HTTP/1.1 {status} Said\r\netag: \"t\"\r\ncontent-length: {length}\r\n\r\n{answer}"
        );
        stream.write_all(answer.as_bytes()).ok()?;
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
    let ((url, ours), (other_url, other)) = (store(false), store(false));
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
    let (url, ours) = store(false);
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

#[test]
fn a_signal_aborts_the_upload_and_promises_no_resume() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (_runtime, server) = sandbox();
        let folder = folder();
        let (url, ours) = store(true);
        let child = download(&server, &folder, &url, "s3://bucket/s.tgz")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let under_way = || {
            let store = ours.lock().unwrap();
            store
                .asked
                .iter()
                .any(|asked| asked.contains("partNumber=1"))
        };
        while !under_way() {
            assert!(started.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(20));
        }
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let line = error_line(&output, code);
        assert!(line.contains("the upload was aborted"), "{line}");
        assert!(line.contains("starts over"), "{line}");
        let store = ours.lock().unwrap();
        let last = store.asked.last().unwrap();
        assert!(
            last.starts_with("DELETE /bucket/s.tgz?uploadId=u "),
            "{last}"
        );
        assert!(store.objects.is_empty());
        assert_empty(&folder);
    }
}
