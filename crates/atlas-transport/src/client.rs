//! The client: operations in, answers out.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::{Answer, CallOptions, Operation, OperationExt, SnapshotUrl};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, Uri, request};
use http_body::Body;
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use tower_service::Service;

use crate::auth::{Auth, Prepared, Token, Verdict};
use crate::base_url::{BaseUrl, may_be_spoken};
use crate::body;
use crate::carry::{self, Carry, Incoming};
use crate::credentials::Credentials;
use crate::download::Download;
use crate::error::{Error, Phase};
use crate::timer::Timer;

/// A client of one Atlas API with one set of credentials.
///
/// Cheap to clone; clones share connections, challenge and token. Calls can be dropped at any
/// point. Needs a Tokio runtime with time and I/O.
///
/// ```no_run
/// # async fn run(operation: atlas_model::DownloadTenantSnapshot)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use atlas_transport::{BaseUrl, Client, Credentials};
///
/// let credentials = Credentials::api_key("public", "private");
/// let client = Client::new(BaseUrl::cloud(), &credentials)?;
/// let answer = client.send(&operation).await?;
/// println!("{:?}, answered as {:?}", answer.value.status, answer.meta.version);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    base: BaseUrl,
    auth: Auth,
    carrier: Arc<dyn Carry>,
    settings: Settings,
    user_agent: HeaderValue,
}

#[derive(Debug, Clone)]
struct Settings {
    connect_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Duration,
    response_limit: usize,
    user_agent: String,
}

/// Sets up a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    base: BaseUrl,
    credentials: Credentials,
    settings: Settings,
    roots: Vec<CertificateDer<'static>>,
}

