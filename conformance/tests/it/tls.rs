//! The client over real TLS: which HTTP is agreed on, and whom it trusts.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_transport::{Client, ClientBuilder, Credentials, ErrorKind};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::operation;

struct TlsServer {
    port: u16,
    authority: Vec<u8>,
    versions: UnboundedReceiver<Version>,
    connections: Arc<AtomicUsize>,
}

/// A server with a certificate for `name` from an authority of its own.
async fn serve(name: &str, protocols: &[&str]) -> TlsServer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();

    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, versions) = unbounded_channel();
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            // A client that trusts nobody here ends the handshake.
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let sender = sender.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let _ = sender.send(request.version());
                async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}")))) }
            });
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    TlsServer {
        port,
        authority: authority.der().to_vec(),
        versions,
        connections,
    }
}

fn builder(server: &TlsServer) -> ClientBuilder {
    let base = format!("https://localhost:{}", server.port)
        .parse()
        .unwrap();
    Client::builder(base, &Credentials::bearer("t0ken"))
}

#[tokio::test]
async fn http_2_is_spoken_where_both_sides_know_it_and_http_1_elsewhere() {
    let cases: [(&[&str], Version); 3] = [
        (&["h2", "http/1.1"], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ];
    for (protocols, expected) in cases {
        let mut server = serve("localhost", protocols).await;
        let client = builder(&server)
            .trust(server.authority.clone())
            .build()
            .unwrap();
        for _ in 0..2 {
            client.send(&operation()).await.unwrap();
            assert_eq!(
                server.versions.recv().await,
                Some(expected),
                "{protocols:?}"
            );
        }
        assert_eq!(
            server.connections.load(Ordering::SeqCst),
            1,
            "kept and used again"
        );
    }
}

#[tokio::test]
async fn an_unknown_authority_or_another_hosts_certificate_ends_before_anything_is_sent() {
    let unknown = serve("localhost", &["h2"]).await;
    let elsewhere = serve("elsewhere.example", &["h2"]).await;
    let clients = [
        builder(&unknown).build(),
        builder(&elsewhere)
            .trust(elsewhere.authority.clone())
            .build(),
    ];
    for client in clients {
        let error = client.unwrap().send(&operation()).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Connect { .. }),
            "{error:?}"
        );
        assert!(!error.may_have_been_sent());
    }
    for mut server in [unknown, elsewhere] {
        assert!(server.versions.try_recv().is_err(), "no request came");
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused() {
    let server = serve("localhost", &[]).await;
    let error = builder(&server).trust(*b"none").build().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Certificate { .. }),
        "{error}"
    );
}
