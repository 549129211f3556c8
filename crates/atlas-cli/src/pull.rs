//! `atlas backups pull`: for cron.

mod clusters;
mod dir;
mod report;

use std::io::IsTerminal as _;

use atlas_backup::{Backups, ClusterKind, Event, Keep, PullOptions, PullSummary};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{ClusterName, Operation as _, ProjectId};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use jiff::{SignedDuration, Timestamp};

use crate::commands::{output_argument, wants_json};
use crate::connection::{Connection, project, warn_of_sunset};
use crate::failure::{Failure, say};
use crate::show::Watcher;
use crate::snapshots::{
    connections_argument, download_options, retry_for_argument, timeout_argument,
};
use crate::target::{arguments, parsed};
use clusters::Clusters;
use dir::Dir;
use report::{Report, Shown};

/// What `--help` says.
const HELP: &str = "Downloads every complete snapshot that is not in the folder yet, the oldest first, and \
     prints\none line if anything changed: what was downloaded and removed, and how many \
     are kept. Damaged\nand failed snapshots have a line each. After an interruption the \
     next run resumes. catalogue.json\nin the folder lists what is there.\n\n\
     With --keep, --keep-daily, --keep-weekly or --keep-monthly, snapshots that none of \
     them keeps\nare neither downloaded nor left in the folder. A file is removed only if \
     its own manifest says\nthat it is of this cluster, Atlas no longer lists the snapshot, \
     and those that stay in its place\nare in the folder and were first read to the end. \
     Days are counted back from the newest snapshot.\nSnapshots dated in the future do not \
     count and stay. Nothing is removed while a snapshot is\nmissing or damaged, or when \
     Atlas lists none.\n\n\
     A file whose length, time or inode has changed since it was downloaded is read again; \
     a damaged\none is reported, downloaded again beside the old file, and replaced once \
     the new one is sound.\nA file of another program is never replaced: it is kept as \
     NAME.old1.\n\n\
     Of several clusters, up to 16 are worked on at the same time, and one that fails does \
     not stop\nthe others.\n\n\
     Exits with 11 if a snapshot failed, with 12 if the newest is older than --max-age. Of \
     several\nclusters the worst decides: any other failure, then 11, then 12.";

/// `pull`.
pub(crate) fn command() -> Command {
    Command::new("pull")
        .about("Bring a folder up to date with a cluster's snapshots; made for cron")
        .after_help(HELP.to_owned() + crate::store::PULL_HELP)
        .args(clusters::arguments(arguments()))
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("FOLDER")
                .required(true)
                .help(if cfg!(feature = "object-store") {
                    "The folder, or s3://, gs:// or az://, a bucket and a prefix; of several \
                     clusters, each has the folder FOLDER/NAME"
                } else {
                    "The folder; of several clusters, each has the folder FOLDER/NAME"
                }),
        )
        .arg(
            Arg::new("keep").long("keep").value_name("N or Nd").help(
                "Keep the last N snapshots, or those of N days up to the newest, such as 30d",
            ),
        )
        .args(RULES.map(|(id, flag, period)| {
            Arg::new(id)
                .long(flag)
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .help(format!(
                    "Keep the newest snapshot of each of the last N {period} that have one, in UTC"
                ))
        }))
        .arg(
            Arg::new("keepAtLeast")
                .long("keep-at-least")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..))
                .default_value("3")
                .help("With any --keep but --keep N, keep this many of the newest in any case"),
        )
        .arg(
            Arg::new("maxAge")
                .long("max-age")
                .value_name("Nd or Nh")
                .help("Exit with 12 if the newest snapshot is older than so many days or hours"),
        )
        .arg(
            Arg::new("verify")
                .long("verify")
                .action(ArgAction::SetTrue)
                .help("Read every file in the folder and compare it with its manifest"),
        )
        .arg(
            Arg::new("dryRun")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Print what would be downloaded, read and removed; change nothing"),
        )
        .arg(
            Arg::new("verbose")
                .long("verbose")
                .short('v')
                .action(ArgAction::SetTrue)
                .help("Print a line for each snapshot, and on stderr what is under way"),
        )
        .arg(connections_argument())
        .arg(timeout_argument())
        .arg(retry_for_argument())
        .arg(output_argument())
}

/// The rules that keep one snapshot for each period: argument, flag and period.
const RULES: [(&str, &str, &str); 3] = [
    ("keepDaily", "keep-daily", "days"),
    ("keepWeekly", "keep-weekly", "ISO weeks"),
    ("keepMonthly", "keep-monthly", "months"),
];

