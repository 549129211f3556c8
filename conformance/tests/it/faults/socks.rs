//! Connections through a SOCKS 5 proxy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_transport::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::peer::{Act, Peer, send};
use super::{chain, through};
use crate::operation;
use crate::tls::{self, Identity};

/// The script of a proxy for each connection.
type Script<'a> = &'a dyn Fn() -> Vec<Act>;

/// The bytes received by a proxy: greeting, login and request.
type Asked = Arc<Mutex<Vec<[Vec<u8>; 3]>>>;

/// Starts a proxy that requires a login if one is offered, connects to loopback for any address, and
/// reports its own address as a name.
async fn proxy() -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Asked::default();
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut greeting = vec![0; 2];
                stream.read_exact(&mut greeting).await.unwrap();
                take(&mut stream, &mut greeting, 1).await;
                let mut login = Vec::new();
                if greeting.ends_with(&[2]) {
                    stream.write_all(&[5, 2]).await.unwrap();
                    login.push(stream.read_u8().await.unwrap());
                    for _ in 0..2 {
                        login.push(stream.read_u8().await.unwrap());
                        let end = login.len() - 1;
                        take(&mut stream, &mut login, end).await;
                    }
                    stream.write_all(&[1, 0]).await.unwrap();
                } else {
                    stream.write_all(&[5, 0]).await.unwrap();
                }
                let mut request = vec![0; 4];
                stream.read_exact(&mut request).await.unwrap();
                match request[3] {
                    1 => more(&mut stream, &mut request, 4).await,
                    4 => more(&mut stream, &mut request, 16).await,
                    _ => {
                        request.push(stream.read_u8().await.unwrap());
                        take(&mut stream, &mut request, 4).await;
                    }
                }
                let port = stream.read_u16().await.unwrap();
                log.lock().unwrap().push([greeting, login, request]);
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let reply = b"\x05\x00\x00\x03\x05proxy\x04\x38";
                stream.write_all(reply).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (port, asked)
}

/// Reads the number of bytes that is in the byte at `at`.
async fn take(stream: &mut TcpStream, bytes: &mut Vec<u8>, at: usize) {
    let count = usize::from(bytes[at]);
    more(stream, bytes, count).await;
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, count: usize) {
    let start = bytes.len();
    bytes.resize(start + count, 0);
    stream.read_exact(&mut bytes[start..]).await.unwrap();
}

