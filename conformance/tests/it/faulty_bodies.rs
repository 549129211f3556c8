//! Tests of bodies of the sandbox that a fault plan slows or stops, on the wire.

use std::time::Duration;

use atlas_sandbox::{FaultPlan, OWNER, Sandbox, SandboxServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Requests a list of projects with a fault; returns the number of body bytes, and whether the
/// connection was closed.
async fn list(fault: &str) -> (usize, bool) {
    let plan = format!(r#"[{{"operation": "listGroups", "do": {fault}}}]"#);
    let server = SandboxServer::builder(Sandbox::new())
        .faults(FaultPlan::from_json(&plan).unwrap())
        .start()
        .await
        .unwrap();
    let host = server.url().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let request = format!(
        "GET /api/atlas/v2/groups HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
         accept: application/vnd.atlas.2023-01-01+json\r\n\r\n",
        OWNER.access_token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    let ended = loop {
        // Wait long for the head, and briefly for the body.
        let has_head = got.windows(4).any(|end| end == b"\r\n\r\n");
        let wait = Duration::from_millis(if has_head { 400 } else { 20_000 });
        match timeout(wait, stream.read_buf(&mut got)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(_)) => {}
            Err(_) => break false,
        }
    };
    let text = String::from_utf8(got).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    (body.len(), ended)
}

#[tokio::test]
async fn a_body_that_stalls_keeps_its_connection_open() {
    assert_eq!(list(r#"{"stall": 20}"#).await, (20, false));
    assert_eq!(list(r#"{"stall": 0}"#).await, (0, false));
}

#[tokio::test]
async fn a_truncated_body_is_sent_up_to_the_fault() {
    assert_eq!(list(r#"{"truncate": 20}"#).await, (20, true));
}

#[tokio::test]
async fn a_slow_body_is_sent_in_pieces() {
    // One byte per second.
    let (received, ended) = list(r#"{"slow": 1}"#).await;
    assert!((1..=5).contains(&received) && !ended, "{received}");
}