impl ClientBuilder {
    /// Trusts one more certificate authority beside the platform's, its certificate in DER; for a
    /// self-managed server.
    #[must_use]
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.roots.push(certificate.into().into());
        self
    }

    /// How long one TCP connection may take; 10 s by default.
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

    /// How long a call may take, authentication included; 120 s by default. Downloads have no
    /// such limit.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.settings.total_timeout = limit;
        self
    }

    /// How many bytes an answer may have, once decompressed; 16 MiB by default. Downloads have no
    /// such limit.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = bytes;
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
    /// [`Error::Unsendable`] if a credential or the `User-Agent` cannot stand in a header, and
    /// [`Error::Certificate`] if a certificate to [`trust`](ClientBuilder::trust) is none.
    pub fn build(mut self) -> Result<Client, Error> {
        let roots = std::mem::take(&mut self.roots);
        let carrier = carry::hyper(self.settings.connect_timeout, roots)?;
        self.build_on(carrier)
    }

    /// Builds a client on another carrier, for instance a sandbox without a socket.
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
        self.build_on(Arc::new(service))
    }

    fn build_on(self, carrier: Arc<dyn Carry>) -> Result<Client, Error> {
        let user_agent =
            HeaderValue::from_str(&self.settings.user_agent).map_err(|_| Error::Unsendable {
                what: "the user agent",
            })?;
        Ok(Client {
            shared: Arc::new(Shared {
                base: self.base,
                auth: Auth::new(&self.credentials)?,
                carrier,
                settings: self.settings,
                user_agent,
            }),
        })
    }
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
        ClientBuilder {
            base,
            credentials: credentials.clone(),
            settings: Settings {
                connect_timeout: Duration::from_secs(10),
                read_timeout: Duration::from_secs(30),
                total_timeout: Duration::from_secs(120),
                response_limit: 16 << 20,
                user_agent: concat!("atlas-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            },
            roots: Vec::new(),
        }
    }

    /// Sends an operation and reads its answer, in the operation's newest version.
    ///
    /// # Errors
    /// [`Error`]; [`Error::may_have_been_sent`] tells whether Atlas can have acted on it.
    pub async fn send<O: Operation>(&self, operation: &O) -> Result<Answer<O::Response>, Error> {
        self.send_with(operation, &CallOptions::default()).await
    }

    /// Sends an operation in a chosen version and form.
    ///
    /// # Errors
    /// As [`send`](Client::send).
    pub async fn send_with<O: Operation>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error> {
        let request = operation.to_request(options)?;
        let response = self.carry(request).await?;
        Ok(O::from_response(response, options)?)
    }

    /// Carries a request whose target is in origin form, as
    /// [`to_request`](OperationExt::to_request) builds it: authenticates it, sends it, and
    /// collects the answer whatever its status.
    ///
    /// # Errors
    /// As [`send`](Client::send), without [`Error::Response`].
    pub async fn carry(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let settings = &self.shared.settings;
        let mut timer = Timer::new(settings.read_timeout, Some(settings.total_timeout));
        self.shared.authenticated(request, &mut timer).await
    }

    /// Opens a snapshot's file for streaming.
    ///
    /// Goes to the object store that the link names, without `Authorization` and without following
    /// redirects. The link appears in no error and no log.
    ///
    /// # Errors
    /// [`Error::Link`] for any answer but 200; 403 means that the link has expired.
    pub async fn download(&self, link: &SnapshotUrl) -> Result<Download, Error> {
        let unsendable = Error::Unsendable {
            what: "the snapshot link",
        };
        let Ok(uri) = link.expose().parse::<Uri>() else {
            return Err(unsendable);
        };
        let (Some(scheme), Some(host)) = (uri.scheme(), uri.host()) else {
            return Err(unsendable);
        };
        match may_be_spoken(scheme, host) {
            Some(true) => {}
            Some(false) => return Err(Error::InsecureLink),
            None => return Err(unsendable),
        }
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = uri;
        let mut timer = Timer::new(self.shared.settings.read_timeout, None);
        let response = self.shared.once(parts, Bytes::new(), &mut timer).await?;
        let (head, body) = response.into_parts();
        if head.status != http::StatusCode::OK {
            return Err(Error::Link {
                status: head.status,
            });
        }
        Ok(Download::new(&head.headers, body, timer))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Sends a request as often as authentication asks for.
    async fn authenticated(
        &self,
        request: Request<Bytes>,
        timer: &mut Timer,
    ) -> Result<Response<Bytes>, Error> {
        let (mut parts, payload) = request.into_parts();
        let unsendable = Error::Unsendable {
            what: "the request target",
        };
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        parts.uri = self.base.resolve(target).map_err(|_| unsendable)?;
        parts
            .headers
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let method = parts.method.clone();
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        let mut attempt = 1;
        loop {
            let prepared = self.auth.prepare(method.as_str(), &target);
            let prepared = timer.wait_for_others(prepared).await??;
            if let Some(basic) = prepared.fetch.clone() {
                self.fetch_token(prepared, basic, timer).await?;
                continue;
            }
            let mut parts = parts.clone();
            if let Some(authorization) = prepared.authorization.clone() {
                parts.headers.insert(AUTHORIZATION, authorization);
            }
            let response = self.once(parts, payload.clone(), timer).await?;
            let verdict = prepared.observe(attempt, response.status(), response.headers());
            tracing::debug!(
                %method,
                path = target.split('?').next(),
                attempt,
                status = response.status().as_u16(),
                ?verdict,
                "answered"
            );
            match verdict {
                Verdict::Done | Verdict::Refused => return self.collect(response, timer).await,
                Verdict::Unanswerable(problem) => return Err(Error::Challenge { problem }),
                Verdict::Retry => {
                    // The connection can be used again once its answer has been read.
                    self.collect(response, timer).await?;
                    attempt += 1;
                }
            }
        }
    }

    /// Sends one request and waits for the head of its answer.
    async fn once(
        &self,
        mut parts: request::Parts,
        payload: Bytes,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, Error> {
        parts.headers.insert(USER_AGENT, self.user_agent.clone());
        let host = parts
            .uri
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let request = Request::from_parts(parts, Full::new(payload));
        match timer.wait(Phase::Head, self.carrier.carry(request)).await? {
            Ok(response) => Ok(response),
            Err(source) if carry::is_connect(&source) => Err(Error::Connect { host, source }),
            Err(source) => Err(Error::Interrupted { source }),
        }
    }

    async fn collect(
        &self,
        response: Response<Incoming>,
        timer: &mut Timer,
    ) -> Result<Response<Bytes>, Error> {
        let (head, body) = response.into_parts();
        let limit = self.settings.response_limit;
        let body = body::collect(&head.headers, body, limit, timer).await?;
        Ok(Response::from_parts(head, body))
    }

    /// Asks the token endpoint for a token (RFC 6749 section 4.4.2).
    async fn fetch_token(
        &self,
        prepared: Prepared<'_>,
        basic: HeaderValue,
        timer: &mut Timer,
    ) -> Result<(), Error> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        parts.uri = self
            .base
            .resolve("/api/oauth/token")
            .map_err(|_| Error::Unsendable {
                what: "the token endpoint's address",
            })?;
        parts.headers.insert(AUTHORIZATION, basic);
        parts
            .headers
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        parts.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let form = Bytes::from_static(b"grant_type=client_credentials");
        let response = self.once(parts, form, timer).await?;
        let response = self.collect(response, timer).await?;
        let status = response.status();
        tracing::debug!(status = status.as_u16(), "token endpoint answered");
        let problem = match serde_json::from_slice::<Token>(response.body()) {
            Ok(token) if status.is_success() => return prepared.fetched(&token),
            _ => token_problem(status, response.body()),
        };
        Err(Error::Token { status, problem })
    }
}

/// What a token endpoint's refusal says (RFC 6749 section 5.2), without quoting its body.
fn token_problem(status: http::StatusCode, body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
    }
    let hint = match status.as_u16() {
        400 | 401 | 403 => "check the client id and secret, and the service account's access list",
        429 => "ten requests a minute are allowed; wait, and keep one client for many calls",
        _ => "check the base URL and any proxy in between",
    };
    match serde_json::from_slice(body) {
        Ok(Refusal { error }) if error.bytes().all(|byte| byte.is_ascii_graphic()) => {
            format!("{} {error}; {hint}", status.as_u16())
        }
        _ => format!("{}; {hint}", status.as_u16()),
    }
}
