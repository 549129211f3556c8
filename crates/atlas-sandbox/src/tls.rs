//! TLS with a generated certificate, for one run or kept in a directory.

mod directory;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

pub(crate) use directory::InUse;

/// The settings of the certificate.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    /// The directory of the certificates; without one, they are generated for one run.
    pub(crate) directory: Option<PathBuf>,
    /// Names in addition to the default ones.
    pub(crate) names: Vec<String>,
}

/// The TLS configuration of a server.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate, in PEM.
    pub(crate) authority: String,
    /// Keeps the files of the directory unchanged.
    pub(crate) in_use: Option<InUse>,
}

/// An authority's certificate, and a server's certificate that it signed, with its key; all in PEM.
struct Certificates {
    authority: String,
    server: String,
    key: String,
}

impl Tls {
    /// Uses the certificates of the directory if they are valid for a server at this address for
    /// some more days, or generates new ones.
    pub(crate) fn new(settings: &TlsSettings, address: IpAddr, now: Timestamp) -> io::Result<Self> {
        let names = names(settings, address)?;
        let (certificates, in_use) = match &settings.directory {
            None => (Certificates::generate(&names, now)?, None),
            Some(directory) => {
                let (kept, in_use) = directory::certificates(directory, &names, now)?;
                (kept, Some(in_use))
            }
        };
        let config = certificates.config()?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority: certificates.authority,
            in_use,
        })
    }
}

impl Certificates {
    /// Generates an authority and one certificate signed by it. The authority's key is dropped, so
    /// it can sign no other certificate.
    fn generate(names: &[String], now: Timestamp) -> io::Result<Self> {
        let made = || {
            let authority_key = KeyPair::generate()?;
            let mut authority = parameters(&[], "Atlas sandbox CA", now)?;
            authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            let authority_certificate = authority.self_signed(&authority_key)?;
            let issuer = Issuer::from_params(&authority, authority_key);

            let key = KeyPair::generate()?;
            let mut server = parameters(names, "Atlas sandbox", now)?;
            server.use_authority_key_identifier_extension = true;
            server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            Ok::<_, rcgen::Error>(Self {
                authority: authority_certificate.pem(),
                server: server.signed_by(&key, &issuer)?.pem(),
                key: key.serialize_pem(),
            })
        };
        made().map_err(io::Error::other)
    }

    /// Whether clients that trust the authority will accept the server's certificate under each
    /// name for some more days, and the key belongs to the certificate.
    fn are_good(&self, names: &[String], now: Timestamp) -> bool {
        let verified = || {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(self.authority.as_bytes()).ok()?;
            roots.add(authority).ok()?;
            let provider = Arc::new(ring::default_provider());
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let verifier = verifier.ok()?;
            let server = CertificateDer::from_pem_slice(self.server.as_bytes()).ok()?;
            let until = now.checked_add(RENEWED_BEFORE).ok()?;
            for time in [now, until] {
                let seconds = u64::try_from(time.as_second()).ok()?;
                let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
                for name in names {
                    let name = ServerName::try_from(name.as_str()).ok()?;
                    verifier
                        .verify_server_cert(&server, &[], &name, &[], time)
                        .ok()?;
                }
            }
            self.config().ok()
        };
        verified().is_some()
    }

    fn config(&self) -> io::Result<ServerConfig> {
        let server =
            CertificateDer::from_pem_slice(self.server.as_bytes()).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![server], key)
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The common parameters of both certificates: name and validity.
fn parameters(
    names: &[String],
    subject: &str,
    now: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subject);
    parameters.distinguished_name = name;
    let day = |days: i64| {
        let time = now.checked_add(SignedDuration::from_hours(24 * days));
        let date = TimeZone::UTC.to_datetime(time.unwrap_or(now)).date();
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    // A client's clock may be slow.
    parameters.not_before = day(-1);
    parameters.not_after = day(LIFETIME_DAYS);
    Ok(parameters)
}

/// The names of a certificate: the default ones, the address and those of the settings.
fn names(settings: &TlsSettings, address: IpAddr) -> io::Result<Vec<String>> {
    let mut names = vec![
        "localhost".to_owned(),
        Ipv4Addr::LOCALHOST.to_string(),
        Ipv6Addr::LOCALHOST.to_string(),
    ];
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    if settings.names.len() > MAX_NAMES {
        let problem = format!("too many TLS names: expected at most {MAX_NAMES}");
        return Err(invalid(problem));
    }
    for name in &settings.names {
        if ServerName::try_from(name.as_str()).is_err() {
            return Err(invalid(format!(
                "invalid TLS name {name:?}: expected a host name or an IP address"
            )));
        }
        names.push(name.to_ascii_lowercase());
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// The validity of certificates. Some platforms accept at most 825 days.
const LIFETIME_DAYS: i64 = 800;
/// The time before expiry at which they are renewed.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// The maximum number of names of a certificate.
const MAX_NAMES: usize = 100;
