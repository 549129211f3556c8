//! The settings of a server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::sync::Arc;

use http::Uri;
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::SandboxServer;
use super::connections::Connections;
use crate::clock::{Clock, Source};
use crate::faults::FaultPlan;
use crate::gate::{ControlToken, Gate, LONGEST, SHORTEST};
use crate::journal::{DEFAULT_REQUESTS, Journal};
use crate::service::{Answered, Log, SandboxService};
#[cfg(feature = "tls")]
use crate::tls::{Tls, TlsSettings};
use crate::world::Sandbox;

/// Configures and starts a [`SandboxServer`].
pub struct SandboxBuilder {
    sandbox: Sandbox,
    address: IpAddr,
    port: u16,
    clock: Source,
    start_at: Option<Timestamp>,
    journal: usize,
    faults: FaultPlan,
    log: Option<Log>,
    control_token: Option<String>,
    public_url: Option<String>,
    #[cfg(feature = "tls")]
    tls: Option<TlsSettings>,
}

impl SandboxBuilder {
    pub(super) fn new(sandbox: Sandbox) -> Self {
        Self {
            sandbox,
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            clock: Arc::new(wall_clock),
            start_at: None,
            journal: DEFAULT_REQUESTS,
            faults: FaultPlan::default(),
            log: None,
            control_token: None,
            public_url: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Sets the port; a free one by default.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the address to bind; `127.0.0.1` by default. With `0.0.0.0` or `::`, links have the host
    /// of the request. The logins are public, so bind an address other than loopback only in a
    /// network of your own; control requests then require a [token](Self::control_token).
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// Requires this token in every request to `/sandbox/*`, as `Authorization: Bearer TOKEN`: 8 to
    /// 256 visible ASCII characters. By default, a server on loopback requires none, and a server on
    /// any other address generates one, which [`SandboxServer::control_token`] returns.
    #[must_use]
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(token.into());
        self
    }

    /// Sets the URL under which clients reach the server, such as that of a container or a reverse
    /// proxy: `http` or `https`, a host and optionally a port. The links and `Location` headers of
    /// responses use it, independently of the bound address and of the host of a request.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use atlas_sandbox::{Sandbox, SandboxServer};
    ///
    /// let builder = SandboxServer::builder(Sandbox::new());
    /// let server = builder.public_url("https://atlas.test/").start().await?;
    /// assert_eq!(server.public_url(), "https://atlas.test");
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    ///
    /// for invalid in ["atlas.test", "ftp://atlas.test", "https://atlas.test/api", "http://a:0"] {
    ///     let builder = SandboxServer::builder(Sandbox::new());
    ///     let error = builder.public_url(invalid).start().await.unwrap_err();
    ///     assert!(error.to_string().contains("invalid public URL"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Uses TLS with certificates that are generated for this run; plain HTTP by default.
    ///
    /// The server's certificate is valid for `localhost`, `127.0.0.1`, `::1` and the
    /// [address](Self::address). It is signed by an authority whose
    /// [certificate](SandboxServer::certificate) clients must trust. The authority's key is dropped,
    /// so it can sign nothing else.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls.get_or_insert_default();
        self
    }

