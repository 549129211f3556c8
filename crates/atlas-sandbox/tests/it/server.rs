//! The server, on a real socket.

use atlas_sandbox::SandboxServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn speak(server: &SandboxServer, request: &[u8]) -> String {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn every_refusal_on_the_wire_is_an_error_body() {
    let server = SandboxServer::start().await.unwrap();
    let answer = speak(
        &server,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.contains("\"errorCode\":\"RESOURCE_NOT_FOUND\""),
        "{answer}"
    );

    let mut large =
        b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1048577\r\n\r\n"
            .to_vec();
    large.resize(large.len() + 1_048_577, b' ');
    let answer = speak(&server, &large).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 1);
}

#[tokio::test]
async fn two_servers_are_two_worlds() {
    let (one, two) = (
        SandboxServer::start().await.unwrap(),
        SandboxServer::start().await.unwrap(),
    );
    assert_ne!(one.url(), two.url());
    speak(
        &one,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(two.with(|sandbox| sandbox.requests()), 0);
}
