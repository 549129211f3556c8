//! `atlas backups pull` and `atlas backups verify`: for cron.

use std::path::PathBuf;

use atlas_backup::{Keep, Pulled};
use clap::{Arg, ArgMatches, Command};

use crate::commands::{output_argument, wants_json, wants_json_offline};
use crate::escape::escape;
use crate::failure::{Failure, print};
use crate::show::Watcher;
use crate::snapshots::{connections_argument, download_options, timeout_argument};
use crate::target::{Target, arguments};

/// `pull`.
pub(crate) fn pull_command() -> Command {
    Command::new("pull")
        .about("Bring a folder up to date with a cluster's snapshots; made for cron")
        .after_help(
            "Takes every complete snapshot that is not there yet, the oldest first, and prints \
             one line for each.\nKilled at any moment, the next run goes on. catalogue.json in \
             the folder lists what is there, and\nis made anew each time. With --keep, what is \
             too old is neither taken nor kept; nothing is removed\nwhile a snapshot is missing, \
             and never the newest. Ends with 11 if a snapshot failed.",
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
                .help("Keep the last N snapshots, or those of the last N days"),
        )
        .arg(connections_argument())
        .arg(timeout_argument())
        .arg(output_argument())
}

/// `verify`.
pub(crate) fn verify_command() -> Command {
    Command::new("verify")
        .about("Check a downloaded file against the note beside it, offline")
        .arg(
            Arg::new("file")
                .required(true)
                .num_args(1..)
                .value_name("FILE")
                .help("The file, or several"),
        )
        .arg(output_argument())
}

/// Brings a folder up to date.
pub(crate) async fn pull(matches: &ArgMatches) -> Result<(), Failure> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let folder = text("dir").unwrap_or_default();
    crate::store::refuse_url("dir", &folder)?;
    let folder = PathBuf::from(folder);
    let keep = match text("keep") {
        Some(keep) => Some(
            keep.parse::<Keep>()
                .map_err(|error| Failure::Usage(format!("--keep: {error}")))?,
        ),
        None => None,
    };
    let as_json = wants_json(matches)?;
    let options = download_options(matches);
    let target = Target::ready(matches).await?;
    let watcher = Watcher::default();
    let take = |event| watcher.take(event);
    let mut failed = 0;
    let mut unprinted = Ok(());
    let mut report = |pulled: Pulled| {
        watcher.end();
        if matches!(pulled, Pulled::Failed { .. }) {
            failed += 1;
        }
        let printed = print(line(pulled, as_json).as_bytes());
        if unprinted.is_ok() {
            unprinted = printed;
        }
    };
    let (project, cluster) = (target.project, &target.cluster);
    let pulled = target.backups.pull(
        project,
        cluster,
        &folder,
        keep,
        &options,
        &mut report,
        &take,
    );
    let pulled = pulled.await;
    watcher.end();
    pulled?;
    unprinted?;
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Missing(failed)),
    }
}

fn line(pulled: Pulled, as_json: bool) -> String {
    let (what, snapshot, more) = match pulled {
        Pulled::Taken {
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
        Pulled::There { snapshot } => ("there", snapshot, String::new()),
        Pulled::Removed { snapshot } => ("removed", snapshot, String::new()),
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
            Ok(note) => (
                true,
                format!("snapshot {}, {} bytes", note.snapshot, note.bytes),
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
