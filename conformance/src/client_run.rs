//! Putting a case to a client.

use std::time::Instant;

use crate::case::{Case, ClientCase, Credentials, Kind, Outcome, PatternCase};
use crate::download_run;
use crate::fixture;
use crate::judge::{Conduct, judge};
use crate::message::{CallMessage, Run};
use crate::scripted::ScriptedServer;
use crate::testee::{Testee, TesteeError};
use crate::verdict::Judgement;

/// Why a case could not be put to a client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    #[error(transparent)]
    Testee(#[from] TesteeError),
    #[error(transparent)]
    Fixture(#[from] fixture::FixtureError),
    #[error("{0}")]
    Case(String),
    #[error("a server or a file of the suite failed")]
    Machine(#[from] std::io::Error),
}

/// Puts a case to a client that was just started or reset, and judges it.
///
/// `command` starts the client anew, for cases that kill it.
pub async fn judge_client(testee: &mut Testee, command: &[String], case: &Case) -> Judgement {
    let name = testee.hello.name.clone();
    if let Some(needed) = lacking(&testee.hello.abilities, case) {
        return Judgement::unimplemented(&name, case, &needed);
    }
    let put = match &case.kind {
        Kind::Client(client) => call(testee, client).await,
        Kind::Pattern(pattern) => match_pattern(testee, pattern).await,
        Kind::Download(download) => download_run::put(testee, command, download).await,
        Kind::Server(_) | Kind::Flow(_) => Err(PutError::Case("a case for servers".to_owned())),
    };
    match put {
        Ok((faults, conversation)) => Judgement::of(&name, case, faults, conversation),
        Err(error) => Judgement::infra(&name, case, &error),
    }
}

/// The first thing that a case needs and a client cannot do.
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

/// What did not conform, and what went over the wire.
pub(crate) type Found = (Vec<String>, String);

async fn call(testee: &mut Testee, case: &ClientCase) -> Result<Found, PutError> {
    let documented = fixture::operation(fixture::DOCUMENTED)?;
    let server = ScriptedServer::start(&case.answers, &documented).await?;
    let message = CallMessage::of(&case.call, &server.url).map_err(PutError::Case)?;
    let started = Instant::now();
    let mut outcome = Outcome::of("ok");
    let mut output = String::new();
    for _ in 0..case.call.times {
        let answer = testee.run(Run::Call(message.clone())).await?;
        outcome = answer.outcome;
        output.push_str(&answer.output);
    }
    let conduct = Conduct {
        requests: server.requests(),
        outcome,
        output,
        took: started.elapsed(),
        memory: testee.memory(),
    };
    let mut conversation = server.conversation();
    conversation.push_str(&conduct.output);
    Ok((judge(case, &conduct), conversation))
}

async fn match_pattern(testee: &mut Testee, case: &PatternCase) -> Result<Found, PutError> {
    let (field, text) = (case.field.clone(), case.text.clone());
    let answer = testee.run(Run::Pattern { field, text }).await?;
    let required = if case.accepted { "accepted" } else { "refused" };
    let mut faults = Vec::new();
    if answer.outcome.kind != required {
        let seen = answer.outcome.kind;
        faults.push(format!("{:?} is {seen}, required {required}", case.text));
    }
    Ok((faults, answer.output))
}
