//! Runs a case against a client.

use std::collections::BTreeSet;
use std::time::Instant;

use regex::Regex;

use crate::case::{Case, ClientCase, Credentials, Kind, Outcome, PatternCase};
use crate::difference::Difference;
use crate::download_run;
use crate::fixtures::{FixtureError, pattern};
use crate::judge::{Observation, judge};
use crate::message::{CallMessage, Reply, Run};
use crate::scripted::ScriptedServer;
use crate::testee::{Testee, TesteeError};
use crate::verdict::{Judgement, Verdict};

/// An error that prevents a case from being judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Testee(#[from] TesteeError),
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    #[error("invalid case: {0}")]
    Case(String),
    #[error("I/O error in a server or a file of the suite")]
    Machine(#[from] std::io::Error),
}

impl RunError {
    /// Returns the verdict for this error: of the testee or of the suite.
    fn verdict(&self) -> Verdict {
        match self {
            Self::Testee(error) => error.verdict(),
            _ => Verdict::Error,
        }
    }
}

/// The result of a run.
pub(crate) struct Found {
    pub(crate) differences: Vec<Difference>,
    pub(crate) conversation: String,
    /// The last reply of the client.
    pub(crate) reply: Option<Reply>,
    /// Whether the client sent a request.
    pub(crate) has_sent: bool,
}

/// Runs a case against a client that was just started or reset, and judges it.
///
/// `command` starts another process of the client, for cases that kill it.
pub async fn judge_client(testee: &mut Testee, command: &[String], case: &Case) -> Judgement {
    judge_and_search(testee, command, case).await.0
}

/// Does the same, and returns the secrets that the client's replies had since the last case.
pub(crate) async fn judge_and_search(
    testee: &mut Testee,
    command: &[String],
    case: &Case,
) -> (Judgement, BTreeSet<String>) {
    let with_others = case.without_bearer(&testee.hello.abilities);
    let case = with_others.as_ref().unwrap_or(case);
    let secrets = case.client_secrets();
    testee.search_for(&secrets);
    let (mut judgement, conversation) = run(testee, command, case).await;
    let shown = testee.take_shown();
    let own = secrets.into_iter().filter(|it| shown.contains(it));
    let own: BTreeSet<String> = own.collect();
    let is_in = |place| judgement.places_of_secrets().any(|it| it == place);
    let (in_requests, in_output) = (is_in("requests"), is_in("output"));
    let place = if in_output { "output" } else { "reply" };
    judgement.shows(case, &own, place);
    // In a request, or only in the output of several calls together.
    if in_requests || (in_output && own.is_empty()) {
        judgement.shows_secret(if in_requests { "requests" } else { place });
    }
    if !shown.is_empty() && judgement.conversation.is_empty() {
        judgement.conversation = conversation;
    }
    (judgement, shown)
}

/// Runs a case and judges it. Returns the conversation, too.
async fn run(testee: &mut Testee, command: &[String], case: &Case) -> (Judgement, String) {
    let name = testee.hello.name.clone();
    let none = String::new();
    if let Some(needed) = lacking(&testee.hello.abilities, case) {
        let reason = format!("the testee lacks the ability {needed:?}");
        return (Judgement::unimplemented(&name, case, reason), none);
    }
    let found = match &case.kind {
        Kind::Client(client) => call(testee, client).await,
        Kind::Pattern(pattern) => match_pattern(testee, pattern).await,
        Kind::Download(download) => download_run::run(testee, command, download).await,
        Kind::Server(_) | Kind::Flow(_) => Err(RunError::Case(
            "a server case cannot be run against a client".to_owned(),
        )),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return (Judgement::ended(&name, case, error.verdict(), &error), none);
        }
    };
    let reported = |kind: &str| found.reply.as_ref().filter(|it| it.outcome.kind == kind);
    if let Some(reply) = reported("unimplemented").filter(|_| !found.has_sent) {
        let judgement = Judgement::unimplemented(&name, case, reply.output.clone());
        return (judgement, none);
    }
    if let Some(reply) = reported("crashed") {
        let reason = reply.output.clone();
        let mut judgement = Judgement::without(&name, case, Verdict::Crashed, reason);
        judgement.conversation = found.conversation;
        return (judgement, none);
    }
    let conversation = found.conversation.clone();
    let mut judgement = Judgement::of(&name, case, found.differences, found.conversation);
    if let (Kind::Client(client), false) = (&case.kind, judgement.differences.is_empty()) {
        let others = client.or.len();
        if others > 0 {
            let noun = if others == 1 {
                "alternative"
            } else {
                "alternatives"
            };
            judgement.reason =
                format!("compared with the first expectation; {others} {noun} not met either");
        }
    }
    (judgement, conversation)
}

/// Returns the first ability that a case needs and a client lacks.
fn lacking(abilities: &[String], case: &Case) -> Option<String> {
    let mut needed: Vec<&str> = case.needs.iter().map(String::as_str).collect();
    match &case.kind {
        Kind::Client(client) => {
            needed.push("call");
            needed.push(match client.call.auth {
                Credentials::Digest { .. } => "digest",
                Credentials::OAuth { .. } => "oauth",
                Credentials::Bearer { .. } => "bearer",
            });
            if client.call.envelope {
                needed.push("envelope");
            }
            if client.call.list {
                needed.push("list");
            }
        }
        Kind::Pattern(_) => needed.push("pattern"),
        Kind::Download(_) => needed.push("download"),
        Kind::Server(_) | Kind::Flow(_) => {}
    }
    let lacks = |need: &&&str| !abilities.iter().any(|ability| ability == **need);
    needed.iter().find(lacks).map(|need| (*need).to_owned())
}

async fn call(testee: &mut Testee, case: &ClientCase) -> Result<Found, RunError> {
    let server = ScriptedServer::start(&case.answers, &case.call.operation).await?;
    let message = CallMessage::of(&case.call, &server.url).map_err(RunError::Case)?;
    let started = Instant::now();
    let mut reply = Reply::of(Outcome::of("ok"));
    let mut output = String::new();
    for _ in 0..case.call.times {
        reply = testee.run(Run::Call(message.clone())).await?;
        output.push_str(&reply.output);
    }
    let observation = Observation {
        requests: server.requests(),
        outcome: reply.outcome.clone(),
        output,
        took: started.elapsed(),
        memory: testee.memory(),
    };
    let mut differences = judge(case, &observation);
    differences.extend(server.malformed().map(|it| it.difference()));
    Ok(Found {
        differences,
        conversation: server.conversation() + &observation.output,
        reply: Some(reply),
        has_sent: !observation.requests.is_empty(),
    })
}

async fn match_pattern(testee: &mut Testee, case: &PatternCase) -> Result<Found, RunError> {
    let documented = pattern(&case.file())?.pattern;
    let regex = Regex::new(&documented);
    let fits = regex.is_ok_and(|regex| regex.is_match(&case.text));
    if fits != case.accepted {
        let text = &case.text;
        return Err(RunError::Case(format!(
            "`accepted` contradicts the pattern {documented} for {text:?}"
        )));
    }
    let (field, text) = (case.field.clone(), case.text.clone());
    let reply = testee.run(Run::Pattern { field, text }).await?;
    let required = if case.accepted { "accepted" } else { "refused" };
    let mut differences = Vec::new();
    if reply.outcome.kind != required && reply.outcome.kind != "unimplemented" {
        let place = format!("{} {:?}", case.field, case.text);
        differences.push(Difference::new(place, required, &reply.outcome));
    }
    Ok(Found {
        differences,
        conversation: reply.output.clone(),
        reply: Some(reply),
        has_sent: false,
    })
}
