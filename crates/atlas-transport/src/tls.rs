//! TLS: trusted roots, the client certificate, and connections.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretBox};
use tower_service::Service;

use crate::chain::BoxError;
use crate::error::ErrorKind;
use crate::pem;
use crate::proxy::{Proxied, Stream};
use crate::roots;

/// The certificates to trust in addition to the roots of the platform or the environment, and the client
/// certificate.
#[derive(Clone, Default)]
pub(crate) struct TlsSettings {
    trusted: Vec<Trusted>,
    identity: Option<Identity>,
}

#[derive(Clone)]
enum Trusted {
    Der(Vec<u8>),
    Pem(Vec<u8>),
}

/// A client certificate and its key, in PEM.
#[derive(Clone)]
struct Identity {
    chain: Vec<u8>,
    key: Arc<SecretBox<Vec<u8>>>,
}

/// The configurations of one client.
pub(crate) struct TlsConfigs {
    /// Without the client certificate.
    pub(crate) anonymous: ClientConfig,
    /// With the client certificate, if there is one.
    identified: Option<ClientConfig>,
}

impl TlsSettings {
    pub(crate) fn trust(&mut self, der: Vec<u8>) {
        self.trusted.push(Trusted::Der(der));
    }

    pub(crate) fn trust_pem(&mut self, bundle: Vec<u8>) {
        self.trusted.push(Trusted::Pem(bundle));
    }

    pub(crate) fn identify(&mut self, chain: Vec<u8>, key: Vec<u8>) {
        let key = Arc::new(SecretBox::new(Box::new(key)));
        self.identity = Some(Identity { chain, key });
    }

    /// Returns the configurations for TLS 1.2 and 1.3. The roots are those of the environment, or else the
    /// platform's verifier, plus the trusted certificates.
    pub(crate) fn configs(&self) -> Result<TlsConfigs, ErrorKind> {
        let builder = self.verified()?;
        let identified = self.identity.as_ref().map(|identity| {
            let config = identity.config(builder.clone());
            config.map_err(|source| ErrorKind::ClientCertificate { source })
        });
        Ok(TlsConfigs {
            identified: identified.transpose()?,
            anonymous: builder.with_no_client_auth(),
        })
    }

    /// Returns a builder with the verifier. On a machine without roots (a bare container) it trusts none:
    /// plain loopback still works, and `https` fails with an unknown issuer.
    fn verified(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, ErrorKind> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions");
        let trusted = self.trusted()?;
        if let Some(mut roots) = roots::from_environment()? {
            roots.add_parsable_certificates(trusted);
            return Ok(builder.with_root_certificates(roots));
        }
        let more = !trusted.is_empty();
        match Verifier::new_with_extra_roots(trusted, provider) {
            Ok(verifier) => Ok(builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))),
            Err(source) if more => Err(ErrorKind::Certificate {
                source: source.into(),
            }),
            Err(error) => {
                tracing::warn!(%error, "no certificate roots on this machine; https will fail");
                Ok(builder.with_root_certificates(RootCertStore::empty()))
            }
        }
    }

    /// Returns the certificates to trust; fails if one of them is unusable.
    fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, ErrorKind> {
        let mut all = Vec::new();
        for trusted in &self.trusted {
            let (found, is_bundle) = match trusted {
                Trusted::Der(der) => (vec![der.clone().into()], false),
                Trusted::Pem(bundle) => {
                    let found = pem::certificates(bundle);
                    let found = found.map_err(|error| ErrorKind::Certificate {
                        source: error.into(),
                    })?;
                    (found, true)
                }
            };
            for (index, certificate) in found.into_iter().enumerate() {
                RootCertStore::empty()
                    .add(certificate.clone())
                    .map_err(|error| ErrorKind::Certificate {
                        source: if is_bundle {
                            format!("certificate {} of the bundle: {error}", index + 1).into()
                        } else {
                            format!("expected one DER certificate: {error}").into()
                        },
                    })?;
                all.push(certificate);
            }
        }
        Ok(all)
    }
}

impl Identity {
    /// Fails if the certificate or key is missing, or they do not match.
    fn config(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, BoxError> {
        let chain = pem::certificates(&self.chain)?;
        let key = pem::key(self.key.expose_secret())?;
        Ok(builder.with_client_auth_cert(chain, key)?)
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("trusted", &self.trusted.len())
            .field("client_certificate", &self.identity.is_some())
            .finish()
    }
}

/// The HTTP versions to offer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Versions {
    All,
    Http1,
}

/// Connects to hosts, with TLS for `https`. Presents the client certificate to the host and port of the
/// base URL only.
#[derive(Clone)]
pub(crate) struct Connector {
    anonymous: HttpsConnector<Proxied>,
    identified: Option<(Arc<Origin>, HttpsConnector<Proxied>)>,
}

impl Connector {
    pub(crate) fn new(
        configs: &TlsConfigs,
        base: Option<&Uri>,
        tcp: &Proxied,
        versions: Versions,
    ) -> Self {
        let over = |config: &ClientConfig| {
            let builder = HttpsConnectorBuilder::new()
                .with_tls_config(config.clone())
                .https_or_http();
            match versions {
                Versions::All => builder.enable_all_versions().wrap_connector(tcp.clone()),
                Versions::Http1 => builder.enable_http1().wrap_connector(tcp.clone()),
            }
        };
        let base = base.and_then(Origin::of).map(Arc::new);
        Self {
            anonymous: over(&configs.anonymous),
            identified: base.zip(configs.identified.as_ref().map(over)),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.anonymous.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match &mut self.identified {
            Some((base, identified)) if Origin::of(&uri).as_ref() == Some(base.as_ref()) => {
                identified.call(uri)
            }
            _ => self.anonymous.call(uri),
        }
    }
}

/// The host and port of an `https` URL.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().filter(|_| is_https)?;
        Some(Self {
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(443),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_host_and_port_of_https() {
        let of = |uri: &'static str| Origin::of(&Uri::from_static(uri));
        let base = of("https://Ops.Example/api");
        assert!(base.is_some());
        assert_eq!(base, of("https://ops.example:443/x"));
        for other in [
            "https://ops.example:8443/",
            "https://ops.example.evil.example/",
            "https://example/",
            "http://ops.example:443/",
        ] {
            assert_ne!(base, of(other), "{other}");
        }
    }
}
