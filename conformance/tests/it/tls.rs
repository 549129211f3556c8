//! Tests of the client over real TLS: the negotiated HTTP version, and the trusted certificates.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_model::SnapshotUrl;
use atlas_transport::{Client, ClientBuilder, Credentials, ErrorKind};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::faults::Peer;
use crate::faults::peer::{self, Act};
use crate::operation;

pub(crate) struct TlsServer {
    pub(crate) port: u16,
    pub(crate) authority: Vec<u8>,
    versions: UnboundedReceiver<Version>,
    connections: Arc<AtomicUsize>,
}

/// A certificate for a name, from its own authority.
pub(crate) struct Identity {
    /// The authority's certificate in DER.
    pub(crate) authority: Vec<u8>,
    pub(crate) acceptor: TlsAcceptor,
}

impl Identity {
    pub(crate) fn new(name: &str, protocols: &[&str]) -> Self {
        Self::until(name, protocols, date_time_ymd(2099, 1, 1))
    }

    /// Returns a certificate that expires at `end`.
    pub(crate) fn until(name: &str, protocols: &[&str], end: OffsetDateTime) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = end;
        let certificate = params.signed_by(&key, &authority).unwrap();

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
        Self {
            authority: authority.der().to_vec(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

async fn serve(name: &str, protocols: &[&str]) -> TlsServer {
    serve_as(Identity::new(name, protocols), 1).await
}

/// Starts a server that responds to every `at_once` concurrent requests with an empty object each.
pub(crate) async fn serve_as(identity: Identity, at_once: usize) -> TlsServer {
    let Identity {
        authority,
        acceptor,
    } = identity;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, versions) = unbounded_channel();
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = connections.clone();
    let together = Arc::new(Barrier::new(at_once));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            // A client that does not trust the certificate ends the handshake.
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let (sender, together) = (sender.clone(), together.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let _ = sender.send(request.version());
                let together = together.clone();
                async move {
                    together.wait().await;
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
                }
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
        authority,
        versions,
        connections,
    }
}

impl TlsServer {
    /// Returns the number of accepted connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) fn builder(server: &TlsServer) -> ClientBuilder {
    let base = format!("https://localhost:{}", server.port)
        .parse()
        .unwrap();
    Client::builder(base, &Credentials::bearer("t0ken"))
}

#[tokio::test]
async fn http_2_is_used_if_both_sides_support_it_and_http_1_otherwise() {
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
            "the connection is reused"
        );
    }
}

#[tokio::test]
async fn each_file_uses_its_own_connection_while_calls_share_one() {
    let identity = Identity::new("localhost", &["h2", "http/1.1"]);
    let mut server = serve_as(identity, 2).await;
    let client = builder(&server)
        .trust(server.authority.clone())
        .build()
        .unwrap();
    let link = SnapshotUrl::new(&format!("https://localhost:{}/s.tgz", server.port));
    let (first, second) = tokio::join!(client.download(&link), client.download(&link));
    for _ in 0..2 {
        assert_eq!(server.versions.recv().await, Some(Version::HTTP_11));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    assert!(first.is_ok() && second.is_ok());
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
        assert!(server.versions.try_recv().is_err(), "no request was sent");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_nothing_was_sent() {
    let identity = Identity::until("localhost", &["h2"], date_time_ymd(2026, 1, 1));
    let mut ended = serve_as(identity, 1).await;
    let client = builder(&ended).trust(ended.authority.clone()).build();
    let error = client.unwrap().send(&operation()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Connect { .. }),
        "{error:?}"
    );
    let cause = format!("{error:?}").to_lowercase();
    assert!(cause.contains("expired"), "{cause}");
    assert!(!error.may_have_been_sent());
    assert!(ended.versions.try_recv().is_err(), "no request was sent");
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    // The responses of such a server to an offer of 1.2 and 1.3: the alert protocol_version (RFC 5246
    // section 7.2), or a ServerHello of 1.1.
    let alert = vec![21, 3, 2, 0, 2, 2, 70];
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    for bytes in [alert, hello] {
        let peer = Peer::start(
            (0..3)
                .map(|_| vec![peer::send(bytes.clone()), Act::Stall])
                .collect(),
        )
        .await;
        let base = format!("https://{}", peer.address).parse().unwrap();
        let client = Client::new(base, &Credentials::bearer("t0ken")).unwrap();
        let error = client.execute(request()).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Connect { .. }),
            "{error:?}"
        );
        assert!(!error.may_have_been_sent());
    }
}

fn request() -> Request<Bytes> {
    Request::get("/").body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn an_invalid_certificate_to_trust_is_an_error() {
    let server = serve("localhost", &[]).await;
    let error = builder(&server).trust(*b"none").build().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Certificate { .. }),
        "{error}"
    );
}
