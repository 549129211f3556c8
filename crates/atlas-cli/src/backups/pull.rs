//! `atlas backups pull`: keeps a folder of snapshots up to date, for cron.

mod clusters;
mod config;
mod dir;
mod entry;
mod report;
mod rules;
mod summary;
mod task;

use std::path::PathBuf;

use atlas_backup::Backups;
use clap::{ArgGroup, Args, ValueHint};

use super::store;
use crate::args::{OutputArgs, ProjectArgs, TransferArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use clusters::{Clusters, pull};
use rules::Rules;
use summary::Shown;
use task::Common;

const HELP: &str = "\
Downloads every complete snapshot that is not in the folder yet, the oldest first, and prints \
one line if anything changed: what was downloaded and removed, and how many are kept. Each \
damaged or failed snapshot has its own line. After an interruption, the next run resumes. \
catalogue.json in the folder lists its snapshots.

With --keep, --keep-daily, --keep-weekly or --keep-monthly, snapshots that none of these rules \
keeps are not downloaded, and are removed from the folder. A file is removed only if its manifest \
names this cluster, Atlas no longer lists the snapshot, and the snapshots that are kept instead \
are in the folder and have been read to the end. Days are counted back from the newest snapshot. \
Snapshots dated in the future are neither counted nor removed. Nothing is removed while a \
snapshot is missing or damaged, or if Atlas lists none.

A file whose length, time or inode has changed since its download is read again. A damaged file \
is reported, downloaded again under another name, and replaced once the new file is checked. In \
a folder, a file of another program, or of another length than the snapshot's, is never replaced: it \
is kept as NAME.old1. In a bucket, an object without a manifest is never replaced.

With several clusters, up to 16 are processed at the same time, and a failure of one does not \
stop the others. --config names a TOML file with several clusters. Its keys are dir, projectId, \
keep, keep-daily, keep-weekly, keep-monthly, keep-at-least and max-age, each with the meaning of \
its flag. A cluster with its own rules to keep snapshots uses only its own rules:

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

Exits with 11 if a snapshot could not be downloaded, with 12 if the newest is older than \
--max-age. With several clusters, the worst failure decides: any other failure, then a transient \
one (5, 14, 15), then 11, then 12.";

const EXAMPLE: &str = "\n
Example:
  atlas backups pull --clusterName Cluster0 --dir /var/backups/atlas/Cluster0 --keep-daily 7 --keep-weekly 4";

/// Bring a folder up to date with a cluster's snapshots; made for cron
#[derive(Debug, Args)]
#[command(
    after_help = format!("{HELP}{}{EXAMPLE}", store::PULL_HELP),
    group = ArgGroup::new("clusters")
        .required(true)
        .args(["cluster_names", "all_clusters", "config"])
)]
pub(crate) struct Pull {
    /// Name of the cluster; separate several with commas, or repeat the flag
    #[arg(long = "clusterName", value_name = "NAME", value_delimiter = ',')]
    cluster_names: Vec<String>,

    /// Pull every dedicated and Flex cluster of the project that has backups, but no shared-tier cluster
    #[arg(long = "all-clusters")]
    all_clusters: bool,

    /// TOML file with clusters, folders and rules, in place of flags
    #[arg(
        long,
        value_name = "PATH",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "dir", "keep", "keep_daily", "keep_weekly", "keep_monthly", "keep_at_least", "max_age",
        ]
    )]
    config: Option<PathBuf>,

    #[command(flatten)]
    project: ProjectArgs,

    /// Folder of the snapshots; with several clusters, each has the folder FOLDER/NAME
    #[cfg_attr(
        feature = "object-store",
        arg(
            help = "Folder of the snapshots, or s3://, gs:// or az://, a bucket and a prefix; with \
                    several clusters, each has the folder FOLDER/NAME"
        )
    )]
    #[arg(
        long,
        value_name = "FOLDER",
        required_unless_present = "config",
        value_hint = ValueHint::DirPath
    )]
    dir: Option<String>,

    #[command(flatten)]
    rules: Rules,

    /// Read every file in the folder and compare it with its manifest
    #[arg(long)]
    verify: bool,

    /// Print what would be downloaded, read and removed; change nothing
    #[arg(long = "dry-run")]
    dry_run: bool,

    /// Print a line for each snapshot, and progress on stderr
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
        let common = self.common();
        let mut clusters = if let Some(path) = &self.config {
            config::read(path, &common, global).await?
        } else {
            let dir = self.dir.as_deref().unwrap_or_default();
            clusters::of_flags(&self.cluster_names, dir, &self.rules, &common, global)?
        };
        if let Some(dir) = clusters.store() {
            dir.watch();
        }
        let connection = Connection::open(global).await?;
        let backups = Backups::new(connection.client.clone());
        clusters.find(&backups).await?;
        let shown = self.shown();
        if let Clusters::One(task) = &clusters {
            return task.pull(&backups, &output, shown, None).await;
        }
        let has_max_age = self.rules.max_age.is_some();
        pull(clusters.all(), &backups, &output, shown, has_max_age).await
    }

    /// The settings of every cluster.
    fn common(&self) -> Common {
        Common {
            project: self.project.clone(),
            verify: self.verify,
            dry_run: self.dry_run,
            download: self.transfer.options(),
        }
    }

    fn shown(&self) -> Shown {
        if self.verbose {
            Shown::Each
        } else if self.output.is_for_programs() {
            Shown::Programs
        } else if log::is_quiet() {
            Shown::Problems
        } else if self.dry_run {
            Shown::Changes
        } else {
            Shown::Summary
        }
    }
}
