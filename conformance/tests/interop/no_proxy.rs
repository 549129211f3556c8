//! Compares `fixtures/no-proxy.json` with curl: the hosts to which a list of `NO_PROXY` applies.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::program::{is_installed, runs};

#[derive(Deserialize)]
struct Row {
    list: String,
    host: String,
    direct: bool,
    /// The result of curl and the reason of the difference, if it differs.
    curl: Option<bool>,
    reason: Option<String>,
}

/// Starts a proxy that refuses and counts all requests.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(refusal).unwrap();
        }
    });
    (url, asked)
}

#[test]
fn curl_bypasses_the_proxy_for_the_same_hosts() {
    let there = runs(Command::new("curl").arg("--version"));
    if !is_installed(there, "curl", "apt-get install curl") {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/no-proxy.json");
    let rows: Vec<Row> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (url, asked) = proxy();
    for row in &rows {
        assert_eq!(row.curl.is_some(), row.reason.is_some(), "{:?}", row.list);
        assert_ne!(row.curl, Some(row.direct), "{:?} does not differ", row.list);
        let before = asked.load(Ordering::SeqCst);
        let output = Command::new("curl")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("https_proxy", &url)
            .env("no_proxy", &row.list)
            // A direct connection is made to an unused loopback port.
            .args(["-q", "--silent", "--connect-to", "::127.0.0.1:1"])
            .args(["--max-time", "20", &format!("https://{}/", row.host)])
            .output()
            .unwrap();
        let was_asked = asked.load(Ordering::SeqCst) > before;
        // 7 is "no connection", 56 the proxy's refusal.
        let expected = if was_asked { 56 } else { 7 };
        assert_eq!(output.status.code(), Some(expected), "{:?}", row.list);
        assert_eq!(
            !was_asked,
            row.curl.unwrap_or(row.direct),
            "{:?} and {}",
            row.list,
            row.host
        );
    }
}
