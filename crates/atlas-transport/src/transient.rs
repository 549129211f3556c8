//! Decides which failures are transient, by status and by connection error. The table and its reasons
//! are in the front page of [`retry`](crate::retry).

use std::io;

use http::StatusCode;
use rustls::pki_types::InvalidDnsNameError;
use rustls::{AlertDescription, Error as TlsError};

use crate::chain::{BoxError, chain};

/// Returns whether the same request may get another status later.
pub(crate) fn is_transient_status(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 429 => true,
        501 | 505 | 511 => false,
        _ => status.is_server_error(),
    }
}

/// Returns whether the next connection would fail in the same way.
pub(crate) fn is_final_connect(source: &BoxError) -> bool {
    chain(source).any(|error| {
        if let Some(error) = error.downcast_ref::<TlsError>() {
            return is_final_tls(error);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
            );
        }
        error.is::<InvalidDnsNameError>()
    })
}

/// Returns whether the next connection would break in the same way: in TLS 1.3 a server refuses a
/// client only after the handshake.
pub(crate) fn is_final_break(source: &BoxError) -> bool {
    chain(source).any(|error| {
        let alert = error.downcast_ref::<TlsError>();
        alert
            .is_some_and(|error| matches!(error, TlsError::AlertReceived(_)) && is_final_tls(error))
    })
}

fn is_final_tls(error: &TlsError) -> bool {
    match error {
        // Data damaged in transit, or a failure inside the server.
        TlsError::DecryptError => false,
        TlsError::AlertReceived(alert) => !matches!(
            alert,
            AlertDescription::CloseNotify
                | AlertDescription::BadRecordMac
                | AlertDescription::DecryptError
                | AlertDescription::DecodeError
                | AlertDescription::InternalError
                | AlertDescription::UserCanceled
        ),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::proxy::ProxyFailure;

    #[test]
    fn only_408_429_and_most_5xx_are_transient() {
        for (status, transient) in [
            (200, false),
            (302, false),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (407, false),
            (408, true),
            (409, false),
            (429, true),
            (500, true),
            (501, false),
            (502, true),
            (503, true),
            (504, true),
            (505, false),
            (507, true),
            (511, false),
        ] {
            let code = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_transient_status(code), transient, "{status}");
        }
    }

    #[test]
    fn a_refused_proxy_or_certificate_is_final_and_a_refused_connection_is_not() {
        let connect = |source: BoxError| {
            let host = String::new();
            ErrorKind::Connect { host, source }.is_transient()
        };
        let wrapped = |error: TlsError| io::Error::new(io::ErrorKind::InvalidData, error).into();
        let setting = "HTTPS_PROXY";
        let proxy = |status| ProxyFailure::Refused {
            setting,
            status: StatusCode::from_u16(status).unwrap(),
        };
        let untrusted = TlsError::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let alert = |alert| wrapped(TlsError::AlertReceived(alert));
        assert!(!connect(wrapped(untrusted)));
        assert!(!connect(alert(AlertDescription::ProtocolVersion)));
        assert!(connect(alert(AlertDescription::InternalError)));
        assert!(!connect(proxy(407).into()));
        assert!(!connect(proxy(403).into()));
        assert!(connect(proxy(503).into()));
        let reply = |code| ProxyFailure::Reply { setting, code };
        for code in [1, 3, 4, 5, 6] {
            assert!(connect(reply(code).into()), "{code}");
        }
        for code in [2, 7, 8, 9, 255] {
            assert!(!connect(reply(code).into()), "{code}");
        }
        assert!(!connect(ProxyFailure::Login { setting }.into()));
        let expected = "an HTTP proxy";
        assert!(!connect(ProxyFailure::Garbled { setting, expected }.into()));
        let eof = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(connect(ProxyFailure::broken(setting, eof).into()));
        assert!(connect(
            io::Error::from(io::ErrorKind::ConnectionRefused).into()
        ));
        assert!(!connect(
            io::Error::from(io::ErrorKind::PermissionDenied).into()
        ));
        assert!(connect("not within 10 s".into()));
    }

    #[test]
    fn a_connection_that_is_refused_after_the_handshake_is_final() {
        let broken = |error: TlsError| {
            let source = io::Error::new(io::ErrorKind::InvalidData, error).into();
            ErrorKind::Interrupted { source }.is_transient()
        };
        let alert = TlsError::AlertReceived;
        assert!(!broken(alert(AlertDescription::CertificateRequired)));
        assert!(broken(alert(AlertDescription::InternalError)));
        assert!(broken(TlsError::DecryptError));
    }
}
