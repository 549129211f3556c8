//! The client of this workspace as a testee.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use atlas_backup::{Backups, DownloadOptions, Pick, WaitPolicy, silent};
use atlas_model::{
    CallOptions, ClusterName, DeploymentItemName, Patterned, ProjectId, ResponseError, SnapshotId,
};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ErrorKind, Phase};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::case::{Credentials, Outcome};
use crate::message::{Answer, CallMessage, DownloadMessage, Hello, Request, Run};
use crate::sabotage::ClientSabotage;

mod lists;
pub(crate) mod typed;

/// The client, and what it keeps from one run to the next.
#[derive(Debug, Default)]
pub struct Ours {
    clients: BTreeMap<String, Client>,
    sabotage: ClientSabotage,
}

impl Ours {
    /// The client, as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// The client with a fault on purpose; `None` if there is no such sabotage.
    pub fn sabotaged(name: &str) -> Option<Self> {
        Some(Self {
            clients: BTreeMap::new(),
            sabotage: ClientSabotage::named(name)?,
        })
    }

    /// Answers line by line until there are no more.
    ///
    /// # Errors
    /// stdin or stdout broke.
    pub async fn serve(mut self) -> io::Result<()> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut out = tokio::io::stdout();
        while let Some(line) = lines.next_line().await? {
            let answer = match serde_json::from_str(&line) {
                Ok(request) => self.answer(request).await,
                Err(error) => json!({"error": error.to_string()}),
            };
            out.write_all(format!("{answer}\n").as_bytes()).await?;
            out.flush().await?;
        }
        Ok(())
    }

    async fn answer(&mut self, request: Request) -> Value {
        let answer = match request {
            Request::Hello { .. } => return json!(hello()),
            Request::Reset {} => {
                self.clients.clear();
                return json!({"done": true});
            }
            Request::Run(run) => match *run {
                Run::Call(call) => self.call(call).await,
                Run::Pattern { field, text } => self.pattern(&field, &text),
                Run::Download(download) => self.download(download).await,
            },
        };
        json!(answer)
    }

    async fn call(&mut self, call: CallMessage) -> Answer {
        let client = match self.client(&call) {
            Ok(client) => client,
            Err(error) => return failed(&error),
        };
        let options = CallOptions {
            version: call.version.parse().ok(),
            envelope: call.envelope,
            pretty: call.pretty,
        };
        let Some(operation) = typed::find(&call.operation) else {
            return unsendable("the operation is none of this client's");
        };
        if call.list {
            let mut answer = lists::read(&client, &call, self.sabotage.pages()).await;
            self.sabotage.outcome(&call, &mut answer);
            return answer;
        }
        let request = match (operation.request)(&call, &options) {
            Ok(request) => request,
            Err(problem) => match self.sabotage.unchecked(&call) {
                Some(request) => request,
                None => return unsendable(&problem),
            },
        };
        let carried = client.execute(request).await;
        let reading = self.sabotage.reading(options);
        let read = carried.and_then(|response| {
            (operation.response)(response, &reading)
                .map_err(|error| atlas_transport::Error::from(ErrorKind::from(error)))
        });
        let mut answer = match read {
            Ok(answer) => Answer {
                outcome: Outcome::of("ok"),
                output: format!("{client:?} {:?}", answer.meta),
            },
            Err(error) => failed(&error),
        };
        self.sabotage.outcome(&call, &mut answer);
        answer
    }

    fn client(&mut self, call: &CallMessage) -> Result<Client, atlas_transport::Error> {
        let key = format!("{} {:?}", call.url, json!(call.auth));
        if let Some(client) = self
            .clients
            .get(&key)
            .filter(|_| self.sabotage.keeps_clients())
        {
            return Ok(client.clone());
        }
        let credentials = match &call.auth {
            Credentials::Digest { user, password } => {
                atlas_transport::Credentials::api_key(user, password)
            }
            Credentials::OAuth { id, secret } => {
                atlas_transport::Credentials::service_account(id, secret)
            }
            Credentials::Bearer { token } => atlas_transport::Credentials::bearer(token),
        };
        let base = call.url.parse().map_err(|_| ErrorKind::Unsendable {
            what: "the base URL",
        })?;
        let policy = RetryPolicy::default().base_delay(Duration::from_millis(call.retry_ms));
        let builder = Client::builder(base, &credentials)
            .read_timeout(Duration::from_millis(call.timeout_ms))
            .total_timeout(Duration::from_secs(30))
            .no_proxy();
        let client = self.sabotage.client(builder, policy)?;
        self.clients.insert(key, client.clone());
        Ok(client)
    }

    fn pattern(&self, field: &str, text: &str) -> Answer {
        let fits = |text: &str| match field {
            "clusterName" => ClusterName::parse_field("clusterName", text).map(drop),
            "targetDeploymentItemName" => DeploymentItemName::parse_field("name", text).map(drop),
            _ => ProjectId::parse_field("id", text).map(drop),
        };
        let checked = self
            .sabotage
            .pattern(text, fits(text).is_ok(), |text| fits(text).is_ok());
        Answer {
            outcome: Outcome::of(if checked { "accepted" } else { "refused" }),
            output: fits(text)
                .err()
                .map_or(String::new(), |error| error.to_string()),
        }
    }

    async fn download(&mut self, asked: DownloadMessage) -> Answer {
        let out = Path::new(&asked.out);
        self.sabotage.before_download(out);
        let credentials = atlas_transport::Credentials::bearer(&asked.token);
        let (Ok(project), Ok(cluster), Ok(snapshot), Ok(base)) = (
            asked.project.parse(),
            asked.cluster.parse::<ClusterName>(),
            asked.snapshot.parse::<SnapshotId>(),
            asked.url.parse(),
        ) else {
            return unsendable("a name or the base URL is none");
        };
        let policy = RetryPolicy::default().base_delay(Duration::from_millis(1));
        let builder = Client::builder(base, &credentials).no_proxy();
        let client = match self.sabotage.client(builder, policy) {
            Ok(client) => client,
            Err(error) => return failed(&error),
        };
        let wait = WaitPolicy::default().first(Duration::from_millis(10));
        let options = DownloadOptions::default().replace(asked.replace).wait(wait);
        let backups = Backups::new(client);
        let pick = Pick::Id(snapshot);
        let done = backups
            .download(project, &cluster, &pick, out, &options, silent)
            .await;
        let answer = match done {
            Ok(_) => Answer {
                outcome: Outcome::of("ok"),
                output: String::new(),
            },
            Err(atlas_backup::Error::Call(error)) => failed(&error),
            Err(error) => {
                let kind = match &error {
                    atlas_backup::Error::Exists { .. } => "exists",
                    atlas_backup::Error::JobEnded { .. } => "job_failed",
                    atlas_backup::Error::NoSnapshot { .. } => "no_snapshot",
                    _ => "broken_file",
                };
                Answer {
                    outcome: Outcome::of(kind),
                    output: format!("{error} {error:?}"),
                }
            }
        };
        self.sabotage.after_download(out, &answer);
        answer
    }
}

