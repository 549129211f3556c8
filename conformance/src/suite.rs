//! The whole suite, put to one testee.

use atlas_sandbox::{Sandbox, SandboxServer};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::case::{Case, Kind, areas, cases};
use crate::client_run::judge_client;
use crate::fixture::FixtureError;
use crate::server_run::{ServerTestee, judge_server};
use crate::testee::{Testee, TesteeError};
use crate::variables::Variables;
use crate::verdict::Judgement;

/// All cases of all areas, each with a matrix as the cases it stands for.
///
/// # Errors
/// [`FixtureError`] names the file that cannot be read.
pub fn all_cases() -> Result<Vec<Case>, FixtureError> {
    let mut all = Vec::new();
    for area in areas()? {
        for case in cases(&area)? {
            let expanded = case.expand();
            all.extend(expanded.map_err(|problem| FixtureError::of_case(&area, &problem))?);
        }
    }
    Ok(all)
}

impl Case {
    /// Whether it is for clients.
    pub fn is_for_clients(&self) -> bool {
        !matches!(self.kind, Kind::Server(_) | Kind::Flow(_))
    }

    /// Whether it is for servers.
    pub fn is_for_servers(&self) -> bool {
        !matches!(self.kind, Kind::Client(_) | Kind::Download(_))
    }
}

/// How many processes of a client run at once.
const AT_ONCE: usize = 4;

/// Puts each case to a process of its own.
///
/// # Errors
/// [`TesteeError`] if the client cannot even say who it is.
pub async fn judge_clients(
    command: &[String],
    cases: &[Case],
) -> Result<Vec<Judgement>, TesteeError> {
    let first = Testee::start(command).await?;
    let name = first.hello.name.clone();
    first.end().await;
    let gate = std::sync::Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (index, case) in cases
        .iter()
        .filter(|case| case.is_for_clients())
        .enumerate()
    {
        let (case, command, gate) = (case.clone(), command.to_vec(), gate.clone());
        let name = name.clone();
        running.spawn(async move {
            let _permit = gate.acquire().await;
            (index, judge_alone(&command, &name, &case).await)
        });
    }
    let mut judgements = running.join_all().await;
    judgements.sort_by_key(|(index, _)| *index);
    Ok(judgements.into_iter().map(|(_, it)| it).collect())
}

/// Puts a case to a client that is started for it.
pub async fn judge_alone(command: &[String], name: &str, case: &Case) -> Judgement {
    let mut testee = match Testee::start(command).await {
        Ok(testee) => testee,
        Err(error) => return Judgement::infra(name, case, &error),
    };
    let mut judgement = judge_client(&mut testee, command, case).await;
    let stderr = testee.end().await;
    judgement.note_stderr(case, &stderr);
    judgement
}

/// Puts each case to a server, one after the other.
pub async fn judge_servers(testee: &ServerTestee, cases: &[Case]) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    for case in cases.iter().filter(|case| case.is_for_servers()) {
        judgements.push(judge_server(testee, case).await);
    }
    judgements
}

/// The sandbox on a port of its own, as a server under test. Ends when the first is dropped.
///
/// # Errors
/// No port could be had, or `fixtures/world.json` cannot be read.
pub async fn sandbox() -> std::io::Result<(SandboxServer, ServerTestee)> {
    let server = SandboxServer::builder(Sandbox::new()).start().await?;
    let variables = Variables::of_the_first_world().map_err(std::io::Error::other)?;
    let testee = ServerTestee {
        name: "sandbox".to_owned(),
        url: server.url().to_owned(),
        variables,
    };
    Ok((server, testee))
}
