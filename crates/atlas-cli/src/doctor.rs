//! `atlas doctor`: whether the configured account can be used, one line for each check.

use std::pin::pin;

use atlas_model::clusters::ListClusters;
use atlas_model::flex_clusters::ListFlexClusters;
use atlas_model::projects::{GetGroup, ListGroups};
use atlas_model::{AnswerMeta, ItemsPerPage, Paged, ProjectId};
use atlas_transport::{Client, Error, ErrorKind};
use clap::Args;
use futures_util::TryStreamExt;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::args::ProjectArgs;
use crate::connection::Connection;
use crate::escape::escape;
use crate::failure::Failure;
use crate::global::Global;
use crate::namesake;
use crate::print::print;
use crate::settings::Settings;

/// Check that the configured account can be used
#[derive(Debug, Args)]
#[command(
    after_help = "Prints one line per check: ok, note, FAIL or skip. All requests are read-only, so doctor \
                  cannot check whether the credentials may download a snapshot.\n\n\
                  Example:\n  atlas doctor"
)]
pub(crate) struct Doctor {
    #[command(flatten)]
    project: ProjectArgs,
}

/// The largest clock difference without a note.
const CLOCK: SignedDuration = SignedDuration::from_secs(30);

impl Doctor {
    /// Runs the checks; the first failure decides the exit code.
    pub(crate) async fn run(&self, global: &Global) -> Result<(), Failure> {
        let mut report = Report::default();
        let opened = match Settings::of(global).output() {
            Ok(_) => Connection::open(global).await,
            Err(failure) => Err(failure),
        };
        if let Some(other) = namesake::first_on_path() {
            let line = format!(
                "the first atlas on the PATH is another program, {}; run this one as atlas-toolkit",
                other.display()
            );
            report.note("program", &line);
        }
        let connection = match opened {
            Ok(connection) => connection,
            Err(failure) => {
                report.fail("settings", failure);
                report.skip(&["connection", "credentials", "clock", "project", "clusters"]);
                return report.end();
            }
        };
        report.ok("settings", &connection.describe());
        let client = &connection.client;
        match account(client).await {
            Ok(None) => {
                let why = "the server is not Atlas: its response has no list of projects; check the \
                       base URL and any proxy in between";
                report.fail("connection", Failure::Answer(why.to_owned()));
                report.skip(&["credentials", "clock", "project", "clusters"]);
                return report.end();
            }
            Ok(Some((projects, meta))) => {
                report.ok("connection", "Atlas responds");
                report.ok("credentials", &format!("accepted; they can see {projects}"));
                clock(&mut report, &meta);
            }
            Err(error) => {
                match peer(&error) {
                    Peer::Atlas => {
                        report.ok("connection", "Atlas responds");
                        report.fail("credentials", Failure::Call(error));
                    }
                    Peer::Unknown => {
                        report.ok("connection", "a server responds, but it may not be Atlas");
                        report.fail("credentials", Failure::Call(error));
                    }
                    Peer::NotAtlas => {
                        let broken = matches!(
                            error.kind(),
                            ErrorKind::Malformed { .. } | ErrorKind::Interrupted { .. }
                        );
                        let hint = if broken && connection.is_plain() {
                            PERHAPS_TLS
                        } else {
                            ""
                        };
                        report.fail_with("connection", Failure::Call(error), hint);
                        report.skip(&["credentials"]);
                    }
                }
                report.skip(&["clock", "project", "clusters"]);
                return report.end();
            }
        }
        match self.project.id(global) {
            Ok(id) => of_project(&mut report, client, id).await,
            Err(failure @ Failure::NoProject(_)) => {
                report.note("project", &failure.to_string());
                report.skip(&["clusters"]);
            }
            Err(failure) => {
                report.fail("project", failure);
                report.skip(&["clusters"]);
            }
        }
        report.end()
    }
}