fn hello() -> Hello {
    let abilities = [
        "call", "bearer", "digest", "oauth", "envelope", "pattern", "download", "retry", "list",
    ];
    Hello {
        name: "atlas-rs".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        abilities: abilities.map(str::to_owned).to_vec(),
    }
}

fn unsendable(problem: &str) -> Answer {
    Answer {
        outcome: Outcome::of("unsendable"),
        output: problem.to_owned(),
    }
}

/// An error in the suite's closed list.
fn failed(error: &atlas_transport::Error) -> Answer {
    let kind = match error.kind() {
        ErrorKind::Response(ResponseError::Api(_)) => "api_error",
        ErrorKind::Response(_) => "unreadable",
        ErrorKind::Challenge { .. } => "challenge",
        ErrorKind::NoToken(_) => "no_token",
        ErrorKind::Connect { .. } | ErrorKind::NotTaken { .. } => "connect",
        ErrorKind::List { .. }
        | ErrorKind::Timeout {
            phase: Phase::List, ..
        } => "incomplete",
        ErrorKind::Timeout { .. } => "timeout",
        ErrorKind::Interrupted { .. } => "interrupted",
        ErrorKind::Malformed { .. } => "malformed",
        ErrorKind::OutcomeUnknown { .. } => "outcome_unknown",
        ErrorKind::TooLarge { .. } => "too_large",
        ErrorKind::Encoding { .. } => "encoding",
        ErrorKind::Link { .. } | ErrorKind::LinkExpired { .. } | ErrorKind::InvalidLink { .. } => {
            "link"
        }
        _ => "unsendable",
    };
    let mut output = String::new();
    let _ = write!(output, "{error} {error:?}");
    Answer {
        outcome: Outcome {
            kind: kind.to_owned(),
            status: error.status().map(|status| status.as_u16()),
            error_code: error.api_error().and_then(|error| error.error_code.clone()),
            items: None,
        },
        output,
    }
}