/// Which snapshots are kept; all if no flag says so.
fn keep(matches: &ArgMatches) -> Result<Option<Keep>, Failure> {
    let count = |name: &str| {
        matches
            .get_one::<u16>(name)
            .map(|count| usize::from(*count))
    };
    let counts = RULES.map(|(id, _, _)| count(id));
    let text = matches.get_one::<String>("keep");
    let keep = text.map(|keep| {
        let keep = keep.parse::<Keep>();
        keep.map_err(|error| Failure::Usage(format!("--keep: {error}")))
    });
    let is_floor_given = matches.value_source("keepAtLeast") == Some(ValueSource::CommandLine);
    let keep = match keep.transpose()? {
        None if counts == [None; 3] && is_floor_given => {
            return Err(Failure::Usage(
                "--keep-at-least keeps more than another rule; give --keep too, such as --keep 30d"
                    .to_owned(),
            ));
        }
        None if counts == [None; 3] => return Ok(None),
        keep => keep.unwrap_or_else(Keep::new),
    };
    let [daily, weekly, monthly] = counts;
    let keep = keep
        .daily(daily.unwrap_or(keep.daily))
        .weekly(weekly.unwrap_or(keep.weekly))
        .monthly(monthly.unwrap_or(keep.monthly));
    if keep.is_last_only() && is_floor_given {
        return Err(Failure::Usage(
            "--keep-at-least goes with --keep in days, such as --keep 30d, and with --keep-daily, \
             --keep-weekly and --keep-monthly; --keep N keeps N"
                .to_owned(),
        ));
    }
    Ok(Some(keep))
}

/// Brings a folder up to date, or one for each of several clusters.
pub(crate) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let task = Task::read(matches)?;
    let clusters = Clusters::read(matches)?;
    let project: ProjectId = parsed("projectId", &project(matches, "projectId")?)?;
    let connection = Connection::open(matches).await?;
    let backups = Backups::new(connection.client.clone());
    let clusters = match clusters {
        Clusters::One(cluster) => {
            return task.pull(&backups, project, &cluster, None).await;
        }
        Clusters::Several(clusters) => clusters,
        Clusters::All => backups.clusters(project).await?,
    };
    clusters::pull(&task, &backups, project, &clusters).await
}

/// What the command line asks for.
struct Task {
    dir: Dir,
    options: PullOptions,
    max_age: Option<SignedDuration>,
    shown: Shown,
}

impl Task {
    fn read(matches: &ArgMatches) -> Result<Self, Failure> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let folder = text("dir").unwrap_or_default();
        let dir = Dir::read(&folder)?;
        let keep = keep(matches)?;
        let as_json = wants_json(matches)?;
        let max_age = text("maxAge").map(|age| {
            duration(&age).ok_or_else(|| {
                Failure::Usage(format!(
                    "invalid --max-age {age:?}: expected days or hours, such as 2d or 36h"
                ))
            })
        });
        let max_age = max_age.transpose()?;
        let dry_run = matches.get_flag("dryRun");
        let mut options = PullOptions::default()
            .keep(keep)
            .verify(matches.get_flag("verify"))
            .dry_run(dry_run)
            .download(download_options(matches));
        if let Some(count) = matches.get_one::<u16>("keepAtLeast") {
            options = options.keep_at_least((*count).into());
        }
        let shown = if as_json {
            Shown::Json
        } else if matches.get_flag("verbose") {
            Shown::Each
        } else if dry_run {
            Shown::Changes
        } else {
            Shown::Summary
        };
        dir.watch();
        Ok(Self {
            dir,
            options,
            max_age,
            shown,
        })
    }

    /// Brings the folder of a cluster up to date; `own` is its own, if there are several.
    async fn pull(
        &self,
        backups: &Backups,
        project: ProjectId,
        cluster: &ClusterName,
        own: Option<&Dir>,
    ) -> Result<(), Failure> {
        let watcher = Watcher::default();
        let patience = self.options.download.patience;
        let told = |event| watcher.take(event);
        let kind = backups
            .kind_with_retries(project, cluster, patience, told)
            .await?;
        if kind == ClusterKind::Tenant {
            warn_of_sunset(DownloadClusterBackupTenant::META);
        }
        // A job of cron says nothing of what is under way, and there is one bar only.
        let is_wanted = self.shown == Shown::Each || std::io::stderr().is_terminal();
        let is_watched = is_wanted && own.is_none();
        let take = |event| {
            if is_watched || matches!(event, Event::SetAside { .. } | Event::Damaged { .. }) {
                watcher.take(event);
            }
        };
        let is_one_of_many = own.is_some();
        let dir = own.unwrap_or(&self.dir);
        let folder = &dir.shown();
        let mut report = Report::new(cluster, folder, self.shown, is_one_of_many);
        let pulled = dir.pull(
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
            say(&match summary.listed {
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

/// Days or hours: `2d`, `36h`.
fn duration(text: &str) -> Option<SignedDuration> {
    let hours = match text.strip_suffix('d') {
        Some(days) => days.parse::<u32>().ok().map(|days| 24 * i64::from(days)),
        None => text.strip_suffix('h')?.parse::<u32>().ok().map(i64::from),
    };
    hours
        .filter(|hours| *hours > 0)
        .map(SignedDuration::from_hours)
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
