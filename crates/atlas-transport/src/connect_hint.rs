//! Hints for connection errors, by their cause.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::chain::{BoxError, chain, found};
use crate::proxy::ProxyFailure;

/// Returns what to check, as the end of an error message.
pub(crate) fn hint(source: &BoxError) -> Cow<'static, str> {
    if let Some(failure) = found::<ProxyFailure>(source) {
        // Its message includes a hint with the setting.
        return failure.to_string().into();
    }
    let hint = chain(source).find_map(of);
    hint.unwrap_or("check the address, the network and any proxy")
        .into()
}

fn of(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<TlsError>() {
        return Some(of_tls(error));
    }
    if error.to_string() == DNS_ERROR {
        return Some("its name cannot be resolved; check the host name and DNS");
    }
    let error = error.downcast_ref::<io::Error>()?;
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some("nothing listens there; check the host, the port and any firewall")
        }
        io::ErrorKind::UnexpectedEof => {
            Some("it closed the connection during the TLS handshake; check that the port uses TLS")
        }
        _ => None,
    }
}

fn of_tls(error: &TlsError) -> &'static str {
    use CertificateError as Bad;
    match error {
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied,
        ) => "it requires a client certificate, or rejected the one it received",
        TlsError::InvalidMessage(_) => {
            "the port does not use TLS; check the scheme and the port of the URL"
        }
        TlsError::InvalidCertificate(problem) => match problem {
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "its certificate is not valid yet; check the system clock"
            }
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "its certificate has expired, or the system clock is wrong"
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another host; check the URL and any proxy"
            }
            Bad::UnknownIssuer => {
                "its certificate is not trusted; if a proxy inspects TLS, or the server has its own \
                 certificate authority, set SSL_CERT_FILE to a file with that root"
            }
            _ => "its certificate is invalid; check the URL and any proxy",
        },
        _ => "the TLS handshake failed; check the URL and any proxy",
    }
}

/// The message of a failed lookup in hyper-util; the type of this error is not public.
const DNS_ERROR: &str = "dns error";

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use hyper_util::client::legacy::connect::HttpConnector;
    use rustls::InvalidMessage;
    use tower_service::Service as _;

    use super::*;

    fn tls(error: TlsError) -> BoxError {
        io::Error::new(io::ErrorKind::InvalidData, error).into()
    }

    fn certificate(problem: CertificateError) -> BoxError {
        tls(TlsError::InvalidCertificate(problem))
    }

    #[test]
    fn the_hint_depends_on_the_cause() {
        for (source, expected) in [
            (
                tls(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)),
                "does not use TLS",
            ),
            (certificate(CertificateError::NotValidYet), "clock"),
            (certificate(CertificateError::Expired), "clock"),
            (
                certificate(CertificateError::NotValidForName),
                "another host",
            ),
            (
                certificate(CertificateError::UnknownIssuer),
                "SSL_CERT_FILE",
            ),
            (
                certificate(CertificateError::BadEncoding),
                "certificate is invalid",
            ),
            (
                ProxyFailure::Refused {
                    setting: "HTTPS_PROXY",
                    status: StatusCode::FORBIDDEN,
                }
                .into(),
                "the proxy of HTTPS_PROXY does not allow this host",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
                "nothing listens there",
            ),
            ("not within 10 s".into(), "the network"),
        ] {
            assert!(
                hint(&source).contains(expected),
                "{source}: {}",
                hint(&source)
            );
        }
    }

    /// `.invalid` never resolves (RFC 6761 section 6.4), with a resolver or without one.
    #[tokio::test]
    async fn an_unresolvable_name_has_its_own_hint() {
        let mut tcp = HttpConnector::new();
        let error = tcp.call(http::Uri::from_static("http://atlas.invalid/"));
        let error: BoxError = error.await.unwrap_err().into();
        assert!(hint(&error).contains("cannot be resolved"), "{error}");
    }
}
