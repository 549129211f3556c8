//! `atlas backups pull`: for cron.

mod clusters;
mod config;
mod dir;
mod report;
mod rules;
mod summary;
mod told;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use atlas_backup::{Backups, ClusterKind, Event, PullOptions, PullSummary};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{ClusterName, Operation as _, ProjectId};
use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};

use super::store;
use crate::args::{OutputArgs, ProjectArgs, TransferArgs};
use crate::connection::{Connection, warn_of_sunset};
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::output::Output;
use crate::progress::Watcher;
use clusters::{Clusters, of_flags, pull};
use dir::Dir;
use report::Report;
use rules::Rules;
use summary::{Shown, Total};

const HELP: &str = "\
Downloads every complete snapshot that is not in the folder yet, the oldest first, and prints \
one line if anything changed: what was downloaded and removed, and how many are kept. Damaged \
and failed snapshots have a line each. After an interruption the next run resumes. \
catalogue.json in the folder lists what is there.

With --keep, --keep-daily, --keep-weekly or --keep-monthly, snapshots that none of them keeps \
are neither downloaded nor left in the folder. A file is removed only if its own manifest says \
that it is of this cluster, Atlas no longer lists the snapshot, and those that stay in its place \
are in the folder and were first read to the end. Days are counted back from the newest \
snapshot. Snapshots dated in the future do not count and stay. Nothing is removed while a \
snapshot is missing or damaged, or when Atlas lists none.

A file whose length, time or inode has changed since it was downloaded is read again; a damaged \
one is reported, downloaded again beside the old file, and replaced once the new one is sound. A \
file of another program is never replaced: it is kept as NAME.old1.

Of several clusters, up to 16 are worked on at the same time, and one that fails does not stop \
the others. --config names a TOML file with several; a key is the name of a flag, and a cluster \
that has a rule of its own to keep snapshots goes by its own rules alone:

  dir = \"/var/backups/atlas\"
  keep-daily = 7
  max-age = \"2d\"

  [[cluster]]
  clusterName = \"Cluster0\"

  [[cluster]]
  clusterName = \"Reports\"
  keep = \"30d\"

With -o json, each line is an object: time, projectId, clusterName, action (downloaded, removed, \
damaged, failed, future, wouldDownload, wouldRead, wouldRemove, present with -v, and summary at \
the end), snapshotId, taken, files (path, bytes, sha256, shard) and error.

Exits with 11 if a snapshot failed, with 12 if the newest is older than --max-age. Of several \
clusters the worst decides: any other failure, then one that may pass by itself (5, 14, 15), \
then 11, then 12.";

const EXAMPLE: &str = "\n
Example:
  atlas backups pull --clusterName Cluster0 --dir /var/backups/cluster0 --keep-daily 7 --keep-weekly 4";

/// Bring a folder up to date with a cluster's snapshots; made for cron
#[derive(Debug, Args)]
#[command(
    after_help = format!("{HELP}{}{EXAMPLE}", store::PULL_HELP),
    group = ArgGroup::new("clusters")
        .required(true)
        .args(["cluster_names", "all_clusters", "config"])
)]
pub(crate) struct Pull {
    /// The cluster; several with commas, or when given several times
    #[arg(long = "clusterName", value_name = "NAME", value_delimiter = ',')]
    cluster_names: Vec<String>,

    /// Every dedicated and Flex cluster of the project that has backups; none of the shared tier
    #[arg(long = "all-clusters")]
    all_clusters: bool,

