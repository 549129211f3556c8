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
use crate::variables::Variables;
use crate::verdict::{Judgement, Verdict};

/// A server under test. Clones share what was learned of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerTestee {
    /// Its name, for reports.
    pub name: String,
    /// Its version, for reports; may be empty.
    pub version: String,
    /// Where it answers: `http://host:port` or `https://host:port`.
    pub url: String,
    /// What differs from server to server.
    pub variables: Variables,
    /// Whether cases that write may be run where the world cannot be reset.
    pub allows_writes: bool,
    /// How long it may take for an answer.
    pub patience: Duration,
    /// Whether its world can be reset, once that is known.
    control: Arc<OnceCell<Control>>,
    /// Tokens that it gave, by login, where its world stays.
    pub(crate) tokens: Arc<Mutex<BTreeMap<String, String>>>,
    /// How many cases in a row it left without an answer.
    silent: Arc<AtomicUsize>,
}

impl ServerTestee {
    /// A server with the variables of the sandbox's default world, which is written to only if its
    /// world can be reset, and may take 30 s for an answer.
    ///
    /// # Errors
    /// [`FixtureError`]: the embedded variables are invalid.
    pub fn new(name: &str, url: &str) -> Result<Self, FixtureError> {
        Ok(Self {
            name: name.to_owned(),
            version: String::new(),
            url: url.trim_end_matches('/').to_owned(),
            variables: Variables::default_world()?,
            allows_writes: false,
            patience: Duration::from_secs(30),
            control: Arc::default(),
            tokens: Arc::default(),
            silent: Arc::default(),
        })
    }

    /// Asks it once whether it has the sandbox's control. An error says why no case can be run.
    ///
    /// # Errors
    /// [`Unreachable`]: it does not answer, or not in HTTP.
    pub async fn reach(&self) -> Result<Control, Unreachable> {
        let asked = async {
            let client = RawClient::new(&self.url, self.patience)?;
            self.control(&client).await
        };
        asked.await.map_err(|source| Unreachable {
            url: self.url.clone(),
            hint: match &source {
                RawError::Broken(_) | RawError::Silent(_) if self.url.starts_with("http:") => {
                    "; a server that speaks TLS has an https:// URL"
                }
                RawError::Connect(error) if is_of_certificate(&**error) => {
                    "; let SSL_CERT_FILE name the certificate to trust"
                }
                _ => "",
            },
            source,
        })
    }

    /// Whether it has the sandbox's control, which it is asked only once.
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
                // As nginx and Go answer on a port for TLS.
                StatusCode::BAD_REQUEST if world.is_err() && names_https(answer.body()) => {
                    Err(RawError::Tls)
                }
                _ => Ok(Control::Absent),
            }
        };
        self.control.get_or_try_init(ask).await.copied()
    }

    /// Whether it has the control, as far as it was asked.
    pub(crate) fn known_control(&self) -> Option<Control> {
        self.control.get().copied()
    }

    /// Uses one of the controls that the sandbox has.
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

    /// Whether it has left so many cases in a row without an answer that others need not be run.
    pub(crate) fn is_gone(&self) -> bool {
        self.silent.load(Ordering::Relaxed) >= SILENT_IN_A_ROW
    }

    /// Notes whether it answered a case.
    pub(crate) fn note(&self, judgement: &Judgement) {
        match judgement.verdict {
            Verdict::Silent => self.silent.fetch_add(1, Ordering::Relaxed),
            Verdict::Error => 0,
            _ => self.silent.swap(0, Ordering::Relaxed),
        };
    }
}

/// Whether a server has the sandbox's control, by which each case begins in a world of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// It has, and lets the judge use it.
    Granted,
    /// It has, but wants the token that `control.token` is to give.
    NoToken,
    /// It has, but refuses the token of `control.token`.
    OtherToken,
    /// It has none.
    Absent,
}

impl Control {
    /// What to do to have its world reset, if anything can be done.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::NoToken => {
                Some("the server wants its control token; give --var control.token=TOKEN")
            }
            Self::OtherToken => {
                Some("the server refuses its control token; check --var control.token=TOKEN")
            }
            Self::Granted | Self::Absent => None,
        }
    }
}

/// A server at which no case can be run.
#[derive(Debug, thiserror::Error)]
#[error("no case can be run at {url}{hint}")]
pub struct Unreachable {
    url: String,
    hint: &'static str,
    source: RawError,
}

/// Whether a refusal is that of the sandbox's control, and not of a server that refuses everybody.
fn is_of_control(answer: &Response<Bytes>) -> bool {
    let challenges = answer.headers().get_all("www-authenticate");
    let mut challenges = challenges.iter().filter_map(|it| it.to_str().ok());
    challenges.any(|challenge| challenge.contains("realm=\"sandbox control\""))
}

/// Whether an error has to do with a certificate.
fn is_of_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut errors = std::iter::successors(Some(error), |error| error.source());
    errors.any(|error| error.to_string().contains("certificate"))
}

fn names_https(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("HTTPS")
}

/// After so many silent cases in a row, no other is run.
pub(crate) const SILENT_IN_A_ROW: usize = 5;
