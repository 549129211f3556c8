//! Runs all cases against a testee.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::case::{Case, Kind};
use crate::client_run::judge_client;
use crate::fixtures::{FixtureError, cases_below, embedded_cases};
use crate::server_run::judge_server;
use crate::server_testee::{SILENT_IN_A_ROW, ServerTestee};
use crate::testee::{KEPT, PATIENCE, Testee, TesteeError};
use crate::verdict::{Judgement, Verdict};

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

    /// Returns the secrets that a client must not show.
    pub(crate) fn client_secrets(&self) -> Vec<String> {
        let Kind::Client(client) = &self.kind else {
            return Vec::new();
        };
        let expected = std::iter::once(&client.expect).chain(&client.or);
        expected.flat_map(|it| it.secrets.clone()).collect()
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
    patience: Duration,
}

impl Default for ClientRun {
    /// Returns four parallel processes, and a timeout of a minute for each reply.
    fn default() -> Self {
        Self {
            jobs: 4,
            patience: PATIENCE,
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

    /// Runs the cases and returns the judgements in the same order.
    ///
    /// A process runs several cases, with a reset in between. Each case about memory or files gets a
    /// fresh process. A case that does not pass is run again in a fresh process, whose verdict counts.
    /// So is a case whose secrets are in the process's stderr at its end; it fails if no fresh process
    /// shows them.
    ///
    /// # Errors
    /// Returns a [`TesteeError`] if the client does not report a valid name.
    pub async fn judge(
        &self,
        command: &[String],
        cases: &[Case],
    ) -> Result<Vec<Judgement>, TesteeError> {
        let first = Testee::start_with(command, self.patience).await?;
        let name = first.hello.name.clone();
        first.end().await;
        let cases: Vec<Case> = cases
            .iter()
            .filter(|it| it.is_for_clients())
            .cloned()
            .collect();
        let cases: Arc<[Case]> = cases.into();
        let next = Arc::new(AtomicUsize::new(0));
        let silent = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..self.jobs.min(cases.len()) {
            let worker = Worker {
                run: self.clone(),
                command: command.to_vec(),
                name: name.clone(),
                cases: cases.clone(),
                process: None,
                suspects: Vec::new(),
            };
            workers.spawn(worker.work(next.clone(), silent.clone()));
        }
        let mut judgements = workers.join_all().await.concat();
        judgements.sort_by_key(|(index, _)| *index);
        Ok(judgements.into_iter().map(|(_, it)| it).collect())
    }

    /// Runs a case in a fresh process of the client. `name` is used if the client does not start.
    pub async fn judge_alone(&self, command: &[String], name: &str, case: &Case) -> Judgement {
        let judgement = match Testee::start_with(command, self.patience).await {
            Ok(mut testee) => {
                let mut judgement = judge_client(&mut testee, command, case).await;
                judgement.version.clone_from(&testee.hello.version);
                let with_others = case.without_bearer(&testee.hello.abilities);
                let stderr = testee.end().await;
                let secrets = with_others.as_ref().unwrap_or(case).client_secrets();
                judgement.note_stderr(&secrets, &stderr);
                judgement
            }
            Err(error) => {
                let mut judgement = Judgement::ended(name, case, Verdict::Crashed, &error);
                if let TesteeError::Ended { stderr, .. } = &error {
                    judgement.note_stderr(&case.client_secrets(), stderr);
                }
                judgement
            }
        };
        let version = judgement.version.clone();
        finished(judgement, &version, command, case)
    }
}

/// One of the parallel runs of a client's cases.
struct Worker {
    run: ClientRun,
    command: Vec<String>,
    name: String,
    cases: Arc<[Case]>,
    process: Option<Shared>,
    suspects: Vec<Suspects>,
}

/// The cases of an ended process to run again, each in a fresh process.
struct Suspects {
    cases: Vec<usize>,
    /// Whether their secrets were seen; otherwise, stderr was too long to be searched.
    are_seen: bool,
}

/// A process that runs several cases.
struct Shared {
    testee: Testee,
    /// The cases that passed, provided that these secrets are not in stderr.
    passed: Vec<(usize, Vec<String>)>,
}

impl Worker {
    /// Runs the cases that no other worker has taken.
    async fn work(
        mut self,
        next: Arc<AtomicUsize>,
        silent: Arc<AtomicUsize>,
    ) -> Vec<(usize, Judgement)> {
        let mut judgements = Vec::new();
        let cases = self.cases.clone();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { break };
            let judgement = if silent.load(Ordering::Relaxed) >= SILENT_IN_A_ROW {
                let reason = "not run: the testee did not reply in the previous cases";
                Judgement::without(&self.name, case, Verdict::Error, reason.to_owned())
            } else {
                self.judge_one(index, case).await
            };
            match judgement.verdict {
                Verdict::Silent => silent.fetch_add(1, Ordering::Relaxed),
                Verdict::Error => 0,
                _ => silent.swap(0, Ordering::Relaxed),
            };
            judgements.push((index, judgement));
        }
        if let Some(shared) = self.process.take() {
            self.end(shared, false).await;
        }
        for suspects in std::mem::take(&mut self.suspects) {
            let mut alone = Vec::new();
            for index in suspects.cases {
                alone.push((index, self.judge_alone(&cases[index]).await));
            }
            // None shows its secrets alone: they appear only after other cases.
            if suspects.are_seen && alone.iter().all(|(_, it)| it.verdict == Verdict::Pass) {
                for (_, judgement) in &mut alone {
                    judgement.shows_secret("stderr of a process that ran several cases");
                }
            }
            judgements.retain(|(index, _)| alone.iter().all(|(other, _)| other != index));
            judgements.append(&mut alone);
        }
        judgements
    }

    /// Runs a case in the shared process or in a fresh one.
    async fn judge_one(&mut self, index: usize, case: &Case) -> Judgement {
        if needs_a_process(case) {
            return self.judge_alone(case).await;
        }
        let Some(mut shared) = self.ready().await else {
            return self.judge_alone(case).await;
        };
        let mut judgement = judge_client(&mut shared.testee, &self.command, case).await;
        if matches!(judgement.verdict, Verdict::Pass | Verdict::Unimplemented) {
            let with_others = case.without_bearer(&shared.testee.hello.abilities);
            let secrets = with_others.as_ref().unwrap_or(case).client_secrets();
            judgement.redact(&secrets);
            if judgement.verdict == Verdict::Pass {
                shared.passed.push((index, secrets));
            }
            let judgement = finished(judgement, &shared.testee.hello.version, &self.command, case);
            self.process = Some(shared);
            return judgement;
        }
        let alone = self.judge_alone(case).await;
        // The same verdict without earlier cases: they did not cause it, and the process can stay.
        if alone.verdict == judgement.verdict && !has_ended(alone.verdict) {
            self.process = Some(shared);
        } else {
            self.end(shared, has_ended(judgement.verdict)).await;
        }
        alone
    }

    /// Returns a process without state of earlier cases.
    async fn ready(&mut self) -> Option<Shared> {
        if let Some(mut shared) = self.process.take() {
            if shared.testee.reset().await.is_ok() {
                return Some(shared);
            }
            self.end(shared, true).await;
        }
        let testee = Testee::start_with(&self.command, self.run.patience).await;
        testee.ok().map(|testee| Shared {
            testee,
            passed: Vec::new(),
        })
    }

    /// Ends a process, by force if it does not reply.
    async fn end(&mut self, shared: Shared, by_force: bool) {
        let stderr = if by_force {
            shared.testee.kill().await
        } else {
            shared.testee.end().await
        };
        // Beyond the part that is kept, secrets cannot be found.
        let is_cut = stderr.len() >= KEPT;
        let shows = |all: &[String]| all.iter().any(|it| stderr.contains(it));
        let are_seen = shared.passed.iter().any(|(_, secrets)| shows(secrets));
        let suspects = shared.passed.iter();
        let suspects = suspects.filter(|(_, all)| shows(all) || (is_cut && !all.is_empty()));
        self.suspects.push(Suspects {
            cases: suspects.map(|(index, _)| *index).collect(),
            are_seen,
        });
    }

    async fn judge_alone(&self, case: &Case) -> Judgement {
        self.run.judge_alone(&self.command, &self.name, case).await
    }
}

/// Whether a case observes the whole process, so that it needs a fresh one.
fn needs_a_process(case: &Case) -> bool {
    match &case.kind {
        Kind::Client(client) => {
            let mut expected = std::iter::once(&client.expect).chain(&client.or);
            expected.any(|it| it.mebibytes.is_some())
        }
        Kind::Download(_) => true,
        _ => false,
    }
}

/// Whether the process has ended or does not reply.
fn has_ended(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Crashed | Verdict::Silent | Verdict::Error)
}

/// Adds the client's version and the command that runs the single case to a judgement.
fn finished(mut judgement: Judgement, version: &str, command: &[String], case: &Case) -> Judgement {
    let words: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
    let (case, words) = (shell_word(&case.id), words.join(" "));
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

/// Quotes a word for a POSIX shell, as in [`Judgement::rerun`].
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
