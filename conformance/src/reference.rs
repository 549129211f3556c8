//! Makes the client of this workspace a testee.

use std::collections::BTreeMap;
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
use crate::message::{ABILITIES, CallMessage, DownloadMessage, Hello, Reply, Request, Run};

mod lists;
mod raw;
mod typed;

/// The client of this workspace as a testee, with its connections.
///
/// Backup operations are called by their types, all others by name.
#[derive(Debug, Default)]
pub struct ReferenceClient {
    clients: BTreeMap<String, Client>,
}

impl ReferenceClient {
    /// Creates a client without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replies on stdout to each line of stdin, until stdin ends.
    ///
    /// # Errors
    /// Fails if stdin cannot be read or stdout cannot be written.
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
        let reply = match request {
            Request::Hello { .. } => return json!(hello()),
            Request::Reset {} => {
                self.clients.clear();
                return json!({"done": true});
            }
            Request::Run(run) => match *run {
                Run::Call(call) => self.call(call).await,
                Run::Pattern { field, text } => pattern(&field, &text),
                Run::Download(download) => download_file(download).await,
            },
        };
        json!(reply)
    }

    async fn call(&mut self, call: CallMessage) -> Reply {
        let client = match self.client(&call) {
            Ok(client) => client,
            Err(error) => return failed(&error),
        };
        let options = CallOptions {
            version: call.version.parse().ok(),
            envelope: call.envelope,
            pretty: call.pretty,
        };
        if call.list {
            return lists::read(&client, &call).await;
        }
        let Some(operation) = typed::find(&call.operation) else {
            return raw::call(&client, &call).await;
        };
        let request = match (operation.request)(&call, &options) {
            Ok(request) => request,
            Err(problem) => return unsendable(&problem),
        };
        let read = client.execute(request).await.and_then(|response| {
            (operation.response)(response, &options)
                .map_err(|error| atlas_transport::Error::from(ErrorKind::from(error)))
        });
        match read {
            Ok(read) => Reply {
                output: format!("{client:?} {:?}", read.meta),
                ..Reply::of(Outcome::of("ok"))
            },
            Err(error) => failed(&error),
        }
    }

    fn client(&mut self, call: &CallMessage) -> Result<Client, atlas_transport::Error> {
        let key = format!("{} {:?}", call.url, json!(call.auth));
        if let Some(client) = self.clients.get(&key) {
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
        let client = Client::builder(base, &credentials)
            .read_timeout(Duration::from_millis(call.timeout_ms))
            .total_timeout(Duration::from_secs(30))
            .no_proxy()
            .retry(policy)
            .build()?;
        self.clients.insert(key, client.clone());
        Ok(client)
    }
}

fn pattern(field: &str, text: &str) -> Reply {
    let fits = match field {
        "clusterName" => ClusterName::parse_field("clusterName", text).map(drop),
        "targetDeploymentItemName" => DeploymentItemName::parse_field("name", text).map(drop),
        _ => ProjectId::parse_field("id", text).map(drop),
    };
    let kind = if fits.is_ok() { "accepted" } else { "refused" };
    Reply {
        output: fits.err().map_or(String::new(), |error| error.to_string()),
        ..Reply::of(Outcome::of(kind))
    }
}

async fn download_file(asked: DownloadMessage) -> Reply {
    let out = Path::new(&asked.out);
    let credentials = atlas_transport::Credentials::bearer(&asked.token);
    let (Ok(project), Ok(cluster), Ok(snapshot), Ok(base)) = (
        asked.project.parse(),
        asked.cluster.parse::<ClusterName>(),
        asked.snapshot.parse::<SnapshotId>(),
        asked.url.parse(),
    ) else {
        return unsendable("invalid name or base URL");
    };
    let policy = RetryPolicy::default().base_delay(Duration::from_millis(1));
    let builder = Client::builder(base, &credentials).no_proxy();
    let client = match builder.retry(policy).build() {
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
    match done {
        Ok(_) => Reply::of(Outcome::of("ok")),
        Err(atlas_backup::Error::Call(error)) => failed(&error),
        Err(error) => {
            let kind = match &error {
                atlas_backup::Error::Exists { .. } => "exists",
                atlas_backup::Error::JobEnded { .. } => "job_failed",
                atlas_backup::Error::NoSnapshot { .. } => "no_snapshot",
                _ => "broken_file",
            };
            Reply {
                output: format!("{error} {error:?}"),
                ..Reply::of(Outcome::of(kind))
            }
        }
    }
}

fn hello() -> Hello {
    Hello {
        name: "atlas-rs".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        abilities: ABILITIES.map(str::to_owned).to_vec(),
    }
}

fn unsendable(problem: &str) -> Reply {
    Reply {
        output: problem.to_owned(),
        ..Reply::of(Outcome::of("unsendable"))
    }
}

/// Returns an error as an outcome of the suite's closed list.
fn failed(error: &atlas_transport::Error) -> Reply {
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
    Reply {
        outcome: Outcome {
            kind: kind.to_owned(),
            status: error.status().map(|status| status.as_u16()),
            error_code: error.api_error().and_then(|error| error.error_code.clone()),
            items: None,
        },
        output: format!("{error} {error:?}"),
        value: None,
    }
}
