//! TLS with a certificate that is made for one run.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;

/// What a server shows to its clients.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// In PEM.
    pub(crate) certificate: String,
}

impl Tls {
    /// Makes a key, and a certificate for `localhost` and an address.
    pub(crate) fn new(address: IpAddr) -> io::Result<Self> {
        let names = vec!["localhost".to_owned(), address.to_string()];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = CertificateParams::new(names)
            .and_then(|parameters| parameters.self_signed(&key))
            .map_err(io::Error::other)?;
        let key_der = PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate.der().clone()], key_der.into())
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate: pem(certificate.der()),
        })
    }
}

/// A certificate as text (RFC 7468 section 5).
fn pem(certificate: &[u8]) -> String {
    let digits = STANDARD.encode(certificate);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
