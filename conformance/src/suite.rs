//! Runs all cases against a testee.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::case::{Case, Kind};
use crate::client_run::judge_and_search;
use crate::expected::ExpectedFailures;
use crate::fixtures::{FixtureError, cases_below, embedded_cases};
use crate::secrets::Masks;
use crate::server_run::judge_server;
use crate::server_testee::ServerTestee;
use crate::testee::{Ended, PATIENCE, Testee, TesteeError};
use crate::verdict::{Judgement, Verdict};
use crate::worker::Worker;

/// Returns all embedded cases, with matrices expanded.
///
/// # Errors
/// Returns a [`FixtureError`] if an embedded file is invalid.
pub fn all_cases() -> Result<Vec<Case>, FixtureError> {
    expanded(&embedded_cases()?)
}

/// Returns the cases of every JSON file below a folder, with matrices expanded.
///
/// # Errors
/// Returns a [`FixtureError`] that names the file or case that cannot be read or is invalid.
pub fn cases_in(folder: &Path) -> Result<Vec<Case>, FixtureError> {
    expanded(&cases_below(folder)?)
}

fn expanded(cases: &[Case]) -> Result<Vec<Case>, FixtureError> {
    let mut all = Vec::with_capacity(cases.len());
    let mut ids = BTreeSet::new();
    for case in cases {
        if !ids.insert(&case.id) {
            return Err(FixtureError::Case {
                case: case.id.clone(),
                problem: "duplicate id".to_owned(),
            });
        }
        let expanded = case.expand().map_err(|problem| FixtureError::Case {
            case: case.id.clone(),
            problem,
        });
        all.extend(expanded?);
    }
    Ok(all)
}

impl Case {
    /// Whether the case is for clients.
    pub fn is_for_clients(&self) -> bool {
        !matches!(self.kind, Kind::Server(_) | Kind::Flow(_))
    }

    /// Whether the case is for servers.
    pub fn is_for_servers(&self) -> bool {
        !matches!(self.kind, Kind::Client(_) | Kind::Download(_))
    }
}

/// Settings for judging a client.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientRun {
    jobs: usize,
    pub(crate) patience: Duration,
    pub(crate) expected: ExpectedFailures,
    name: Option<String>,
}

impl Default for ClientRun {
    /// Returns four parallel processes, and a timeout of a minute for each reply.
    fn default() -> Self {
        Self {
            jobs: 4,
            patience: PATIENCE,
            expected: ExpectedFailures::default(),
            name: None,
        }
    }
}

