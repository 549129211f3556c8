//! One cluster whose folder is brought up to date.

use std::io::IsTerminal as _;

use atlas_backup::{Backups, DownloadOptions, Event, PullOptions, PullSummary};
use atlas_model::{ClusterName, ProjectId};
use jiff::{SignedDuration, Timestamp};

use super::dir::Dir;
use super::entry::failure;
use super::report::{About, Report};
use super::rules::Rules;
use super::summary::{Shown, Total};
use crate::args::ProjectArgs;
use crate::failure::Failure;
use crate::log;
use crate::output::Output;
use crate::progress::Watcher;
use crate::signals::{self, UnderWay};
use crate::target::warn_of;

/// The settings of every cluster of a run.
pub(super) struct Common {
    pub(super) project: ProjectArgs,
    pub(super) verify: bool,
    pub(super) dry_run: bool,
    pub(super) download: DownloadOptions,
}

impl Common {
    /// The options of a cluster with rules.
    pub(super) fn options(&self, rules: &Rules) -> Result<PullOptions, Failure> {
        let options = PullOptions::default()
            .keep(rules.keep()?)
            .verify(self.verify)
            .dry_run(self.dry_run)
            .download(self.download.clone());
        Ok(match rules.keep_at_least {
            Some(count) => options.keep_at_least(count.into()),
            None => options,
        })
    }
}

/// One cluster, its folder and its rules.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) project: ProjectId,
    pub(super) cluster: ClusterName,
    pub(super) dir: Dir,
    pub(super) options: PullOptions,
    pub(super) max_age: Option<SignedDuration>,
}

impl Task {
    /// Brings the folder of the cluster up to date; `total` sums several clusters.
    pub(super) async fn pull(
        &self,
        backups: &Backups,
        output: &Output,
        shown: Shown,
        total: Option<&Total>,
    ) -> Result<(), Failure> {
        let watcher = match total {
            Some(_) => Watcher::of(self.cluster.as_str()),
            None => Watcher::default(),
        };
        let (project, cluster) = (self.project, &self.cluster);
        let patience = self.options.download.patience;
        let about = About {
            project,
            cluster,
            folder: self.dir.shown(),
        };
        let mut report = Report::new(about, output, shown, total);
        let show = |event| watcher.take(event);
        let kind = backups
            .kind_with_retries(project, cluster, patience, show)
            .await;
        match kind {
            Ok(kind) => warn_of(kind),
            Err(error) => {
                let failure = Failure::from(error);
                report.fail(&failure);
                return Err(failure);
            }
        }
        let is_watched = shown == Shown::Each || std::io::stderr().is_terminal();
        let take = |event| match event {
            event if is_watched => watcher.take(event),
            // Without a terminal, only problems are shown, and progress once a minute.
            Event::Started { length, .. } => watcher.take(Event::Started { length, resumed: 0 }),
            event @ (Event::Received { .. }
            | Event::Verifying
            | Event::Verified { .. }
            | Event::Checking { .. }
            | Event::SetAside { .. }
            | Event::Damaged { .. }
            | Event::WaitingForRun { .. }) => watcher.take(event),
            _ => {}
        };
        let pulled = self.dir.pull(
            backups,
            (project, cluster),
            &self.options,
            |pulled| {
                watcher.end();
                report.take(pulled);
            },
            take,
        );
        signals::begin(UnderWay::Transfer);
        let pulled = pulled.await;
        watcher.end();
        let summary = match pulled {
            Ok(summary) => summary,
            Err(error) => {
                let failure = failure(error);
                report.fail(&failure);
                return Err(failure);
            }
        };
        let printed = report.finish(&summary);
        if summary.completed == 0 {
            log::problem(&match summary.listed {
                0 => format!("Atlas lists no snapshots of {cluster}"),
                listed => format!(
                    "Atlas lists no complete snapshot of {cluster}; {listed} are not complete or \
                     have an unknown status"
                ),
            });
        }
        // A line that cannot be printed does not change the result.
        match report.failure() {
            None => self
                .max_age
                .map_or(Ok(()), |limit| check_age(&summary, limit))
                .and(printed),
            Some(failure) => Err(failure),
        }
    }
}

/// Checks that the newest snapshot is not older than a limit, by the server's clock if it sent
/// the time.
fn check_age(summary: &PullSummary, limit: SignedDuration) -> Result<(), Failure> {
    let now = summary.date.unwrap_or_else(Timestamp::now);
    match summary.newest {
        Some(newest) if now.duration_since(newest) <= limit => Ok(()),
        newest => Err(Failure::Stale(newest)),
    }
}
