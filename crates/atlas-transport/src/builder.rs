//! The builder of a client.

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
    /// Builds a client with the default settings.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(base: BaseUrl, credentials: &Credentials) -> Result<Self, Error> {
        Self::builder(base, credentials).build()
    }

    /// Returns a builder for a client.
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

    /// Trusts a certificate authority in addition to the platform's, given as a DER certificate; for a
    /// self-managed server. [`trust_pem`](ClientBuilder::trust_pem) accepts PEM.
    ///
    /// The certificate is also added to the roots of `SSL_CERT_FILE` and `SSL_CERT_DIR`, and is used for
    /// `https` proxies too.
    #[must_use]
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.tls.trust(certificate.into());
        self
    }

    /// Trusts the certificate authorities of a PEM bundle; see [`trust`](ClientBuilder::trust).
    ///
    /// Text around the certificates, other kinds of blocks, and LF and CRLF line ends are accepted. A
    /// bundle without a certificate, or with an invalid one, is an error of
    /// [`build`](ClientBuilder::build).
    #[must_use]
    pub fn trust_pem(mut self, bundle: impl Into<Vec<u8>>) -> Self {
        self.tls.trust_pem(bundle.into());
        self
    }

    /// Sets the client certificate for servers that request one (mutual TLS): a chain in PEM, the
    /// client's own certificate first, and its key in PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted).
    ///
    /// It is presented to the host and port of the base URL only, for calls, token requests and
    /// downloads. Proxies and the other hosts of snapshot links never receive it. The key appears in no
    /// `Debug` and no error.
    #[must_use]
    pub fn client_certificate(
        mut self,
        pem_chain: impl Into<Vec<u8>>,
        pem_key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.identify(pem_chain.into(), pem_key.into());
        self
    }

    /// Sets the proxy for `https`, `[scheme://][user:password@]host[:port]`. It replaces `HTTPS_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`.
    ///
    /// The scheme is `http` (the default), `https`, `socks5` (the client resolves hosts) or `socks5h`
    /// (the proxy does). The port is 1080 by default, as in curl, and 443 for `https`. User and password
    /// are percent-encoded. Calls, token requests and downloads all use the proxy; `http` to a loopback
    /// address never does.
    #[must_use]
    pub fn proxy(mut self, address: impl Into<String>) -> Self {
        self.proxy = Proxy::To(address.into());
        self
    }

    /// Disables proxies, also those of the environment.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::Direct;
        self
    }

    /// Sets which calls are retried, and when; [`RetryPolicy::default`] by default.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.calls.retry = policy;
        self
    }

    /// Sets a cache that keeps a service account's access token beyond the life of this client.
    #[must_use]
    pub fn token_cache(mut self, cache: Arc<dyn TokenCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Limits the time to connect, TLS and proxy included; 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.connect_timeout = limit;
        self
    }

    /// Limits the wait for response headers, and for each piece of the body; 30 s by default.
    #[must_use]
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.settings.read_timeout = limit;
        self
    }

    /// Limits the time of a call, authentication, retries and the waits between them included; 120 s
    /// by default. Of a download, it bounds the opening only.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.calls.total_timeout = limit;
        self
    }

    /// Limits the total wait for the pages of one list; 10 minutes by default. Each page is a call with
    /// its own [`total_timeout`](ClientBuilder::total_timeout). The caller's time between two pages is
    /// not included.
    #[must_use]
    pub fn list_timeout(mut self, limit: Duration) -> Self {
        self.settings.list_timeout = limit;
        self
    }

    /// Limits the size of a response body, decompressed, in bytes; 16 MiB by default. Downloads have no
    /// such limit.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = bytes;
        self
    }

    /// Limits the size of a response head, in bytes; 128 KiB by default, at least 8 KiB.
    #[must_use]
    pub fn header_limit(mut self, bytes: usize) -> Self {
        self.settings.header_limit = bytes;
        self
    }

    /// Limits the pages of one list; 10,000 by default. A longer list ends as [`ErrorKind::List`].
    #[must_use]
    pub fn page_limit(mut self, pages: u32) -> Self {
        self.settings.page_limit = pages;
        self
    }

    /// Limits the items of one list; 1,000,000 by default. The page that reaches the limit is returned
    /// whole; a longer list then ends as [`ErrorKind::List`].
    #[must_use]
    pub fn item_limit(mut self, items: u64) -> Self {
        self.settings.item_limit = items;
        self
    }

    /// Sets the minimum rate of a file: `bytes_per_second` on average over each `window` of waiting;
    /// 10 KiB a second over 60 s by default, and 0 for no minimum. The caller's time between two chunks
    /// is not included.
    #[must_use]
    pub fn min_rate(mut self, bytes_per_second: u64, window: Duration) -> Self {
        self.calls.min_rate = MinRate {
            bytes_per_second,
            window,
        };
        self
    }

    /// Sets the `User-Agent`; `atlas-rs/VERSION` by default.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.settings.user_agent = name.into();
        self
    }

    /// Builds a client that uses hyper.
    ///
    /// # Errors
    /// [`ErrorKind::Unsendable`] if a credential or the `User-Agent` is not a valid header value,
    /// [`ErrorKind::Setting`] if a limit is out of bounds,
    /// [`ErrorKind::Certificate`] if a certificate to [`trust`](ClientBuilder::trust) is invalid,
    /// [`ErrorKind::ClientCertificate`] if the
    /// [client certificate](ClientBuilder::client_certificate) is invalid or does not match its key,
    /// [`ErrorKind::Roots`] if `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be used, and
    /// [`ErrorKind::Proxy`] if the [`proxy`](ClientBuilder::proxy), or the proxy that the environment
    /// sets for the base URL's host, is invalid.
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

    /// Builds a client that uses another transport, for instance a sandbox without a socket.
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

/// The minimum that hyper supports.
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