impl ClientRun {
    /// Sets the number of parallel processes of the client; at least one.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.max(1);
        self
    }

    /// Sets the timeout of a reply. A client that exceeds it is [`Silent`](Verdict::Silent).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the expected failures; by default, there are none. A case that fails as expected is not run
    /// again in a fresh process, which saves a start of the client.
    pub fn expecting(mut self, expected: ExpectedFailures) -> Self {
        self.expected = expected;
        self
    }

    /// Requires this name of the client, such as the name whose expected failures were read.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Runs the cases and returns the judgements in the same order.
    ///
    /// A process runs several cases, with a reset in between. Each case about memory or files gets a
    /// fresh process. A case that does not pass is run again in a fresh process, whose verdict counts,
    /// unless its failure is [expected](Self::expecting).
    /// So is a case whose secrets a process shows in stderr; it fails if no fresh process shows them
    /// there. A case fails, too, if the reply to it or to the reset after it has a secret of any case. A
    /// case after which the client does not reply to the reset as documented, or after which it writes a
    /// further line, is run again, with a reset at its end.
    ///
    /// # Errors
    /// Returns a [`TesteeError`] if the client does not report a valid name or the
    /// [required](Self::named) one, or does not reply to a reset as documented.
    pub async fn judge(
        &self,
        command: &[String],
        cases: &[Case],
    ) -> Result<Vec<Judgement>, TesteeError> {
        let cases: Vec<Case> = cases
            .iter()
            .filter(|it| it.is_for_clients())
            .cloned()
            .collect();
        let cases: Arc<[Case]> = cases.into();
        let mut first = Testee::start_with(command, self.patience).await?;
        if let Some(required) = self.name.as_ref().filter(|it| **it != first.hello.name) {
            return Err(TesteeError::OtherName {
                name: first.hello.name.clone(),
                required: required.clone(),
            });
        }
        if cases.len() > 1 {
            first.reset().await?;
        }
        let hello = first.hello.clone();
        first.end().await;
        let secrets = cases
            .iter()
            .flat_map(|case| case.secrets_for(&hello.abilities));
        let secrets: Arc<BTreeSet<String>> = Arc::new(secrets.collect());
        let next = Arc::new(AtomicUsize::new(0));
        let silent = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..self.jobs.min(cases.len()) {
            let (cases, secrets) = (cases.clone(), secrets.clone());
            let worker = Worker::new(self.clone(), command, &hello.name, cases, secrets);
            workers.spawn(worker.work(next.clone(), silent.clone()));
        }
        let mut judgements = workers.join_all().await.concat();
        judgements.sort_by_key(|(index, _)| *index);
        // A client may show the secrets of an earlier case in any text.
        let masks = Masks::new(secrets.iter());
        for (_, judgement) in &mut judgements {
            judgement.mask(&masks);
            // A client that changes its name is still one testee.
            judgement.testee.clone_from(&hello.name);
        }
        Ok(judgements.into_iter().map(|(_, it)| it).collect())
    }

    /// Runs a case in a fresh process of the client. `name` is used if the client does not start.
    pub async fn judge_alone(&self, command: &[String], name: &str, case: &Case) -> Judgement {
        self.run_alone(command, name, case, false).await.judgement
    }

    /// Does the same, and resets the client afterwards if `resets`.
    pub(crate) async fn run_alone(
        &self,
        command: &[String],
        name: &str,
        case: &Case,
        resets: bool,
    ) -> Alone {
        let mut testee = match Testee::start_with(command, self.patience).await {
            Ok(testee) => testee,
            Err(error) => {
                let mut judgement = Judgement::ended(name, case, Verdict::Crashed, &error);
                let stderr = match error {
                    TesteeError::Ended { stderr, .. } => stderr,
                    _ => String::new(),
                };
                let end = Ended::with(stderr);
                let in_stderr = judgement.note_end(case, &case.client_secrets(), &end);
                let judgement = finished(judgement, "", command, case);
                return Alone {
                    judgement,
                    in_stderr,
                };
            }
        };
        let hello = testee.hello.clone();
        let (mut judgement, _) = judge_and_search(&mut testee, command, case).await;
        let mut after = None;
        if resets && !judgement.verdict.has_ended() {
            after = testee.reset().await.err();
        }
        let mut end = testee.finish().await;
        if let Some(error) = after.or(end.further.take())
            && !judgement.verdict.has_ended()
        {
            judgement = judgement.ended_after(case, &error);
        }
        let secrets = case.secrets_for(&hello.abilities);
        let in_stderr = judgement.note_end(case, &secrets, &end);
        let judgement = finished(judgement, &hello.version, command, case);
        Alone {
            judgement,
            in_stderr,
        }
    }
}

/// The result of a case in a process of its own.
pub(crate) struct Alone {
    pub(crate) judgement: Judgement,
    /// The secrets that the process showed in stderr.
    pub(crate) in_stderr: BTreeSet<String>,
}

/// Adds the client's version and the command that runs the single case to a judgement.
pub(crate) fn finished(
    mut judgement: Judgement,
    version: &str,
    command: &[String],
    case: &Case,
) -> Judgement {
    let (case, words) = (shell_word(&case.id), shown_command(command));
    version.clone_into(&mut judgement.version);
    judgement.rerun = format!("atlas-conformance client --case {case} -- {words}");
    judgement
}

/// Runs the cases against a server, in sequence, since they share its world.
pub async fn judge_servers(testee: &ServerTestee, cases: &[Case]) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    for case in cases.iter().filter(|case| case.is_for_servers()) {
        let mut judgement = if testee.is_gone() {
            let reason = "not run: the server did not respond in the previous cases";
            Judgement::without(&testee.name, case, Verdict::Error, reason.to_owned())
        } else {
            judge_server(testee, case).await
        };
        testee.note(&judgement);
        judgement.version.clone_from(&testee.version);
        let (url, case) = (shell_word(&testee.url), shell_word(&case.id));
        judgement.rerun = format!("atlas-conformance server {url} --case {case}");
        judgements.push(judgement);
    }
    judgements
}

/// Returns the command of a client for a POSIX shell, without the values of `env NAME=VALUE COMMAND`,
/// which may be secret.
pub fn shown_command(command: &[String]) -> String {
    let is_env = |word: &String| Path::new(word).file_name() == Some("env".as_ref());
    let has_values = command.first().is_some_and(is_env);
    let is_name = |name: &str| {
        name.bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    };
    let shown = command.iter().map(|word| match word.split_once('=') {
        Some((name, _)) if has_values && !name.is_empty() && is_name(name) => format!("{name}=…"),
        _ => shell_word(word),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Quotes a word for a POSIX shell, as in [`Judgement::rerun`].
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
