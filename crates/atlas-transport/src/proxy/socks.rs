//! SOCKS 5 (RFC 1928), with a user and password (RFC 1929) or without.
//!
//! Not hyper-util's implementation, which reads beyond its messages, resolves names on the worker thread,
//! and has no buffer for a user and password of 255 bytes each.

use std::io;
use std::net::{IpAddr, SocketAddr};

use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Target;
use super::address::{Login, Lookup};
use super::failure::ProxyFailure;

const VERSION: u8 = 5;
/// The version of the login messages.
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The destination of a proxy connection, as encoded in its message.
pub(super) struct Destination(Vec<u8>);

impl Destination {
    /// Returns the destination for a host, resolving it if `lookup` requires it.
    pub(super) async fn of(
        target: &Target,
        lookup: Lookup,
        setting: &'static str,
    ) -> Result<Self, ProxyFailure> {
        let Target { host, port } = target;
        if let Ok(address) = host.parse() {
            return Ok(Self::address(address, *port));
        }
        if lookup == Lookup::Here {
            let failed = |error: io::Error| ProxyFailure::Lookup {
                setting,
                problem: error.to_string(),
            };
            let found = tokio::net::lookup_host((host.as_str(), *port)).await;
            let found: Vec<SocketAddr> = found.map_err(failed)?.collect();
            // More proxies reach IPv4 than IPv6, and a request has only one address.
            let first = found.iter().find(|address| address.is_ipv4());
            let first = first.or(found.first()).ok_or_else(|| {
                failed(io::Error::new(io::ErrorKind::NotFound, "it has no address"))
            })?;
            return Ok(Self::address(first.ip(), *port));
        }
        let length = u8::try_from(host.len()).map_err(|_| ProxyFailure::LongHost)?;
        let mut bytes = vec![NAME, length];
        bytes.extend(host.bytes());
        bytes.extend(port.to_be_bytes());
        Ok(Self(bytes))
    }

    fn address(address: IpAddr, port: u16) -> Self {
        let mut bytes = Vec::with_capacity(19);
        match address {
            IpAddr::V4(address) => {
                bytes.push(IPV4);
                bytes.extend(address.octets());
            }
            IpAddr::V6(address) => {
                bytes.push(IPV6);
                bytes.extend(address.octets());
            }
        }
        bytes.extend(port.to_be_bytes());
        Self(bytes)
    }
}

/// Requests that the proxy at the other end of a stream connect to a destination. Reads no byte beyond
/// the proxy's messages.
pub(super) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    setting: &'static str,
    login: Option<&Login>,
    destination: &Destination,
) -> Result<(), ProxyFailure> {
    let garbled = ProxyFailure::Garbled {
        setting,
        expected: "a SOCKS 5 proxy",
    };
    let broken = |error: io::Error| ProxyFailure::broken(setting, error);

    let greeting: &[u8] = match login {
        None => &[VERSION, 1, NO_LOGIN],
        Some(_) => &[VERSION, 2, NO_LOGIN, USER_AND_PASSWORD],
    };
    stream.write_all(greeting).await.map_err(broken)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.map_err(broken)?;
    match (chosen, login) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some(login)) => {
            let message = login_message(login);
            stream.write_all(&message).await.map_err(broken)?;
            let mut answer = [0; 2];
            stream.read_exact(&mut answer).await.map_err(broken)?;
            match answer {
                [LOGIN_VERSION, 0] => {}
                [LOGIN_VERSION, _] => return Err(ProxyFailure::Login { setting }),
                _ => return Err(garbled),
            }
        }
        ([VERSION, NO_METHOD], _) => return Err(ProxyFailure::LoginMethod { setting }),
        _ => return Err(garbled),
    }

    let mut request = vec![VERSION, CONNECT, 0];
    request.extend(&destination.0);
    stream.write_all(&request).await.map_err(broken)?;
    // A refusal may end after the code.
    let mut reply = [0; 2];
    stream.read_exact(&mut reply).await.map_err(broken)?;
    match reply {
        [VERSION, 0] => {}
        [VERSION, code] => return Err(ProxyFailure::Reply { setting, code }),
        _ => return Err(garbled),
    }
    // The proxy's own address is not used.
    let mut kind = [0; 2];
    stream.read_exact(&mut kind).await.map_err(broken)?;
    let length = match kind[1] {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await.map_err(broken)?),
        _ => return Err(garbled),
    };
    let mut rest = [0; 255 + 2];
    let rest = &mut rest[..length + 2];
    stream.read_exact(rest).await.map_err(broken)?;
    Ok(())
}

fn login_message(login: &Login) -> Vec<u8> {
    let mut message = vec![LOGIN_VERSION];
    for part in [login.user(), login.password()] {
        let part = part.expose_secret().as_bytes();
        message.push(u8::try_from(part.len()).expect("user and password have at most 255 bytes"));
        message.extend(part);
    }
    message
}
