//! Tests of mutual TLS, and of authorities in PEM.

use std::sync::{Arc, Mutex};

use atlas_model::SnapshotUrl;
use atlas_transport::{Client, ClientBuilder, Credentials, ErrorKind};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::faults::chain;
use crate::operation;

/// An authority for servers and clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Returns a client's chain and key in PEM.
    fn client(&self) -> (String, String) {
        let mut params = CertificateParams::new(["client".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let chain = format!("{}{}", certificate.pem(), self.0.pem());
        (chain, key.serialize_pem())
    }

    /// Returns an acceptor for `localhost` that requests client certificates.
    fn acceptor(&self, required: bool) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let verifier = if required {
            verifier
        } else {
            verifier.allow_unauthenticated()
        };
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Whether the client sent a certificate, and its first line, for each connection.
type Seen = Arc<Mutex<Vec<(bool, String)>>>;

/// Starts a server that responds with a token, an empty object or a tunnel.
async fn serve(acceptor: TlsAcceptor) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, log) = (acceptor.clone(), log.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    log.lock().unwrap().push((false, String::new()));
                    return;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let line = head.lines().next().unwrap().to_owned();
                let target = line.split(' ').nth(1).unwrap().to_owned();
                let shown = stream.get_ref().1.peer_certificates().is_some();
                log.lock().unwrap().push((shown, line.clone()));
                if line.starts_with("CONNECT ") {
                    let mut server = TcpStream::connect(target).await.unwrap();
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                    return;
                }
                let body = if line.contains("/oauth/") {
                    r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#
                } else {
                    "{}"
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, seen)
}

fn builder(port: u16) -> ClientBuilder {
    let base = format!("https://localhost:{port}").parse().unwrap();
    Client::builder(base, &Credentials::service_account("id", "s3cret")).no_proxy()
}

#[tokio::test]
async fn a_client_certificate_is_sent_to_the_base_url_and_to_no_other_host_or_proxy() {
    let authority = Authority::new();
    let (pem_chain, key) = authority.client();
    let (port, seen) = serve(authority.acceptor(true)).await;
    let (store_port, store) = serve(authority.acceptor(false)).await;
    let (proxy_port, proxy) = serve(authority.acceptor(false)).await;
    let client = builder(port)
        .trust_pem(authority.0.pem())
        .client_certificate(pem_chain, key)
        .proxy(format!("https://localhost:{proxy_port}"))
        .build()
        .unwrap();
    client.send(&operation()).await.unwrap();
    for port in [port, store_port] {
        let link = format!("https://localhost:{port}/s.tgz");
        client.download(&SnapshotUrl::new(&link)).await.unwrap();
    }
    let shown = |seen: &Seen| -> Vec<bool> {
        let seen = seen.lock().unwrap();
        seen.iter().map(|(shown, _)| *shown).collect()
    };
    assert_eq!(shown(&seen), [true, true, true], "token, call and download");
    assert_eq!(shown(&store), [false]);
    assert_eq!(shown(&proxy), [false; 4]);
}

#[tokio::test]
async fn a_server_that_requires_a_certificate_refuses_a_client_without_one_once() {
    let authority = Authority::new();
    let (port, seen) = serve(authority.acceptor(true)).await;
    let client = builder(port).trust_pem(authority.0.pem()).build().unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert!(chain(&error).contains("CertificateRequired"), "{error:?}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_an_error_that_does_not_show_the_key() {
    let authority = Authority::new();
    let ((chain_of_one, key), (_, another)) = (authority.client(), authority.client());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nczNjcmV0\n\
                     -----END ENCRYPTED PRIVATE KEY-----\n";
    let not_der = "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n";
    let not_base64 = "-----BEGIN PRIVATE KEY-----\ns3!\n-----END PRIVATE KEY-----\n";
    for (pem_chain, pem_key, cause) in [
        (&*chain_of_one, &*another, "keys may not be consistent"),
        (
            &chain_of_one,
            encrypted,
            "the private key is encrypted; decrypt it first",
        ),
        (&chain_of_one, not_der, "failed to parse private key"),
        (
            &chain_of_one,
            not_base64,
            "the private key is invalid: its base64",
        ),
        (&chain_of_one, "", "it has no private key"),
        (
            &chain_of_one,
            &format!("{key}{another}"),
            "more than one private key",
        ),
        ("", &key, "it has no certificate"),
        (
            &chain_of_one[..200],
            &key,
            "certificate 1 is invalid: its END line is missing",
        ),
    ] {
        let builder = builder(1).client_certificate(pem_chain, pem_key);
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        let line = chain(&error);
        assert!(
            matches!(error.kind(), ErrorKind::ClientCertificate { .. }),
            "{line}"
        );
        assert!(line.contains(cause), "{cause}: {line}");
        assert!(!error.may_have_been_sent() && !error.is_transient());
        let secrets = pem_key.lines().filter(|line| !line.starts_with('-'));
        for secret in secrets {
            for text in [&shown, &line, &format!("{error:?}")] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn every_authority_of_a_bundle_is_trusted_with_any_text_around_it() {
    let authorities = [Authority::new(), Authority::new()];
    let [one, two] = &authorities;
    let bundle = format!("# one\n{}\n# two\n{}", one.0.pem(), two.0.pem());
    for authority in &authorities {
        let (port, _) = serve(authority.acceptor(false)).await;
        for bundle in [bundle.clone(), bundle.replace('\n', "\r\n")] {
            let client = builder(port).trust_pem(bundle).build().unwrap();
            client.send(&operation()).await.unwrap();
        }
    }
}

#[test]
fn a_bundle_with_an_invalid_certificate_is_an_error_that_names_its_position() {
    let good = Authority::new().0.pem();
    let not_der = "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n";
    let broken = good.replace("MII", "M!I");
    for (bundle, cause) in [
        (String::new(), "it has no certificate"),
        (
            format!("{good}{broken}{good}"),
            "certificate 2 is invalid: its base64",
        ),
        (
            format!("{good}{good}{not_der}"),
            "certificate 3 of the bundle: ",
        ),
    ] {
        let error = builder(1).trust_pem(bundle).build().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Certificate { .. }));
        assert!(chain(&error).contains(cause), "{}", chain(&error));
    }
}
