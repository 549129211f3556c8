//! Failures between the client and a proxy.

use atlas_model::error_line;
use http::StatusCode;
use rustls::{CertificateError, Error as TlsError};

use crate::chain::{BoxError, found};
use crate::transient::{is_final_connect, is_transient_status};

/// The reason why a proxy opened no connection. Names the setting, never its value.
///
/// The message is complete without a source, so that it is the same where only the innermost error is
/// shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyFailure {
    /// The connection to the proxy, or TLS over it, failed.
    #[error("no connection to the proxy of {setting}{hint}: {problem}")]
    Unreachable {
        setting: &'static str,
        hint: &'static str,
        problem: String,
        is_final: bool,
    },
    /// An HTTP proxy refused the request.
    #[error("the proxy answered {} to CONNECT; {}", status.as_u16(), hint(*status, setting))]
    Refused {
        setting: &'static str,
        status: StatusCode,
    },
    /// A SOCKS proxy requires another login method than the setting has.
    #[error(
        "the SOCKS proxy supports none of the offered login methods; check the user and password in \
         {setting}"
    )]
    LoginMethod { setting: &'static str },
    /// A SOCKS proxy refused the user or password.
    #[error("the SOCKS proxy rejected the login; check the user and password in {setting}")]
    Login { setting: &'static str },
    /// A SOCKS proxy refused the connection, or could not open it.
    #[error("the SOCKS proxy of {setting} answered {code}, {}", reply(*code))]
    Reply { setting: &'static str, code: u8 },
    /// The proxy uses another protocol.
    #[error("the proxy of {setting} does not respond like {expected}; check its scheme and port")]
    Garbled {
        setting: &'static str,
        expected: &'static str,
    },
    /// The proxy sent data before the TLS handshake, in which the client is first.
    #[error("the proxy of {setting} sent data before the TLS handshake")]
    Early { setting: &'static str },
    /// The connection to the proxy broke.
    #[error("the proxy of {setting} closed the connection: {problem}")]
    Broken {
        setting: &'static str,
        problem: String,
    },
    /// The local lookup of the host for `socks5` failed.
    #[error(
        "cannot look up the host: {problem}; use socks5h in {setting} for a lookup by the proxy"
    )]
    Lookup {
        setting: &'static str,
        problem: String,
    },
    /// The host name is too long for SOCKS.
    #[error("the host name is longer than 255 bytes, the limit of SOCKS 5")]
    LongHost,
}

impl ProxyFailure {
    pub(super) fn unreachable(setting: &'static str, hint: &'static str, error: &BoxError) -> Self {
        Self::Unreachable {
            setting,
            hint,
            problem: match found(error) {
                // Its message quotes the proxy's host.
                Some(error) if is_for_another(error) => ANOTHERS.to_owned(),
                _ => error_line(error.as_ref()),
            },
            is_final: is_final_connect(error),
        }
    }

    pub(crate) fn broken(setting: &'static str, error: impl Into<BoxError>) -> Self {
        Self::Broken {
            setting,
            problem: error_line(error.into().as_ref()),
        }
    }

    /// Returns whether the next attempt would fail in the same way.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Unreachable { is_final, .. } => *is_final,
            Self::Refused { status, .. } => !is_transient_status(*status),
            // General failure, network and host unreachable, refused, time to live expired.
            Self::Reply { code, .. } => !matches!(code, 1 | 3..=6),
            Self::Broken { .. } | Self::Lookup { .. } => false,
            Self::LoginMethod { .. }
            | Self::Login { .. }
            | Self::Garbled { .. }
            | Self::Early { .. }
            | Self::LongHost => true,
        }
    }
}

const ANOTHERS: &str = "the proxy's certificate is for another name";

fn is_for_another(error: &TlsError) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(
        error,
        TlsError::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })
    )
}

fn hint(status: StatusCode, setting: &str) -> String {
    match status.as_u16() {
        // tinyproxy sends 401 for a wrong password.
        401 | 407 => format!("check the user and password in {setting}"),
        403 => format!("the proxy of {setting} does not allow this host"),
        _ => format!("check {setting}"),
    }
}

/// Returns the meaning of a reply code of RFC 1928 section 6.
fn reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "connection not allowed by the proxy's rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "an unassigned code",
    }
}