/// Requests the projects: returns their number in words and the metadata of the response.
///
/// `None` if the response has no list of projects, so that the server is not Atlas.
async fn account(client: &Client) -> Result<Option<(String, AnswerMeta)>, Error> {
    let mut first = ListGroups::new();
    first.items_per_page = ItemsPerPage::new(1);
    let answer = client.send(&first).await?;
    if answer.value.results.is_none() {
        return Ok(None);
    }
    let projects = match answer.value.total_count {
        Some(1) => "1 project".to_owned(),
        Some(count) => format!("{count} projects"),
        None => format!("at least {} projects", answer.value.items().len()),
    };
    Ok(Some((projects, answer.meta)))
}

/// The kind of server that an error indicates.
enum Peer {
    Atlas,
    /// A server whose refusal may be that of Atlas.
    Unknown,
    /// Nothing, a proxy, a login page, or another server.
    NotAtlas,
}

fn peer(error: &Error) -> Peer {
    match error.kind() {
        ErrorKind::NoToken(cause) => peer(cause),
        ErrorKind::Token(error) if error.refusal.is_some() && !error.status.is_redirection() => {
            Peer::Atlas
        }
        ErrorKind::Response(error) if error.api_error().is_some() => Peer::Atlas,
        // Atlas refuses some requests without a valid key with 401 and an empty body.
        ErrorKind::Response(error) if error.status() == StatusCode::UNAUTHORIZED => Peer::Unknown,
        ErrorKind::Challenge { .. } => Peer::Unknown,
        _ => Peer::NotAtlas,
    }
}

/// The hint for a plain connection whose response is not HTTP.
const PERHAPS_TLS: &str = "; if the port uses TLS, write https in the base URL";

fn clock(report: &mut Report, meta: &AnswerMeta) {
    let Some(date) = meta.date else {
        report.note("clock", "the response has no Date header to compare with");
        return;
    };
    let off = Timestamp::now().duration_since(date);
    if off.abs() <= CLOCK {
        report.ok("clock", "agrees with the server's clock");
    } else {
        let side = if off.is_positive() {
            "ahead of"
        } else {
            "behind"
        };
        let seconds = off.abs().as_secs();
        let line = format!("is {seconds} s {side} the server's; set the clock of this machine");
        report.note("clock", &line);
    }
}

async fn of_project(report: &mut Report, client: &Client, id: ProjectId) {
    match client.send(&GetGroup::new(id)).await {
        Ok(answer) => {
            let name = answer.value.name.map(|name| name.to_string());
            report.ok("project", name.as_deref().unwrap_or("found"));
        }
        Err(error) => {
            report.fail("project", Failure::Call(error));
            report.skip(&["clusters"]);
            return;
        }
    }
    let counted = async {
        let clusters = count(client, ListClusters::new(id)).await?;
        let flex = count(client, ListFlexClusters::new(id)).await?;
        Ok::<_, Error>((clusters, flex))
    };
    match counted.await {
        Ok((clusters, flex)) => {
            let line = format!("{clusters} dedicated or shared-tier, {flex} Flex");
            report.ok("clusters", &line);
        }
        Err(error) => report.fail("clusters", Failure::Call(error)),
    }
}

async fn count<O>(client: &Client, list: O) -> Result<usize, Error>
where
    O: Paged + Send + Sync,
    O::Item: Send,
{
    let mut items = pin!(client.items(list));
    let mut count = 0;
    while items.try_next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The lines of the checks, and the first failure.
#[derive(Default)]
struct Report {
    lines: String,
    failure: Option<Failure>,
}

impl Report {
    fn line(&mut self, verdict: &str, check: &str, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        let line = format!("{verdict:<5} {check:<12} {text}");
        self.lines.push_str(escape(line.trim_end()).as_ref());
    }

    fn ok(&mut self, check: &str, text: &str) {
        self.line("ok", check, text);
    }

    fn note(&mut self, check: &str, text: &str) {
        self.line("note", check, text);
    }

    fn fail(&mut self, check: &str, failure: Failure) {
        self.fail_with(check, failure, "");
    }

    fn fail_with(&mut self, check: &str, failure: Failure, hint: &str) {
        self.line("FAIL", check, &format!("{failure}{hint}"));
        self.failure.get_or_insert(failure);
    }

    fn skip(&mut self, checks: &[&str]) {
        for check in checks {
            self.line("skip", check, "");
        }
    }

    fn end(self) -> Result<(), Failure> {
        print(self.lines.as_bytes())?;
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}
