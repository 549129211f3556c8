//! `atlas backups pull` and `atlas backups verify`: for cron.

use std::path::PathBuf;

use atlas_backup::{Keep, PullOptions, PullSummary, Pulled};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use jiff::{SignedDuration, Timestamp};

use crate::commands::{output_argument, wants_json, wants_json_offline};
use crate::escape::escape;
use crate::failure::{Failure, print, say};
use crate::show::Watcher;
use crate::snapshots::{connections_argument, download_options, timeout_argument};
use crate::target::{Target, arguments};

/// `pull`.
pub(crate) fn pull_command() -> Command {
    Command::new("pull")
        .about("Bring a folder up to date with a cluster's snapshots; made for cron")
        .after_help(
            "Downloads every complete snapshot that is not in the folder yet, the oldest first, and \
             prints\none line for each. After an interruption the next run resumes. catalogue.json \
             in the folder lists\nwhat is there, and is rewritten each time.\n\n\
             With --keep, --keep-daily, --keep-weekly or --keep-monthly, snapshots that none of \
             them keeps are\nneither downloaded nor left in the folder. A file is removed only if \
             its own manifest says that it is\nof this cluster, Atlas no longer lists the snapshot, \
             and those that stay in its place are in the\nfolder and were first read to the end. \
             Days are counted back from the newest snapshot. Snapshots\ndated in the future do not \
             count and stay. Nothing is removed while a snapshot is missing or\ndamaged, or when \
             Atlas lists none.\n\nA file whose length, time or inode has changed since it was downloaded is \
             read again; a damaged\none is reported, downloaded again beside the old file, and \
             replaced once the new one is sound.\nA file of another program is never replaced: it \
             is kept as NAME.old1.\n\nExits with 11 if a snapshot failed, with 12 if the newest \
             is older than --max-age.",
        )
        .args(arguments())
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("FOLDER")
                .required(true)
                .help("The folder"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("N or Nd")
                .help("Keep the last N snapshots, or those of N days up to the newest, such as 30d"),
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
        .arg(connections_argument())
        .arg(timeout_argument())
        .arg(output_argument())
}

/// `verify`.
pub(crate) fn verify_command() -> Command {
    Command::new("verify")
        .about("Check a downloaded file against the manifest beside it, offline")
        .arg(
            Arg::new("file")
                .required(true)
                .num_args(1..)
                .value_name("FILE")
                .help("The file, or several"),
        )
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

/// Brings a folder up to date.
pub(crate) async fn pull(matches: &ArgMatches) -> Result<(), Failure> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let folder = text("dir").unwrap_or_default();
    crate::store::refuse_url("dir", &folder)?;
    let folder = PathBuf::from(folder);
    let keep = keep(matches)?;
    let as_json = wants_json(matches)?;
    let max_age = match text("maxAge") {
        Some(age) => Some(duration(&age).ok_or_else(|| {
            Failure::Usage(format!(
                "invalid --max-age {age:?}: expected days or hours, such as 2d or 36h"
            ))
        })?),
        None => None,
    };
    if folder.as_os_str().is_empty() {
        return Err(Failure::Usage("--dir is empty; name a folder".to_owned()));
    }
    let mut options = PullOptions::default()
        .keep(keep)
        .verify(matches.get_flag("verify"))
        .download(download_options(matches));
    if let Some(count) = matches.get_one::<u16>("keepAtLeast") {
        options = options.keep_at_least((*count).into());
    }
    let target = Target::ready(matches).await?;
    let watcher = Watcher::default();
    let take = |event| watcher.take(event);
    let mut failed = 0;
    let mut unprinted = Ok(());
    let report = |pulled: Pulled| {
        watcher.end();
        if let Pulled::OtherCluster { snapshots } = pulled {
            say(&format!(
                "{snapshots} snapshots in {} may be of an earlier cluster named {}; --keep does not \
                 count or remove them",
                folder.display(),
                target.cluster
            ));
            return;
        }
        if matches!(pulled, Pulled::Failed { .. }) {
            failed += 1;
        }
        let printed = print(line(pulled, as_json).as_bytes());
        if unprinted.is_ok() {
            unprinted = printed;
        }
    };
    let (project, cluster) = (target.project, &target.cluster);
    let pulled = target
        .backups
        .pull(project, cluster, &folder, &options, report, take);
    let pulled = pulled.await;
    watcher.end();
    let summary = pulled?;
    unprinted?;
    if summary.completed == 0 {
        say(&match summary.listed {
            0 => format!("Atlas lists no snapshots of {cluster}"),
            listed => format!(
                "Atlas lists no complete snapshot of {cluster}; {listed} are not complete or have \
                 an unknown status"
            ),
        });
    }
    match failed {
        0 => max_age.map_or(Ok(()), |limit| check_age(&summary, limit)),
        failed => Err(Failure::Missing(failed)),
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

fn line(pulled: Pulled, as_json: bool) -> String {
    let (what, snapshot, more) = match pulled {
        Pulled::Downloaded {
            snapshot,
            files,
            bytes,
        } => {
            let names: Vec<_> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            (
                "taken",
                snapshot,
                format!("{}, {bytes} bytes", names.join(", ")),
            )
        }
        Pulled::AlreadyPresent { snapshot } => ("there", snapshot, String::new()),
        Pulled::Removed { snapshot } => ("removed", snapshot, String::new()),
        Pulled::Damaged { snapshot, file } => ("damaged", snapshot, file.display().to_string()),
        Pulled::Future { snapshot } => (
            "future",
            snapshot,
            "dated in the future; does not count and stays".to_owned(),
        ),
        Pulled::Failed { snapshot, error } => {
            ("failed", snapshot, Failure::from(error).to_string())
        }
        _ => return String::new(),
    };
    if as_json {
        serde_json::json!({"snapshotId": snapshot.to_string(), "is": what, "detail": more})
            .to_string()
    } else {
        let line = format!("{what:<8} {snapshot} {more}");
        escape(line.trim_end()).into_owned()
    }
}

/// Checks files. Blocks.
pub(crate) fn verify(matches: &ArgMatches) -> Result<(), Failure> {
    let as_json = wants_json_offline(matches)?;
    let files = matches.get_many::<String>("file").into_iter().flatten();
    let mut first = Ok(());
    for file in files {
        let (sound, detail) = match atlas_backup::verify(file.as_ref()) {
            Ok(manifest) => (
                true,
                format!("snapshot {}, {} bytes", manifest.snapshot, manifest.bytes),
            ),
            Err(error) => {
                let failure = Failure::from(error);
                let detail = failure.to_string();
                if first.is_ok() {
                    first = Err(failure);
                }
                (false, detail)
            }
        };
        let line = if as_json {
            serde_json::json!({"file": file, "sound": sound, "detail": detail}).to_string()
        } else {
            let verdict = if sound { "sound" } else { "UNSOUND" };
            escape(&format!("{verdict:<8} {file}: {detail}")).into_owned()
        };
        print(line.as_bytes())?;
    }
    first
}