#[tokio::test]
async fn https_goes_through_socks_and_the_scheme_determines_who_looks_up_the_host() {
    let long = "s".repeat(255);
    for (address, greeting, login, request) in [
        (
            "socks5h://",
            &[5, 1, 0][..],
            String::new(),
            &b"\x03\x09localhost"[..],
        ),
        (
            "socks5://",
            &[5, 1, 0],
            String::new(),
            b"\x01\x7f\x00\x00\x01",
        ),
        (
            "socks5h://us%65r:p%40ss@",
            &[5, 2, 0, 2],
            "\x01\x04user\x04p@ss".to_owned(),
            b"\x03\x09localhost",
        ),
        (
            &format!("socks5h://{long}:@"),
            &[5, 2, 0, 2],
            format!("\x01\u{ff}{long}\0"),
            b"\x03\x09localhost",
        ),
    ] {
        let server = tls::serve_as(Identity::new("localhost", &["h2"]), 1).await;
        let (port, asked) = proxy().await;
        let client = tls::builder(&server)
            .trust(server.authority.clone())
            .proxy(format!("{address}127.0.0.1:{port}"))
            .build()
            .unwrap();
        client.send(&operation()).await.unwrap();
        let link = format!("https://localhost:{}/s.tgz", server.port);
        client.download(&SnapshotUrl::new(&link)).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 2, "a call and a download");
        let login: Vec<u8> = login.chars().map(|c| u8::try_from(c).unwrap()).collect();
        for [greeted, logged_in, requested] in asked.iter() {
            assert_eq!(greeted, greeting, "{address}");
            assert_eq!(logged_in, &login, "{address}");
            assert_eq!(requested, &[&[5, 1, 0], request].concat(), "{address}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_a_failed_connection_is_retried() {
    let login = |answer: &[u8]| {
        let hello = vec![Act::Take(4), send([5, 2]), Act::Take(1 + 1 + 4 + 1 + 6)];
        let mut acts = hello;
        acts.push(send(answer));
        acts
    };
    // A refusal may end after its code.
    let reply = |code: u8| vec![Act::Take(4), send([5, 0]), Act::Take(16), send([5, code])];
    let cases: [(Script, &str, usize); 16] = [
        (
            &|| vec![Act::Take(4), send([5, 0xff])],
            "check the user and password in",
            1,
        ),
        (
            &|| login(&[1, 1]),
            "rejected the login; check the user and password in",
            1,
        ),
        (&|| login(&[1, 0xff]), "rejected the login", 1),
        (
            &|| login(&[5, 0]),
            "does not respond like a SOCKS 5 proxy",
            1,
        ),
        (&|| reply(2), "answered 2, connection not allowed", 1),
        (&|| reply(7), "answered 7, command not supported", 1),
        (&|| reply(8), "answered 8, address type not supported", 1),
        (&|| reply(99), "answered 99, an unassigned code", 1),
        (&|| reply(1), "answered 1, general failure", 3),
        (&|| reply(5), "answered 5, connection refused", 3),
        (
            &|| vec![Act::Take(4), send("HTTP/1.1 400 Bad")],
            "does not respond like a SOCKS 5",
            1,
        ),
        (
            &|| vec![Act::Take(4), send([4, 2]), Act::Take(13), send([1, 0])],
            "does not respond like a SOCKS 5",
            1,
        ),
        (
            &|| vec![Act::Take(4), send([4, 0])],
            "does not respond like a SOCKS 5",
            1,
        ),
        (
            &|| vec![Act::Take(4), send([5, 1])],
            "does not respond like a SOCKS 5",
            1,
        ),
        (
            &|| vec![Act::Take(4), send([5])],
            "closed the connection",
            3,
        ),
        (
            &|| vec![Act::Take(4), send([5, 0]), Act::Take(16)],
            "closed the connection",
            3,
        ),
    ];
    for (script, cause, connections) in cases {
        let peer = Peer::start((0..4).map(|_| script()).collect()).await;
        let proxy = format!("socks5h://us3r:s3cret@{}", peer.address);
        let client = through(&proxy).build().unwrap();
        let error = client.send(&operation()).await.unwrap_err();
        let line = chain(&error);
        assert!(line.contains(cause), "{cause}: {line}");
        assert!(line.contains("ClientBuilder::proxy"), "{line}");
        assert_eq!(peer.connections(), connections, "{line}");
        assert_eq!(error.is_transient(), connections > 1, "{line}");
        assert!(!error.may_have_been_sent());
        assert!(!format!("{line} {error:?}").contains("s3"), "{line}");
        assert!(!format!("{line} {error:?}").contains("127.0.0.1"), "{line}");
    }
}

#[tokio::test]
async fn a_login_that_was_not_offered_is_an_invalid_response() {
    let peer = Peer::start(vec![vec![Act::Take(3), send([5, 2])]]).await;
    let proxy = format!("socks5h://{}", peer.address);
    let error = through(&proxy).build().unwrap().send(&operation()).await;
    let line = chain(&error.unwrap_err());
    assert!(
        line.contains("does not respond like a SOCKS 5 proxy"),
        "{line}"
    );
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_proxy_that_stalls_or_drips_exceeds_the_connect_timeout() {
    let scripts: [Script; 3] = [
        &|| vec![Act::Stall],
        &|| vec![Act::Take(3), send([5, 0]), Act::Take(16), Act::Stall],
        // A name of 255 bytes, which takes 5 s.
        &|| {
            let mut reply = vec![5, 0, 0, 3, 255];
            reply.resize(reply.len() + 257, b'n');
            vec![Act::Take(3), send([5, 0]), Act::Take(16), Act::Drip(reply)]
        },
    ];
    for script in scripts {
        let peer = Peer::start(vec![script()]).await;
        let client = through(&format!("socks5h://{}", peer.address))
            .retry(atlas_transport::retry::RetryPolicy::none())
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
async fn the_error_of_a_failed_local_lookup_names_the_other_scheme() {
    let peer = Peer::start(vec![]).await;
    let base = "https://nowhere.invalid".parse().unwrap();
    let credentials = atlas_transport::Credentials::bearer("t0ken");
    let client = atlas_transport::Client::builder(base, &credentials)
        .retry(atlas_transport::retry::RetryPolicy::none())
        .proxy(format!("socks5://{}", peer.address))
        .build()
        .unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    let line = chain(&error);
    assert!(
        line.contains("use socks5h in ClientBuilder::proxy"),
        "{line}"
    );
    assert_eq!(peer.connections(), 0);
}
