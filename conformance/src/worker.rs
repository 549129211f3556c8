//! One of the parallel runs of a client's cases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::case::{Case, Kind};
use crate::client_run::judge_client;
use crate::expected::Standing;
use crate::server_testee::SILENT_IN_A_ROW;
use crate::suite::{Alone, ClientRun, finished};
use crate::testee::{KEPT, Testee};
use crate::verdict::{Judgement, Verdict};

/// Runs cases in a process that they share, and again in fresh ones where the shared one leaves doubt.
pub(crate) struct Worker {
    run: ClientRun,
    command: Vec<String>,
    name: String,
    cases: Arc<[Case]>,
    process: Option<Shared>,
    /// The cases of processes that have ended, and that may have shown secrets.
    doubtful: Vec<Ran>,
    judgements: BTreeMap<usize, Judgement>,
}

/// A process that runs several cases.
struct Shared {
    testee: Testee,
    ran: Vec<Ran>,
    /// Replies that were not searched for the secrets of other cases.
    said: String,
}

/// A case that ran in a shared process.
struct Ran {
    index: usize,
    secrets: Vec<String>,
    /// Those of its secrets that the process showed.
    seen: Vec<String>,
    /// The secrets that a fresh process showed, if the case ran in one.
    alone: Option<Vec<String>>,
}

impl Worker {
    pub(crate) fn new(run: ClientRun, command: &[String], name: &str, cases: Arc<[Case]>) -> Self {
        Self {
            run,
            command: command.to_vec(),
            name: name.to_owned(),
            cases,
            process: None,
            doubtful: Vec::new(),
            judgements: BTreeMap::new(),
        }
    }

    /// Runs the cases that no other worker has taken.
    pub(crate) async fn work(
        mut self,
        next: Arc<AtomicUsize>,
        silent: Arc<AtomicUsize>,
    ) -> Vec<(usize, Judgement)> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = self.cases.get(index).cloned() else {
                break;
            };
            let judgement = if silent.load(Ordering::Relaxed) >= SILENT_IN_A_ROW {
                let reason = "not run: the testee did not reply in the previous cases";
                Judgement::without(&self.name, &case, Verdict::Error, reason.to_owned())
            } else {
                self.judge(index, &case).await
            };
            match judgement.verdict {
                Verdict::Silent => silent.fetch_add(1, Ordering::Relaxed),
                Verdict::Error => 0,
                _ => silent.swap(0, Ordering::Relaxed),
            };
            self.judgements.insert(index, judgement);
        }
        // A client that is judged by one case is never reset.
        let last = if self.cases.len() > 1 {
            self.reset().await
        } else {
            self.process.take()
        };
        if let Some(shared) = last {
            self.end(shared, false).await;
        }
        self.attribute_secrets().await;
        self.judgements.into_iter().collect()
    }

    /// Finds the cases to which the secrets belong that shared processes showed.
    async fn attribute_secrets(&mut self) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        for ran in doubtful.iter_mut().filter(|it| it.alone.is_none()) {
            let alone = self.run_alone(&self.cases[ran.index], false).await;
            self.judgements.insert(ran.index, alone.judgement);
            ran.alone = Some(alone.shown);
        }
        let shown: BTreeSet<&String> = doubtful.iter().flat_map(|it| &it.alone).flatten().collect();
        for ran in &doubtful {
            // No fresh process shows it: it appears only after other cases.
            if let Some(judgement) = self.judgements.get_mut(&ran.index)
                && ran.seen.iter().any(|secret| !shown.contains(secret))
            {
                judgement.shows_secret("stderr or replies of a process that ran several cases");
            }
        }
    }

    /// Runs a case in the shared process or in a fresh one.
    async fn judge(&mut self, index: usize, case: &Case) -> Judgement {
        if needs_a_process(case) {
            return self.run_alone(case, false).await.judgement;
        }
        let Some(mut shared) = self.ready().await else {
            return self.run_alone(case, false).await.judgement;
        };
        let mut judgement = judge_client(&mut shared.testee, &self.command, case).await;
        shared.said.push_str(&judgement.reason);
        shared.said.push('\n');
        let mut ran = Ran {
            index,
            secrets: case.secrets_for(&shared.testee.hello.abilities),
            seen: Vec::new(),
            alone: None,
        };
        if matches!(judgement.verdict, Verdict::Pass | Verdict::Unimplemented)
            || self.is_expected(&judgement)
        {
            judgement = finished(judgement, &shared.testee.hello.version, &self.command, case);
            shared.ran.push(ran);
            self.process = Some(shared);
            return judgement;
        }
        let Alone {
            judgement: mut alone,
            shown,
        } = self.run_alone(case, false).await;
        if let Some(place) = judgement.place_of_secret()
            && alone.place_of_secret().is_none()
        {
            alone.shows_secret(&format!("{place} of a process that ran several cases"));
        }
        ran.alone = Some(shown);
        shared.ran.push(ran);
        // The same verdict without earlier cases: they did not cause it, and the process can stay.
        if alone.verdict == judgement.verdict && !alone.verdict.has_ended() {
            self.process = Some(shared);
        } else {
            self.end(shared, judgement.verdict.has_ended()).await;
        }
        alone
    }

    /// Returns a process without state of earlier cases.
    async fn ready(&mut self) -> Option<Shared> {
        if let Some(shared) = self.reset().await {
            return Some(shared);
        }
        let testee = Testee::start_with(&self.command, self.run.patience).await;
        testee.ok().map(|testee| Shared {
            testee,
            ran: Vec::new(),
            said: String::new(),
        })
    }

    /// Resets the shared process. If it fails, its last case is run again, with a reset at its end.
    async fn reset(&mut self) -> Option<Shared> {
        let mut shared = self.process.take()?;
        if shared.testee.reset().await.is_ok() {
            return Some(shared);
        }
        if let Some(last) = shared.ran.last_mut() {
            let alone = self.run_alone(&self.cases[last.index], true).await;
            self.judgements.insert(last.index, alone.judgement);
            last.alone = Some(alone.shown);
        }
        self.end(shared, true).await;
        None
    }

    /// Ends a process, by force if it does not reply, and searches its texts for secrets.
    async fn end(&mut self, shared: Shared, by_force: bool) {
        let stderr = if by_force {
            shared.testee.kill().await
        } else {
            shared.testee.end().await
        };
        // Beyond the part that is kept, secrets cannot be found.
        let is_cut = stderr.len() >= KEPT;
        for mut ran in shared.ran {
            let shows = |secret: &&String| {
                stderr.contains(secret.as_str()) || shared.said.contains(secret.as_str())
            };
            ran.seen = ran.secrets.iter().filter(shows).cloned().collect();
            if !ran.seen.is_empty() || (is_cut && !ran.secrets.is_empty()) {
                self.doubtful.push(ran);
            }
        }
    }

    /// Whether a case failed as expected, and left a process that can run others.
    fn is_expected(&self, judgement: &Judgement) -> bool {
        matches!(self.run.expected.standing(judgement), Standing::Expected(_))
            && !judgement.verdict.has_ended()
            && judgement.place_of_secret().is_none()
    }

    async fn run_alone(&self, case: &Case, resets: bool) -> Alone {
        self.run
            .run_alone(&self.command, &self.name, case, resets)
            .await
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
