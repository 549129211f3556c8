//! Setting up a client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use crate::auth::{TokenCache, TokenKey};
use crate::authenticator::Authenticator;
use crate::base_url::BaseUrl;
use crate::call::Shared;
use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::pace::Pace;
use crate::proxy::Proxy;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::secrets::Secrets;
use crate::settings::{CallSettings, MinRate, Settings};
use crate::sync::Mutex;
use crate::tls::TlsSettings;
use crate::transport::{self, Transports};

/// Sets up a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    base: BaseUrl,
    credentials: Credentials,
    settings: Settings,
    calls: CallSettings,
    tls: TlsSettings,
    proxy: Proxy,
    cache: Option<Arc<dyn TokenCache>>,
}

impl Client {
    /// A client with the default settings.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(base: BaseUrl, credentials: &Credentials) -> Result<Self, Error> {
        Self::builder(base, credentials).build()
    }

    /// Starts to set up a client.
    pub fn builder(base: BaseUrl, credentials: &Credentials) -> ClientBuilder {
        ClientBuilder::new(base, credentials)
    }
}

impl ClientBuilder {
    fn new(base: BaseUrl, credentials: &Credentials) -> Self {
        Self {
            base,
            credentials: credentials.clone(),
            settings: Settings::default(),
            calls: CallSettings::default(),
            tls: TlsSettings::default(),
            proxy: Proxy::default(),
            cache: None,
        }
    }