    /// A TOML file that names clusters, folders and what is kept, in place of flags
    #[arg(
        long,
        value_name = "PATH",
        conflicts_with_all = [
            "dir", "keep", "keep_daily", "keep_weekly", "keep_monthly", "keep_at_least", "max_age",
        ]
    )]
    config: Option<PathBuf>,

    #[command(flatten)]
    project: ProjectArgs,

    /// The folder; of several clusters, each has the folder FOLDER/NAME
    #[cfg_attr(
        feature = "object-store",
        arg(
            help = "The folder, or s3://, gs:// or az://, a bucket and a prefix; of several clusters, \
                    each has the folder FOLDER/NAME"
        )
    )]
    #[arg(long, value_name = "FOLDER", required_unless_present = "config")]
    dir: Option<String>,

    #[command(flatten)]
    rules: Rules,

    /// Read every file in the folder and compare it with its manifest
    #[arg(long)]
    verify: bool,

    /// Print what would be downloaded, read and removed; change nothing
    #[arg(long = "dry-run")]
    dry_run: bool,

    /// Print a line for each snapshot, and on stderr what is under way
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Pull {
    /// Brings a folder up to date, or one for each of several clusters.
    pub(super) async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let mut clusters = match &self.config {
            Some(path) => config::read(path, self, global).await?,
            None => of_flags(self, global)?,
        };
        if let Some(dir) = clusters.store() {
            dir.watch();
        }
        let connection = Connection::open(global).await?;
        let backups = Backups::new(connection.client.clone());
        clusters.find(&backups).await?;
        let shown = self.shown(&output);
        if let Clusters::One(task) = &clusters {
            return task.pull(&backups, &output, shown, None).await;
        }
        let has_max_age = self.rules.max_age.is_some();
        pull(clusters.all(), &backups, &output, shown, has_max_age).await
    }

    /// The options that hold for every cluster.
    fn options(&self, rules: &Rules) -> Result<PullOptions, Failure> {
        let options = PullOptions::default()
            .keep(rules.keep()?)
            .verify(self.verify)
            .dry_run(self.dry_run)
            .download(self.transfer.options());
        Ok(match rules.keep_at_least {
            Some(count) => options.keep_at_least(count.into()),
            None => options,
        })
    }

    fn shown(&self, output: &Output) -> Shown {
        if self.verbose {
            Shown::Each
        } else if log::is_quiet() && output.is_plain() {
            Shown::Problems
        } else if self.dry_run {
            Shown::Changes
        } else {
            Shown::Summary
        }
    }
}

/// One cluster, its folder and what is kept there.
#[derive(Debug)]
struct Task {
    project: ProjectId,
    cluster: ClusterName,
    dir: Dir,
    options: PullOptions,
    max_age: Option<SignedDuration>,
}

impl Task {
    /// Brings the folder of the cluster up to date; `total` counts what several do together.
    async fn pull(
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
        let told = |event| watcher.take(event);
        let kind = backups
            .kind_with_retries(project, cluster, patience, told)
            .await?;
        if kind == ClusterKind::Tenant {
            warn_of_sunset(DownloadClusterBackupTenant::META);
        }
        // A job of cron says nothing of what is under way but how far it is, once a minute.
        let is_watched = shown == Shown::Each || std::io::stderr().is_terminal();
        let take = |event| match event {
            Event::Preparing { .. } | Event::WaitingForTurn if !is_watched => {}
            Event::Started { length, .. } if !is_watched => {
                watcher.take(Event::Started { length, resumed: 0 });
            }
            event => watcher.take(event),
        };
        let mut report = Report::new(self, output, shown, total);
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
        let pulled = pulled.await;
        watcher.end();
        let summary = pulled?;
        report.finish(&summary)?;
        if summary.completed == 0 {
            log::warn(&match summary.listed {
                0 => format!("Atlas lists no snapshots of {cluster}"),
                listed => format!(
                    "Atlas lists no complete snapshot of {cluster}; {listed} are not complete or \
                     have an unknown status"
                ),
            });
        }
        match report.failed() {
            0 => self
                .max_age
                .map_or(Ok(()), |limit| check_age(&summary, limit)),
            failed => Err(Failure::Missing(failed)),
        }
    }
}

/// Checks that the newest snapshot is not older than a limit, by the server's clock where it gave
/// the time.
fn check_age(summary: &PullSummary, limit: SignedDuration) -> Result<(), Failure> {
    let now = summary.date.unwrap_or_else(Timestamp::now);
    match summary.newest {
        Some(newest) if now.duration_since(newest) <= limit => Ok(()),
        newest => Err(Failure::Stale(newest)),
    }
}
