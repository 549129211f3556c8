//! The memory cost of many requests. A separate binary, since memory is measured per process.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(
    clippy::disallowed_methods,
    reason = "the system reports memory in a file"
)]
#![cfg(target_os = "linux")]

use atlas_sandbox::{CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, SNAPSHOT, Sandbox, SandboxServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
/// The number of requests on each connection before and after the first measurement: 102,400 in
/// all.
const BEFORE: usize = 600;
const AFTER: usize = 1000;
const MILLION: usize = 1_000_000;
/// The maximum growth of the process, in KiB.
const GROWTH: u64 = 2 << 10;

/// The memory currently in use, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Requests of every kind, with the expected status.
fn requests() -> Vec<(Vec<u8>, &'static str)> {
    let flex = format!("/api/atlas/v2/groups/{PROJECT}/flexClusters/{FLEX_CLUSTER}");
    let tenant = format!("/api/atlas/v2/groups/{PROJECT}/clusters/{CLUSTER}/backup/tenant");
    let bearer = format!("authorization: Bearer {}\r\n", OWNER.access_token);
    let accept = "accept: application/vnd.atlas.2025-03-12+json\r\n";
    let basic = "authorization: Basic bWRiX3NhX2lkXzMyYjZlMzRiM2Q5MTY0N2FiYjIwZTdhMTptZGJfc2Ffc2tfc2FuZGJveC1vd25lcg==\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let ask = format!(r#"{{"snapshotId":"{SNAPSHOT}","targetDeploymentItemName":"any"}}"#);
    let json = "content-type: application/json\r\n";
    let row = |line: &str, headers: &[&str], body: &str, status| {
        let headers = headers.concat();
        let length = body.len();
        let text = format!(
            "{line} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        (text.into_bytes(), status)
    };
    vec![
        row(&format!("GET {flex}"), &[&bearer, accept], "", "200"),
        row(
            &format!("GET {flex}/backup/snapshots"),
            &[&bearer, accept],
            "",
            "200",
        ),
        // Each of these is issued a nonce.
        row(&format!("GET {flex}"), &[accept], "", "401"),
        row(
            "POST /api/oauth/token",
            &[basic, form],
            "grant_type=client_credentials",
            "200",
        ),
        row(
            &format!("POST {tenant}/download"),
            &[&bearer, accept, json],
            "{",
            "400",
        ),
        row(
            &format!("POST {tenant}/nothing"),
            &[&bearer, accept, json],
            &ask,
            "404",
        ),
        row("GET /sandbox-store/x.tgz?signature=none", &[], "", "403"),
        row("GET /", &[], "", "200"),
    ]
}

/// Sends requests one after the other on one connection, and checks each status.
async fn send(address: String, requests: Vec<(Vec<u8>, &'static str)>, first: usize, times: usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    for turn in 0..times {
        let (request, status) = &requests[(first + turn) % requests.len()];
        stream.write_all(request).await.unwrap();
        loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
                assert_eq!(&head[9..12], *status, "{head}");
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.unwrap().parse().unwrap();
                if buffer.len() >= end + 4 + length {
                    buffer.drain(..end + 4 + length);
                    break;
                }
            }
            assert!(
                stream.read_buf(&mut buffer).await.unwrap() > 0,
                "connection closed"
            );
        }
    }
}

async fn round(address: &str, each: usize) {
    let connections = (0..CONNECTIONS)
        .map(|first| tokio::spawn(send(address.to_owned(), requests(), first, each)));
    for connection in connections.collect::<Vec<_>>() {
        connection.await.unwrap();
    }
}

/// Sends this many requests on each connection after the first rounds, and asserts that memory
/// stays flat.
async fn stays_flat(after: usize) {
    let mut sandbox = Sandbox::new();
    sandbox.limit_rates(false);
    let server = SandboxServer::builder(sandbox).start().await.unwrap();
    let address = server.url().strip_prefix("http://").unwrap();
    // Nonces and tokens are kept up to a maximum, which is reached here.
    round(address, BEFORE).await;
    let before = resident();
    round(address, after).await;
    let grown = resident().saturating_sub(before);
    let answered = server.with(|sandbox| sandbox.requests());
    assert_eq!(answered, (CONNECTIONS * (BEFORE + after)) as u64);
    assert!(grown < GROWTH, "{grown} KiB more");
    eprintln!(
        "{answered} requests: {before} KiB after the first rounds, {grown} KiB more at the end"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_requests_on_64_connections_leave_memory_flat() {
    stays_flat(AFTER).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute in release mode: cargo test --release -p atlas-sandbox --test load -- --ignored"]
async fn a_million_requests_on_64_connections_leave_memory_flat() {
    stays_flat(MILLION.div_ceil(CONNECTIONS)).await;
}