    /// Trusts one more certificate authority beside the platform's, its certificate in DER; for a
    /// self-managed server. [`trust_pem`](ClientBuilder::trust_pem) takes PEM.
    ///
    /// Certificates that are added here are trusted beside those that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name as well, and for proxies of `https` too.
    #[must_use]
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.tls.trust(certificate.into());
        self
    }

    /// Trusts the certificate authorities of a PEM bundle beside the platform's, as
    /// [`trust`](ClientBuilder::trust) does one in DER. Text around the certificates, other kinds
    /// of blocks and both kinds of line ends are fine; a bundle without a certificate, or with one
    /// that is broken, is an error of [`build`](ClientBuilder::build).
    #[must_use]
    pub fn trust_pem(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.tls.trust_pem(bundle.into());
        self
    }

    /// Shows a client certificate to a server that asks for one (mutual TLS): a chain in PEM, the
    /// client's own certificate first, and its key in PEM (PKCS #8, PKCS #1 or SEC 1, not
    /// encrypted).
    ///
    /// It is offered to the host and port of the base URL only, for calls, token requests and
    /// downloads from there. Neither other hosts that a snapshot's link names nor proxies see it.
    /// The key appears in no `Debug` and no error.
    #[must_use]
    pub fn client_certificate(
        mut self,
        pem_chain: impl Into<Vec<u8>>,
        pem_key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.identify(pem_chain.into(), pem_key.into());
        self
    }

    /// Sends `https` through this proxy, `[scheme://][user:password@]host[:port]`, instead of the one
    /// that `HTTPS_PROXY` or `ALL_PROXY` names for hosts outside of `NO_PROXY`. The scheme is `http`
    /// (also without one), `https`, `socks5` (hosts are looked up here) or `socks5h` (by the proxy);
    /// the port 1080 by default, as in curl, and 443 for `https`. User and password are
    /// percent-encoded. Calls, token requests and downloads go through the same proxy; `http` to a
    /// loopback address never does.
    #[must_use]
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        self.proxy = Proxy::To(address.into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::Direct;
        self
    }

    /// Which calls are sent again, and when; [`RetryPolicy::default`] by default.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.calls.retry = policy;
        self
    }

    /// Keeps a service account's access token beyond this client.
    #[must_use]
    pub fn token_cache(mut self, cache: Arc<dyn TokenCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// How long a connection may take, TLS and proxy included; 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.connect_timeout = limit;
        self
    }

    /// How long the answer's head, and then each piece of its body, may take; 30 s by default.
    #[must_use]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.settings.read_timeout = limit;
        self
    }

    /// How long a call may take, authentication, retries and the waits between them included;
    /// 120 s by default. Downloads have no such limit.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.calls.total_timeout = limit;
        self
    }

    /// How long reading a list may wait for its pages, all of them together; 10 minutes by default.
    /// Each page is a call with its own [`total_timeout`](ClientBuilder::total_timeout); the time
    /// that the caller takes between two pages does not count.
    #[must_use]
    pub fn list_timeout(mut self, limit: Duration) -> Self {
        self.settings.list_timeout = limit;
        self
    }

    /// How many bytes an answer may have, once decompressed; 16 MiB by default. Downloads have no
    /// such limit.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = bytes;
        self
    }

    /// How many bytes the head of a response may have; 128 KiB by default, and at least 8 KiB.
    #[must_use]
    pub fn header_limit(mut self, bytes: usize) -> Self {
        self.settings.header_limit = bytes;
        self
    }

    /// After how many pages of one list no further page is asked for; 10,000 by default. A list that
    /// goes on then ends as [`ErrorKind::List`].
    #[must_use]
    pub fn page_limit(mut self, pages: u32) -> Self {
        self.settings.page_limit = pages;
        self
    }

    /// After how many items of one list no further page is asked for; 1,000,000 by default. Each page
    /// is given whole; a list that goes on then ends as [`ErrorKind::List`].
    #[must_use]
    pub fn item_limit(mut self, items: u64) -> Self {
        self.settings.item_limit = items;
        self
    }

    /// How slowly a file may come: at least `bytes_per_second` on average over each `window` of
    /// waiting; 10 KiB a second over 60 s by default, and 0 is any rate. The time that the caller
    /// takes between two chunks does not count.
    #[must_use]
    pub fn min_rate(mut self, bytes_per_second: u64, window: Duration) -> Self {
        self.calls.min_rate = MinRate {
            bytes_per_second,
            window,
        };
        self
    }

    /// The `User-Agent`; `atlas-rs/VERSION` by default.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.settings.user_agent = name.into();
        self
    }

    /// Builds a client on hyper.
    ///
    /// # Errors
    /// [`ErrorKind::Unsendable`] if a credential or the `User-Agent` cannot stand in a header,
    /// [`ErrorKind::Setting`] if a limit is out of bounds,
    /// [`ErrorKind::Certificate`] if a certificate to [`trust`](ClientBuilder::trust) cannot be used,
    /// [`ErrorKind::ClientCertificate`] if the
    /// [client certificate](ClientBuilder::client_certificate) cannot be used or its key is not the
    /// certificate's, [`ErrorKind::Roots`] if the roots that `SSL_CERT_FILE` or `SSL_CERT_DIR` names
    /// cannot be used, and [`ErrorKind::Proxy`] if the [`proxy`](ClientBuilder::proxy), or the one
    /// that the environment names for the base URL's host, cannot be used.
    pub fn build(mut self) -> Result<Client, Error> {
        let proxy = std::mem::take(&mut self.proxy);
        let base = self.base.resolve("/").map_err(|_| ErrorKind::Unsendable {
            what: "the base URL",
        })?;
        if self.settings.header_limit < MIN_HEADER_LIMIT {
            return Err(ErrorKind::Setting {
                setting: "header_limit",
                expected: "at least 8192 bytes",
            }
            .into());
        }
        let transports = transport::hyper(&self.settings, &self.tls, proxy, &base)?;
        self.build_on(transports)
    }

    /// Builds a client on another transport, for instance a sandbox without a socket.
    ///
    /// # Errors
    /// As [`build`](ClientBuilder::build).
    pub fn build_with<S, B>(self, service: S) -> Result<Client, Error>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.build_on(Transports::same(Arc::new(service)))
    }

    fn build_on(self, transports: Transports) -> Result<Client, Error> {
        let user_agent = HeaderValue::from_str(&self.settings.user_agent).map_err(|_| {
            ErrorKind::Unsendable {
                what: "the user agent",
            }
        })?;
        let cache = match &self.credentials {
            Credentials::ServiceAccount {
                client_id,
                client_secret,
                ..
            } => self.cache.map(|cache| {
                let key = TokenKey::new(&self.base.to_string(), client_id, client_secret);
                (cache, key)
            }),
            _ => None,
        };
        Ok(Client::new_on(Shared {
            base: self.base,
            auth: Authenticator::new(&self.credentials)?,
            transports,
            settings: self.settings,
            calls: self.calls,
            user_agent,
            cache,
            budget: Mutex::new(RetryBudget::new()),
            pace: Mutex::new(Pace::default()),
            secrets: Secrets::new(&self.credentials),
        }))
    }
}

/// What hyper can work with.
const MIN_HEADER_LIMIT: usize = 8 << 10;

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base", &self.base)
            .field("credentials", &self.credentials)
            .field("settings", &self.settings)
            .field("tls", &self.tls)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
