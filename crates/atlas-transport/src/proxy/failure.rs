//! What goes wrong between this machine and a proxy.

use atlas_model::error_line;
use http::StatusCode;
use rustls::{CertificateError, Error as TlsError};

use crate::chain::{BoxError, found};
use crate::transient::{is_final_connect, is_transient_status};

/// Why a proxy opened no connection. Names the setting that names the proxy, never its value.
///
/// Its line has the whole reason and it has no source, so that it says the same where only the
/// innermost error is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyFailure {
    /// No connection to the proxy itself, or no TLS over it.
    #[error("no connection to the proxy of {setting}{hint}: {problem}")]
    Unreachable {
        setting: &'static str,
        hint: &'static str,
        problem: String,
        is_final: bool,
    },
    /// An HTTP proxy refused.
    #[error("the proxy answered {} to CONNECT; {}", status.as_u16(), hint(*status, setting))]
    Refused {
        setting: &'static str,
        status: StatusCode,
    },
    /// A SOCKS proxy wants another way to log in than the setting has.
    #[error(
        "the SOCKS proxy takes none of the offered ways to log in; check the user and password in \
         {setting}"
    )]
    LoginMethod { setting: &'static str },
    /// A SOCKS proxy refused the user or password.
    #[error("the SOCKS proxy refused to log in; check the user and password in {setting}")]
    Login { setting: &'static str },
    /// A SOCKS proxy refused the connection, or could not open it.
    #[error("the SOCKS proxy of {setting} answered {code}, {}", reply(*code))]
    Reply { setting: &'static str, code: u8 },
    /// The proxy speaks something else.
    #[error("the proxy of {setting} does not answer as {expected} does; check its scheme and port")]
    Garbled {
        setting: &'static str,
        expected: &'static str,
    },
    /// A TLS server says nothing before the client does.
    #[error("the proxy of {setting} sent data before it was asked")]
    Early { setting: &'static str },
    /// The connection to the proxy broke.
    #[error("the proxy of {setting} ended the connection: {problem}")]
    Broken {
        setting: &'static str,
        problem: String,
    },
    /// This machine does not find the host that `socks5` is to connect to.
    #[error(
        "the host cannot be looked up: {problem}; with socks5h in {setting} the proxy looks it up"
    )]
    Lookup {
        setting: &'static str,
        problem: String,
    },
    /// The host's name is longer than SOCKS can say.
    #[error("the host's name is longer than 255 bytes, the limit of SOCKS 5")]
    LongHost,
}

impl ProxyFailure {
    pub(super) fn unreachable(setting: &'static str, hint: &'static str, error: &BoxError) -> Self {
        Self::Unreachable {
            setting,
            hint,
            problem: match found(error) {
                // Its own line quotes the proxy's host.
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

    /// Whether the next attempt fails as well.
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
        // 401 is what tinyproxy answers to a wrong password.
        401 | 407 => format!("check the user and password in {setting}"),
        403 => format!("the proxy of {setting} does not allow this host"),
        _ => format!("check {setting}"),
    }
}

/// The replies of RFC 1928 section 6.
fn reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "connection not allowed; its rules do not allow this host",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "which is not assigned",
    }
}
