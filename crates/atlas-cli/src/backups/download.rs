//! `atlas backups snapshots download`: one snapshot to a file, a store or standard output.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use atlas_backup::{DownloadOptions, Pick, check_output};
use clap::{ArgGroup, Args, ValueHint};

use super::saved::{print_saved, saved_line};
use super::store;
use crate::args::{ClusterArgs, OutputArgs, TransferArgs, parsed};
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::output::Output;
use crate::progress::Watcher;
use crate::signals::{self, UnderWay};
use crate::target::Target;
use crate::urls::is_meant;
use crate::usage::short;

const HELP: &str = "\
Requests a link from Atlas, which is valid for a few hours, and downloads its file. During the \
download, the file is PATH.part; after an interruption, the same command resumes. The file is \
renamed to PATH once it is complete and checked, with a manifest (PATH.json) for atlas backups \
verify. Only its owner can read it. A sharded cluster has one file per shard. No cluster is \
changed.

With --force, PATH is replaced if it is a regular file. A file of another program at PATH.json or \
PATH.part is never replaced: without --force it is an error; with --force, PATH.json is kept as \
PATH.json.old1, and another name is used in place of PATH.part.";

const EXAMPLE: &str = "\n
Example:
  atlas backups snapshots download latest --clusterName Cluster0 --out cluster0.tgz";

/// Download one snapshot of a cluster of any kind to a file
#[derive(Debug, Args)]
#[command(
    after_help = format!("{HELP}{}{EXAMPLE}", store::HELP),
    group = ArgGroup::new("what").required(true).args(["snapshot_id", "job"])
)]
pub(crate) struct Download {
    /// Snapshot ID, 24 hexadecimal digits; or latest; or before:2026-05-04T09:42:00Z
    #[arg(value_name = "SNAPSHOT_ID")]
    snapshot_id: Option<String>,

    /// Download the file of an existing restore job, in place of SNAPSHOT_ID; if the job has expired, a
    /// new one is started for the same snapshot
    #[arg(long, value_name = "RESTORE_JOB_ID")]
    job: Option<String>,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// File to write, or - for standard output; defaults to SNAPSHOT_ID.tgz
    #[cfg_attr(
        feature = "object-store",
        arg(
            help = "File to write, - for standard output, or s3://, gs:// or az:// and a key; \
                    defaults to SNAPSHOT_ID.tgz"
        )
    )]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    out: Option<String>,

    #[command(flatten)]
    transfer: TransferArgs,

    #[command(flatten)]
    output: OutputArgs,

    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// Parses the choice of a snapshot: an id, `latest`, or `before:` and a timestamp.
pub(super) fn pick(text: &str) -> Result<Pick, Failure> {
    if text == "latest" {
        return Ok(Pick::Latest);
    }
    let Some(moment) = text.strip_prefix("before:") else {
        return Ok(Pick::Id(parsed("snapshotId", text)?));
    };
    moment.parse().map(Pick::Before).map_err(|_| {
        Failure::Usage(format!(
            "invalid timestamp {:?}: expected RFC 3339, such as before:2026-05-04T09:42:00Z",
            short(moment)
        ))
    })
}

impl Download {
    pub(super) async fn run(&self, global: &Global) -> Result<(), Failure> {
        let pick = self.pick()?;
        let output = self.output.format(global)?;
        let options = self.transfer.options().replace(self.force);
        self.cluster.name()?;
        let open = || self.cluster.target(global);
        match self.out.as_deref() {
            Some("-") => {
                let stdout = self.stdout()?;
                pipe(open().await?, pick, stdout, &options, &output).await
            }
            Some(out) if is_meant(out) => store::download(out, &options, &output, pick, open).await,
            out => {
                let out = out.map(PathBuf::from);
                // A file in the way is reported before the first request.
                let named = match (&out, pick) {
                    (Some(out), _) => Some(out.clone()),
                    (None, Pick::Id(id)) => Some(PathBuf::from(format!("{id}.tgz"))),
                    _ => None,
                };
                if let Some(out) = named {
                    check_output(&out, options.replace)?;
                }
                to_file(open().await?, pick, out, &options, &output).await
            }
        }
    }

    fn pick(&self) -> Result<Pick, Failure> {
        match &self.job {
            Some(job) => Ok(Pick::Job(parsed("job", job)?)),
            None => pick(self.snapshot_id.as_deref().unwrap_or_default()),
        }
    }

    /// Standard output, if a snapshot may be written to it.
    fn stdout(&self) -> Result<File, Failure> {
        let usage = |line: &str| Err(Failure::Usage(line.to_owned()));
        if self.force {
            return usage("--force does not apply to --out -; remove it");
        }
        if std::io::stdout().is_terminal() {
            return usage("standard output is a terminal; pipe it, or name a file with --out");
        }
        unbuffered()
            .map_err(|error| Failure::File(format!("cannot write to standard output: {error}")))
    }
}

async fn to_file(
    target: Target,
    pick: Pick,
    out: Option<PathBuf>,
    options: &DownloadOptions,
    output: &Output,
) -> Result<(), Failure> {
    let watcher = Watcher::default();
    target.reach(options.patience, &watcher).await?;
    let (project, cluster) = (target.project, &target.cluster);
    let (pick, out) = if let Some(out) = out {
        (pick, out)
    } else {
        let id = match pick {
            Pick::Id(id) => id,
            pick => target.backups.pick(project, cluster, &pick).await?.id,
        };
        let pick = match pick {
            Pick::Job(_) => pick,
            _ => Pick::Id(id),
        };
        (pick, PathBuf::from(format!("{id}.tgz")))
    };
    let take = |event| watcher.take(event);
    signals::begin(UnderWay::Transfer);
    let saved = target
        .backups
        .download(project, cluster, &pick, &out, options, take)
        .await;
    watcher.end();
    for saved in saved? {
        print_saved(&saved.path.display().to_string(), &saved.manifest, output)?;
    }
    Ok(())
}

/// Downloads a snapshot to standard output, and prints its line to stderr.
async fn pipe(
    target: Target,
    pick: Pick,
    stdout: File,
    options: &DownloadOptions,
    output: &Output,
) -> Result<(), Failure> {
    let watcher = Watcher::default();
    target.reach(options.patience, &watcher).await?;
    let (project, cluster) = (target.project, &target.cluster);
    let piped = target
        .backups
        .download_to_writer(project, cluster, &pick, stdout, options, |event| {
            watcher.take(event);
        })
        .await;
    watcher.end();
    let manifest = piped?;
    log::note(&saved_line("-", &manifest, output)?);
    Ok(())
}

/// Standard output without line buffering.
fn unbuffered() -> std::io::Result<File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned();
    owned.map(File::from)
}