    /// Uses [TLS](Self::tls) with certificates that are kept in this directory and reused: `ca.pem`,
    /// which clients trust, `server.pem`, and `server.key`, which only its owner can read.
    ///
    /// The directory is created if it does not exist. The certificates are valid for 800 days. If
    /// they lack a name or expire within seven days, all three files are replaced, and clients have
    /// to trust the new `ca.pem`. The start fails if the directory has such files of another
    /// program, if others can read the key, or if the files would have to be replaced while another
    /// server uses them.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.tls.get_or_insert_default().directory = Some(directory.into());
        self
    }

    /// Uses [TLS](Self::tls) with a certificate that is also valid for this host name or IP address;
    /// may be called repeatedly.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_name(mut self, name: impl Into<String>) -> Self {
        self.tls.get_or_insert_default().names.push(name.into());
        self
    }

    /// Also accepts the id and secret of a service account in the form of a token request (RFC 6749
    /// section 2.3.1). See [`Sandbox::accept_form_credentials`].
    #[must_use]
    pub fn oauth_form(mut self) -> Self {
        self.sandbox.accept_form_credentials(true);
        self
    }

    /// Sets the source of the time; the system clock by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Starts the clock at this time; by default at that of the world's seed, if it has one. See
    /// [`SandboxServer::set_clock`].
    #[must_use]
    pub fn start_at(mut self, now: Timestamp) -> Self {
        self.start_at = Some(now);
        self
    }

    /// Sets the number of requests that the [journal](SandboxServer::journal) keeps: 1,000 by default,
    /// at most 100,000, none with 0.
    #[must_use]
    pub fn journal(mut self, requests: usize) -> Self {
        self.journal = requests;
        self
    }

    /// Multiplies the speed of the clock from now on. 0 stops it; it also stops at the year 9000.
    #[must_use]
    pub fn time_scale(mut self, scale: u32) -> Self {
        let clock = self.clock.clone();
        let start = clock();
        self.clock = Arc::new(move || {
            let passed = clock().duration_since(start);
            let scaled = passed.checked_mul(i32::try_from(scale).unwrap_or(i32::MAX));
            // On overflow, the clock stops at its end.
            let end = scaled.and_then(|scaled| start.checked_add(scaled).ok());
            end.unwrap_or(if passed.is_negative() {
                start
            } else {
                Timestamp::MAX
            })
        });
        self
    }

    /// Sets the fault plan; no faults by default.
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = plan;
        self
    }

    /// Sets a callback that is called for each request when its response is ready.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// The address cannot be bound, or the control token, the public URL, a TLS name or the TLS
    /// directory is invalid.
    pub async fn start(mut self) -> io::Result<SandboxServer> {
        let control_token = control_token(self.control_token.as_deref(), self.address)?;
        let given_url = self.public_url.as_deref().map(public_url).transpose()?;
        #[cfg(feature = "tls")]
        let mut tls = match self.tls {
            None => None,
            Some(settings) => Some(tls(settings, self.address).await?),
        };
        let bound = SocketAddr::from((self.address, self.port));
        let listener = TcpListener::bind(bound).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot bind {bound}: {error}"))
        })?;
        let port = listener.local_addr()?.port();
        let everywhere = self.address.is_unspecified();
        let address = match self.address {
            IpAddr::V4(_) if everywhere => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) if everywhere => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        #[cfg(feature = "tls")]
        let secure = tls.is_some();
        #[cfg(not(feature = "tls"))]
        let secure = false;
        let scheme = if secure { "https" } else { "http" };
        let url = if secure && address == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            // A name, since some clients only verify names.
            format!("{scheme}://localhost:{port}")
        } else {
            format!("{scheme}://{}", SocketAddr::from((address, port)))
        };
        let follows_hosts = everywhere && given_url.is_none();
        let public_url = given_url.unwrap_or_else(|| url.clone());
        self.sandbox.set_base_url(public_url.clone());
        let gate = Gate::new(self.address, port, secure, control_token.clone());
        let clock = Clock::new(self.clock);
        let start = self.start_at.or(self.sandbox.seed_clock());
        if start.is_some() {
            clock.set(start, None);
        }
        let journal = Journal::new(self.journal);
        let (faults, log) = (self.faults, self.log);
        let mut service =
            SandboxService::new(self.sandbox, clock, faults, log, gate, journal, start);
        if follows_hosts {
            service.follow_hosts(scheme);
        }
        #[cfg(feature = "tls")]
        let certificate = tls.as_ref().map(|tls| tls.authority.clone());
        #[cfg(feature = "tls")]
        let directory = tls.as_mut().and_then(|tls| tls.in_use.take());
        let connections = Connections {
            listener,
            service: service.clone(),
            #[cfg(feature = "tls")]
            tls: tls.map(|tls| tls.acceptor),
        };
        let accepting = tokio::spawn(connections.run());
        Ok(SandboxServer {
            url,
            public_url,
            service,
            accepting,
            control_token,
            #[cfg(feature = "tls")]
            certificate,
            #[cfg(feature = "tls")]
            _directory: directory,
        })
    }
}

impl std::fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("address", &self.address)
            .field("port", &self.port)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// The token that control requests require: the given one, or a new one on addresses other than
/// loopback.
fn control_token(given: Option<&str>, address: IpAddr) -> io::Result<Option<ControlToken>> {
    match given {
        Some(text) => ControlToken::parse(text).map(Some).ok_or_else(|| {
            let problem = format!(
                "invalid control token: expected {SHORTEST} to {LONGEST} visible ASCII characters"
            );
            io::Error::new(io::ErrorKind::InvalidInput, problem)
        }),
        None if address.to_canonical().is_loopback() => Ok(None),
        None => ControlToken::generate().map(Some),
    }
}

/// The URL under which clients reach the server, without a trailing `/`.
fn public_url(text: &str) -> io::Result<String> {
    let read = || {
        let url: Uri = text.parse().ok()?;
        let scheme = url
            .scheme_str()
            .filter(|it| matches!(*it, "http" | "https"))?;
        let authority = url.authority()?;
        let port = authority.as_str().strip_prefix(authority.host())?;
        let is_port = |port: &str| port.parse().is_ok_and(|port: u16| port > 0);
        let has_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let has_host = !authority.host().is_empty() && authority.host().bytes().all(plain);
        let whole = format!("{scheme}://{authority}");
        // The text has no other parts, not even a fragment, which the parser drops.
        let is_all = text.strip_suffix('/').unwrap_or(text) == whole;
        (has_port && has_host && is_all).then_some(whole)
    };
    read().ok_or_else(|| {
        // A password may precede the host.
        let shown = if text.contains('@') {
            String::new()
        } else {
            format!(" {text:?}")
        };
        let problem = format!(
            "invalid public URL{shown}: expected http://HOST:PORT or https://HOST:PORT, without a path"
        );
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    })
}

/// Loads or generates certificates outside the async worker threads.
#[cfg(feature = "tls")]
async fn tls(settings: TlsSettings, address: IpAddr) -> io::Result<Tls> {
    let work = move || Tls::new(&settings, address, wall_clock());
    let made = tokio::task::spawn_blocking(work).await;
    made.map_err(io::Error::other)?
}

#[allow(
    clippy::disallowed_methods,
    reason = "only the server reads the system clock"
)]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}
