//! CONNECT through `https` proxies and through faulty proxies.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_transport::ErrorKind;
use atlas_transport::retry::RetryPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::peer::{Act, Peer, answer, send};
use super::{chain, through};
use crate::operation;
use crate::tls::{self, Identity};

/// The script of a proxy for each connection.
type Script<'a> = &'a dyn Fn() -> Vec<Act>;

/// A proxy that uses TLS.
struct TlsProxy {
    port: u16,
    /// The certificate of its authority in DER.
    authority: Vec<u8>,
    connections: Arc<AtomicUsize>,
    /// The heads of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl TlsProxy {
    /// Starts a proxy that tunnels to any target, or sends this response to every request.
    async fn start(name: &str, answer: Option<&'static str>) -> Self {
        // The proxy offers HTTP/2, which has another CONNECT.
        let Identity {
            authority,
            acceptor,
        } = Identity::new(name, &["h2", "http/1.1"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (count, log) = (connections.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                assert_ne!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                log.lock().unwrap().push(head);
                tokio::spawn(async move {
                    if let Some(answer) = answer {
                        stream.write_all(answer.as_bytes()).await.unwrap();
                        let _ = stream.shutdown().await;
                        return;
                    }
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
                    stream.write_all(established).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self {
            port,
            authority,
            connections,
            asked,
        }
    }

    fn address(&self) -> String {
        format!("https://us3r:s3cret@localhost:{}", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn tls_is_used_with_the_proxy_and_through_it_with_the_host() {
    let server = tls::serve_as(Identity::new("localhost", &["h2", "http/1.1"]), 1).await;
    let proxy = TlsProxy::start("localhost", None).await;
    let client = tls::builder(&server)
        .trust(server.authority.clone())
        .trust(proxy.authority.clone())
        .proxy(proxy.address())
        .build()
        .unwrap();
    client.send(&operation()).await.unwrap();
    let link = format!("https://localhost:{}/s.tgz", server.port);
    client.download(&SnapshotUrl::new(&link)).await.unwrap();
    let asked = proxy.asked.lock().unwrap();
    assert_eq!((asked.len(), server.connections()), (2, 2));
    for head in asked.iter() {
        let connect = format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port);
        assert!(head.starts_with(&connect), "{head}");
        // us3r:s3cret
        assert!(head.contains("Basic dXMzcjpzM2NyZXQ="), "{head}");
        assert!(!head.contains("t0ken"), "the token is inside the tunnel");
    }
}

#[tokio::test]
async fn a_proxy_without_a_trusted_certificate_is_tried_once_and_sent_nothing() {
    let unknown = TlsProxy::start("localhost", None).await;
    let elsewhere = TlsProxy::start("elsewhere.example", None).await;
    for (proxy, cause) in [
        (&unknown, "UnknownIssuer"),
        (&elsewhere, "the proxy's certificate is for another name"),
    ] {
        let mut builder = through(&proxy.address());
        if cause != "UnknownIssuer" {
            builder = builder.trust(proxy.authority.clone());
        }
        let error = builder.build().unwrap().send(&operation()).await;
        let error = error.unwrap_err();
        let line = chain(&error);
        assert!(line.contains("no connection to the proxy of"), "{line}");
        assert!(line.contains(cause), "{line}");
        assert!(!line.contains("\"localhost\""), "{line}");
        assert_eq!(proxy.connections(), 1, "{line}");
        assert!(!error.is_transient() && !error.may_have_been_sent());
        assert!(
            proxy.asked.lock().unwrap().is_empty(),
            "no password was sent"
        );
    }
}

#[tokio::test]
async fn an_https_proxy_that_refuses_is_tried_once() {
    for (refusal, cause) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "proxy answered 407 to CONNECT; check the user and password in ClientBuilder::proxy",
        ),
        (
            "HTTP/1.0 401 Unauthorized\r\n\r\nwrong",
            "proxy answered 401 to CONNECT; check the user and password in ClientBuilder::proxy",
        ),
    ] {
        let proxy = TlsProxy::start("localhost", Some(refusal)).await;
        let builder = through(&proxy.address()).trust(proxy.authority.clone());
        let error = builder.build().unwrap().send(&operation()).await;
        let error = error.unwrap_err();
        let line = chain(&error);
        assert!(line.contains(cause), "{line}");
        assert_eq!(proxy.connections(), 1);
        assert!(!error.is_transient());
        assert!(!format!("{line} {error:?}").contains("s3"), "{line}");
    }
}

#[tokio::test]
async fn a_proxy_with_another_protocol_than_its_scheme_is_tried_once() {
    let plain = || vec![Act::Read, answer("400 Bad Request", "", "")];
    let socks = || vec![Act::Read, send([5, 0xff])];
    let cases: [(&str, Script, &str); 3] = [
        (
            "https",
            &|| vec![send("HTTP/1.1 400 Bad\r\n\r\n"), Act::Stall],
            "corrupt message",
        ),
        ("http", &socks, "does not respond like an HTTP proxy"),
        ("http", &plain, "proxy answered 400"),
    ];
    for (scheme, script, cause) in cases {
        let peer = Peer::start((0..4).map(|_| script()).collect()).await;
        let client = through(&format!("{scheme}://{}", peer.address)).build();
        let error = client.unwrap().send(&operation()).await.unwrap_err();
        let line = chain(&error);
        assert!(line.contains(cause), "{line}");
        assert_eq!(peer.connections(), 1, "{line}");
        assert!(!error.is_transient(), "{line}");
    }
}

#[tokio::test]
async fn an_endless_head_and_early_data_are_refused_without_a_retry() {
    let endless = || {
        let piece = b"x-filler: 0123456789\r\n".to_vec();
        let times = None;
        vec![
            Act::Read,
            send("HTTP/1.1 200 OK\r\n"),
            Act::Flood { piece, times },
        ]
    };
    let line = || {
        let (piece, times) = (vec![b'x'; 4096], None);
        vec![
            Act::Read,
            send("HTTP/1.1 200 "),
            Act::Flood { piece, times },
        ]
    };
    let early = || {
        vec![
            Act::Read,
            send("HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03"),
            Act::Stall,
        ]
    };
    let cases: [(Script, &str); 3] = [
        (&endless, "does not respond like an HTTP proxy"),
        (&line, "does not respond like an HTTP proxy"),
        (&early, "sent data before the TLS handshake"),
    ];
    for (script, cause) in cases {
        let peer = Peer::start((0..4).map(|_| script()).collect()).await;
        let client = through(&peer.url()).connect_timeout(Duration::from_secs(10));
        let error = client.build().unwrap().send(&operation()).await;
        let error = error.unwrap_err();
        assert!(chain(&error).contains(cause), "{}", chain(&error));
        assert_eq!(peer.connections(), 1, "{error:?}");
        assert!(!error.may_have_been_sent());
    }
}

#[tokio::test]
async fn a_proxy_that_stalls_or_drips_exceeds_the_connect_timeout() {
    // Takes 8 s.
    let drip = || Act::Drip(format!("HTTP/1.1 200 OK\r\nx-long: {}", "x".repeat(400)).into());
    for (scheme, script) in [
        ("http", vec![Act::Stall]),
        ("https", vec![Act::Stall]),
        ("http", vec![Act::Read, drip()]),
        (
            "http",
            vec![Act::Read, send("HTTP/1.1 100 Continue\r\n\r\n"), drip()],
        ),
        // The tunnel is open, and the host sends nothing.
        (
            "http",
            vec![Act::Read, send("HTTP/1.1 200 OK\r\n\r\n"), Act::Stall],
        ),
    ] {
        let peer = Peer::start(vec![script]).await;
        let client = through(&format!("{scheme}://{}", peer.address))
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        let operation = operation();
        let sent = tokio::time::timeout(Duration::from_secs(4), client.send(&operation));
        let error = sent.await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connect { .. }), "{error}");
        assert!(chain(&error).contains("timed out after 0.3 s"), "{error:?}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn the_error_of_a_dead_proxy_names_its_setting_and_a_default_port() {
    for (address, hint) in [
        ("http://us3r:s3cret@127.0.0.1:1", "ClientBuilder::proxy: "),
        ("socks5://127.0.0.1:1", "ClientBuilder::proxy: "),
        ("http://127.0.0.1", ", whose port is 1080 by default: "),
        ("socks5h://127.0.0.1", ", whose port is 1080 by default: "),
        ("https://127.0.0.1", ", whose port is 443 by default: "),
    ] {
        let client = through(address).retry(RetryPolicy::none()).build();
        let error = client.unwrap().send(&operation()).await.unwrap_err();
        let line = chain(&error);
        assert!(
            line.contains("no connection to the proxy of ClientBuilder::proxy"),
            "{line}"
        );
        assert!(line.contains(hint) && line.contains("refused"), "{line}");
        assert!(
            !line.contains("127.0.0.1") && !line.contains("s3"),
            "{line}"
        );
        assert!(error.is_transient());
    }
}
