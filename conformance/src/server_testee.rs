//! A server under test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::fixtures::FixtureError;
use crate::raw_client::{RawClient, RawError};
use crate::testee::is_name;
use crate::variables::Variables;
use crate::verdict::{Judgement, Verdict};

/// A server under test. Clones share its observed state.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerTestee {
    /// The name in reports.
    pub name: String,
    /// The version in reports; may be empty.
    pub version: String,
    /// The base URL: `http://host:port` or `https://host:port`.
    pub url: String,
    /// The values that differ between servers.
    pub variables: Variables,
    /// Whether writing cases may be run if the world cannot be reset.
    pub allows_writes: bool,
    /// The timeout of a response.
    pub patience: Duration,
    /// Whether the world can be reset, once known.
    control: Arc<OnceCell<Control>>,
    /// Access tokens by login, reused if the world cannot be reset.
    pub(crate) tokens: Arc<Mutex<BTreeMap<String, String>>>,
    /// The number of consecutive cases without a response.
    silent: Arc<AtomicUsize>,
}

impl ServerTestee {
    /// Returns a server with the variables of the sandbox's default world and a timeout of 30 s.
    /// Writing cases are run only if its world can be reset.
    ///
    /// # Errors
    /// Returns a [`ServerTesteeError`] if the name is not valid, if the URL is more than a scheme and
    /// a host, or if the embedded variables are invalid.
    pub fn new(name: &str, url: &str) -> Result<Self, ServerTesteeError> {
        if !is_name(name) {
            let name = name.to_owned();
            return Err(ServerTesteeError::Name { name });
        }
        Ok(Self {
            name: name.to_owned(),
            version: String::new(),
            url: base_url(url)?,
            variables: Variables::default_world()?,
            allows_writes: false,
            patience: Duration::from_secs(30),
            control: Arc::default(),
            tokens: Arc::default(),
            silent: Arc::default(),
        })
    }

    /// Probes the server once for the sandbox's control requests.
    ///
    /// # Errors
    /// Returns [`Unreachable`] if the server does not respond, or not with HTTP.
    pub async fn reach(&self) -> Result<Control, Unreachable> {
        let asked = async {
            let client = RawClient::new(&self.url, self.patience)?;
            self.control(&client).await
        };
        asked.await.map_err(|source| Unreachable {
            url: self.url.clone(),
            hint: match &source {
                RawError::Broken(_) | RawError::Silent(_) if self.url.starts_with("http:") => {
                    "; if the server uses TLS, pass an https:// URL"
                }
                RawError::Connect(error) if is_of_certificate(&**error) => {
                    "; set SSL_CERT_FILE to the certificate to trust"
                }
                _ => "",
            },
            source,
        })
    }

    /// Returns whether the server has the sandbox's control requests; probed only once.
    pub(crate) async fn control(&self, client: &RawClient) -> Result<Control, RawError> {
        let ask = || async {
            let answer = self
                .send_control(client, "GET", "/sandbox/world", String::new())
                .await?;
            let world = serde_json::from_slice(answer.body());
            let token = self.variables.get("control.token");
            match answer.status() {
                StatusCode::OK if matches!(world, Ok(Value::Object(_))) => Ok(Control::Granted),
                StatusCode::UNAUTHORIZED if is_of_control(&answer) && token.is_empty() => {
                    Ok(Control::NoToken)
                }
                StatusCode::UNAUTHORIZED if is_of_control(&answer) => Ok(Control::OtherToken),
                // The response of nginx and Go on a TLS port.
                StatusCode::BAD_REQUEST if world.is_err() && names_https(answer.body()) => {
                    Err(RawError::Tls)
                }
                _ => Ok(Control::Absent),
            }
        };
        self.control.get_or_try_init(ask).await.copied()
    }

    /// Returns the result of [`control`](Self::control), if it was probed.
    pub(crate) fn known_control(&self) -> Option<Control> {
        self.control.get().copied()
    }

