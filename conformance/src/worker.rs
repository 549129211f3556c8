//! One of the parallel runs of a client's cases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::case::{Case, Kind};
use crate::client_run::judge_and_search;
use crate::expected::Standing;
use crate::secrets::found_in;
use crate::server_testee::SILENT_IN_A_ROW;
use crate::suite::{Alone, ClientRun, finished};
use crate::testee::{Ended, KEPT, Testee};
use crate::verdict::{Judgement, Verdict};

/// Runs cases in a process that they share, and again in fresh ones where the shared one leaves doubt.
pub(crate) struct Worker {
    run: ClientRun,
    command: Vec<String>,
    name: String,
    cases: Arc<[Case]>,
    /// The secrets of all cases.
    secrets: Arc<BTreeSet<String>>,
    process: Option<Shared>,
    /// The cases of processes that have ended, and that may have shown secrets in stderr.
    doubtful: Vec<Ran>,
    /// The cases after which a process wrote secrets to stdout, of the same or other cases.
    leaked: Vec<(usize, &'static str)>,
    judgements: BTreeMap<usize, Judgement>,
}

/// A process that runs several cases.
struct Shared {
    testee: Testee,
    ran: Vec<Ran>,
}

/// A case that ran in a shared process.
struct Ran {
    index: usize,
    secrets: Vec<String>,
    /// Those of its secrets that the process showed in stderr.
    seen: BTreeSet<String>,
    /// Those that a fresh process showed there, if the case ran in one.
    alone: Option<BTreeSet<String>>,
}

impl Worker {
    pub(crate) fn new(
        run: ClientRun,
        command: &[String],
        name: &str,
        cases: Arc<[Case]>,
        secrets: Arc<BTreeSet<String>>,
    ) -> Self {
        Self {
            run,
            command: command.to_vec(),
            name: name.to_owned(),
            cases,
            secrets,
            process: None,
            doubtful: Vec::new(),
            leaked: Vec::new(),
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
        for (index, place) in self.leaked {
            if let Some(judgement) = self.judgements.get_mut(&index)
                && !(judgement.has_leak() && judgement.verdict.is_worst())
            {
                judgement.shows_secret(&format!("{place} {OF_SEVERAL}"));
            }
        }
        self.judgements.into_iter().collect()
    }

    /// Finds the cases to which the secrets belong that shared processes showed in stderr.
    async fn attribute_secrets(&mut self) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        for ran in doubtful.iter_mut().filter(|it| it.alone.is_none()) {
            let alone = self.run_alone(&self.cases[ran.index], false).await;
            self.judgements.insert(ran.index, alone.judgement);
            ran.alone = Some(alone.in_stderr);
        }
        let shown: BTreeSet<&String> = doubtful.iter().flat_map(|it| &it.alone).flatten().collect();
        for ran in &doubtful {
            // No fresh process shows them: they appear only after other cases.
            let others = ran.seen.iter().filter(|secret| !shown.contains(secret));
            if let Some(judgement) = self.judgements.get_mut(&ran.index) {
                let place = format!("stderr {OF_SEVERAL}");
                judgement.shows(&self.cases[ran.index], &others.cloned().collect(), &place);
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
        let (mut judgement, shown) =
            judge_and_search(&mut shared.testee, &self.command, case).await;
        let mut ran = Ran {
            index,
            secrets: case.secrets_for(&shared.testee.hello.abilities),
            seen: BTreeSet::new(),
            alone: None,
        };
        let (own, others): (BTreeSet<String>, BTreeSet<String>) =
            shown.into_iter().partition(|it| ran.secrets.contains(it));
        // A secret that this case's server sent belongs to this case, too.
        if others.iter().any(|secret| !case.sends(secret)) {
            self.leaked.push((index, "reply"));
        }
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
            in_stderr,
        } = self.run_alone(case, false).await;
        if judgement.has_leak() && !alone.has_leak() {
            let place = judgement.places_of_secrets().next().unwrap_or_default();
            let place = format!("{place} {OF_SEVERAL}");
            if own.is_empty() {
                alone.shows_secret(&place);
            }
            alone.shows(case, &own, &place);
        }
        ran.alone = Some(in_stderr);
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
        testee.ok().map(|mut testee| {
            testee.search_for(self.secrets.iter());
            Shared {
                testee,
                ran: Vec::new(),
            }
        })
    }

    /// Resets the shared process. If it fails, its last case is run again, with a reset at its end.
    async fn reset(&mut self) -> Option<Shared> {
        let mut shared = self.process.take()?;
        let is_reset = shared.testee.reset().await.is_ok();
        if let Some(last) = shared.ran.last_mut() {
            if !shared.testee.take_shown().is_empty() {
                self.leaked.push((last.index, "reply to reset"));
            }
            if !is_reset {
                self.run_again(last).await;
            }
        }
        if is_reset {
            return Some(shared);
        }
        self.end(shared, true).await;
        None
    }

    /// Runs a case again whose process failed after it. A client of a single case is never reset.
    async fn run_again(&mut self, ran: &mut Ran) {
        let resets = self.cases.len() > 1;
        let alone = self.run_alone(&self.cases[ran.index], resets).await;
        self.judgements.insert(ran.index, alone.judgement);
        ran.alone = Some(alone.in_stderr);
    }

    /// Ends a process, by force if it does not reply, and searches its stderr for secrets.
    async fn end(&mut self, mut shared: Shared, by_force: bool) {
        let end = if by_force {
            Ended::with(shared.testee.kill().await)
        } else {
            shared.testee.finish().await
        };
        if let Some(last) = shared.ran.last_mut() {
            if !end.shown.is_empty() {
                self.leaked.push((last.index, "stdout"));
            }
            if end.further.is_some() && last.alone.is_none() {
                self.run_again(last).await;
            }
        }
        // Beyond the part that is kept, secrets cannot be found.
        let is_cut = end.stderr.len() >= KEPT;
        for mut ran in shared.ran {
            ran.seen = found_in(&end.stderr, &ran.secrets).cloned().collect();
            if !ran.seen.is_empty() || (is_cut && !ran.secrets.is_empty()) {
                self.doubtful.push(ran);
            }
        }
    }

    /// Whether a case failed as expected, and left a process that can run others.
    fn is_expected(&self, judgement: &Judgement) -> bool {
        matches!(self.run.expected.standing(judgement), Standing::Expected(_))
            && !judgement.verdict.has_ended()
            && !judgement.has_leak()
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

/// The end of a place in which a secret was shown that no fresh process need show.
const OF_SEVERAL: &str = "of a process that ran several cases";
