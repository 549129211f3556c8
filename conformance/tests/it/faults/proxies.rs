//! Connections through an HTTP proxy.

use std::sync::{Arc, Mutex};

use atlas_transport::{Client, Credentials, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::peer::{Act, Peer, answer};
use crate::operation;
use crate::tls::{self, Identity};

/// Starts a proxy that tunnels to any target and records the requests.
async fn proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            log.lock().unwrap().push(head);
            tokio::spawn(async move {
                let mut server = TcpStream::connect(target).await.unwrap();
                stream
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .await
                    .unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn https_goes_through_a_proxy_and_tls_is_with_the_host() {
    let server = tls::serve_as(Identity::new("localhost", &["h2"]), 1).await;
    let (port, asked) = proxy().await;
    let client = tls::builder(&server)
        .trust(server.authority.clone())
        .proxy(format!("http://us%65r:pr0xy-s3cret@127.0.0.1:{port}"))
        .build()
        .unwrap();
    assert!(!format!("{client:?}").contains("s3cret"));
    client.send(&operation()).await.unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    let connect = format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port);
    assert!(asked[0].starts_with(&connect), "{}", asked[0]);
    // user:pr0xy-s3cret
    assert!(
        asked[0].contains("Basic dXNlcjpwcjB4eS1zM2NyZXQ="),
        "{}",
        asked[0]
    );
    assert!(
        !asked[0].contains("t0ken"),
        "the token is inside the tunnel"
    );
}

#[tokio::test]
async fn the_refusal_of_a_proxy_is_a_connect_error() {
    let refuse = || {
        let status = "407 Proxy Authentication Required";
        vec![Act::Read, answer(status, "", "")]
    };
    let peer = Peer::start((0..3).map(|_| refuse()).collect()).await;
    let base = "https://localhost:1".parse().unwrap();
    let client = Client::builder(base, &Credentials::bearer("t0ken"))
        .retry(atlas_transport::retry::RetryPolicy::none())
        .proxy(peer.url())
        .build()
        .unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Connect { .. }),
        "{error:?}"
    );
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn loopback_is_not_reached_through_a_proxy() {
    let server = atlas_sandbox::SandboxServer::start().await.unwrap();
    let credentials = Credentials::bearer(atlas_sandbox::OWNER.access_token);
    let client = Client::builder(server.url().parse().unwrap(), &credentials)
        .proxy("http://127.0.0.1:1")
        .build()
        .unwrap();
    client.send(&operation()).await.unwrap();
}

#[test]
fn an_invalid_address_is_refused_without_being_shown() {
    for invalid in [
        "",
        "socks4://u:s3cret@p:1",
        "https://u:s3/cret@p:1",
        "socks5://u:s3#cret@p:1",
        "http://",
        " http://u:s3cret@p:1",
        "http://u:s3cret@p:1\n",
        "http://u:s3 cret@p:1",
        "http://u:s3#cret@p:1",
        "http://u:s3cret@p:99999",
    ] {
        let base = "https://ops.example".parse().unwrap();
        let builder = Client::builder(base, &Credentials::bearer("t0ken")).proxy(invalid);
        assert!(!format!("{builder:?}").contains("s3cret"));
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Proxy { .. }),
            "{invalid}: {error}"
        );
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