    /// Sends a control request of the sandbox.
    pub(crate) async fn send_control(
        &self,
        client: &RawClient,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<Response<Bytes>, RawError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json");
        let token = self.variables.get("control.token");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Bytes::from(body));
        client.send(request.map_err(RawError::broken)?).await
    }

    /// Whether too many consecutive cases had no response to run further ones.
    pub(crate) fn is_gone(&self) -> bool {
        self.silent.load(Ordering::Relaxed) >= SILENT_IN_A_ROW
    }

    /// Records whether the server responded in a case.
    pub(crate) fn note(&self, judgement: &Judgement) {
        match judgement.verdict {
            Verdict::Silent => self.silent.fetch_add(1, Ordering::Relaxed),
            Verdict::Error => 0,
            _ => self.silent.swap(0, Ordering::Relaxed),
        };
    }
}

/// Whether a server has the sandbox's control requests, which reset the world before each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Present and permitted.
    Granted,
    /// Present; requires the token of the variable `control.token`, which is not set.
    NoToken,
    /// Present; refuses the token of the variable `control.token`.
    OtherToken,
    /// Not present.
    Absent,
}

impl Control {
    /// Returns what the user can do so that the world can be reset, if anything.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::NoToken => {
                Some("the server requires its control token; pass --var control.token=TOKEN")
            }
            Self::OtherToken => {
                Some("the server refuses the control token; check --var control.token=TOKEN")
            }
            Self::Granted | Self::Absent => None,
        }
    }
}

/// An error of a server against which no case can be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot run cases against {url}{hint}")]
pub struct Unreachable {
    url: String,
    hint: &'static str,
    source: RawError,
}

/// An error while a server under test is described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerTesteeError {
    /// The URL is not a scheme and a host.
    #[error("invalid URL {shown}: expected http://host:port or https://host:port")]
    Url {
        /// The URL, quoted, unless it may hold a secret.
        shown: String,
    },
    /// The name is not valid.
    #[error(
        "invalid testee name {name:?}: expected 1 to 64 ASCII letters, digits, '-', '_' or '.', and no '.' at the start"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The embedded variables are invalid.
    #[error(transparent)]
    Fixtures(#[from] FixtureError),
}

/// Returns a URL without its last slash; an error if it is more than a scheme and a host.
fn base_url(text: &str) -> Result<String, ServerTesteeError> {
    let text = text.trim_end_matches('/');
    let url: Option<http::Uri> = text.parse().ok();
    let authority = url.as_ref().and_then(|url| url.authority());
    // A password stands before @; it may be encoded, or in the place of the port.
    let may_hold_secret = text.contains(['@', '?', '#', '%', ';', '\\'])
        || authority.is_none_or(|it| it.as_str() != it.host() && it.port_u16().is_none());
    let is_base = url.as_ref().is_some_and(|url| {
        let is_web = matches!(url.scheme_str(), Some("http" | "https"));
        is_web && url.path() == "/"
    });
    if is_base && !may_hold_secret {
        return Ok(text.to_owned());
    }
    let shown = if may_hold_secret {
        "(not shown: it may hold a secret)".to_owned()
    } else {
        format!("{text:?}")
    };
    Err(ServerTesteeError::Url { shown })
}

/// Whether a refusal is from the sandbox's control requests, not from a server that refuses all
/// requests.
fn is_of_control(answer: &Response<Bytes>) -> bool {
    let challenges = answer.headers().get_all("www-authenticate");
    let mut challenges = challenges.iter().filter_map(|it| it.to_str().ok());
    challenges.any(|challenge| challenge.contains("realm=\"sandbox control\""))
}

/// Whether an error is about a certificate.
fn is_of_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut errors = std::iter::successors(Some(error), |error| error.source());
    errors.any(|error| error.to_string().contains("certificate"))
}

fn names_https(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("HTTPS")
}

/// The number of consecutive silent cases after which no other is run.
pub(crate) const SILENT_IN_A_ROW: usize = 5;
