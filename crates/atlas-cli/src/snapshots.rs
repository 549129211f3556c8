//! `atlas backups snapshots`: list, describe, watch, download.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use atlas_backup::{DownloadOptions, Manifest, Pick, SnapshotView, WaitPolicy, check_output};
use clap::{Arg, ArgMatches, Command, value_parser};

use crate::commands::{force_argument, group, output_argument, wants_json};
use crate::escape::escape;
use crate::failure::{Failure, print, say};
use crate::show::{Watcher, json, or_dash, table};
use crate::store;
use crate::target::{Target, arguments, pick, positional_cluster, snapshot_argument, snapshot_id};

/// `snapshots` and what is below it.
pub(crate) fn command() -> Command {
    let id = "The snapshot, 24 hexadecimal digits";
    group("snapshots", "Work with the snapshots of a cluster")
        .subcommand(
            Command::new("list")
                .about("List the snapshots of a cluster of any kind")
                .arg(positional_cluster())
                .args(arguments())
                .arg(output_argument()),
        )
        .subcommand(
            Command::new("describe")
                .about("Show one snapshot")
                .arg(snapshot_argument(id))
                .args(arguments())
                .arg(output_argument()),
        )
        .subcommand(
            Command::new("watch")
                .about("Wait until a snapshot is complete")
                .arg(snapshot_argument(id))
                .args(arguments())
                .arg(timeout_argument())
                .arg(output_argument()),
        )
        .subcommand(download_command())
}

fn download_command() -> Command {
    Command::new("download")
        .about("Download one snapshot of a cluster of any kind to a file")
        .after_help(
            "Asks Atlas for a link, which works for a few hours, and downloads the file behind \
             it.\nWhile it is under way the file is PATH.part; after an interruption the same \
             command resumes\nthe download. The file gets its name when it is complete and sound, \
             with a manifest beside it\n(PATH.json) for atlas backups verify. Only its owner can read \
             it. A sharded cluster gives\none file for each shard. No cluster is written to.\n\n\
             With --force, PATH is replaced if it is a regular file. A file of another program that \
             is in the\nway (PATH.json, PATH.part) is never replaced: without --force it is an \
             error, with --force it is\nkept as PATH.json.old1, or another name is used for \
             PATH.part."
                .to_owned()
                + store::HELP,
        )
        .arg(snapshot_argument(
            "The snapshot, 24 hexadecimal digits; or latest; or before:2026-05-04T09:42:00Z",
        ))
        .args(arguments())
        .arg(Arg::new("out").long("out").value_name("PATH").help(
            if cfg!(feature = "object-store") {
                "The file to write, - for standard output, or s3://, gs:// or az:// and a key; \
                     SNAPSHOT_ID.tgz if it is not given"
            } else {
                "The file to write, - for standard output; SNAPSHOT_ID.tgz if it is not given"
            },
        ))
        .arg(connections_argument())
        .arg(timeout_argument())
        .arg(retry_for_argument())
        .arg(output_argument())
        .arg(force_argument())
}

/// `--connections`.
pub(crate) fn connections_argument() -> Arg {
    Arg::new("connections")
        .long("connections")
        .value_name("N")
        .value_parser(value_parser!(u16).range(1..=32))
        .default_value("4")
        .help("How many connections at most, where the store allows it")
}

/// `--timeout`.
pub(crate) fn timeout_argument() -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .value_name("SECONDS")
        .value_parser(value_parser!(u64).range(1..))
        .default_value("3600")
        .help("How long to wait for Atlas to get ready")
}

/// `--retry-for`.
pub(crate) fn retry_for_argument() -> Arg {
    Arg::new("retryFor")
        .long("retry-for")
        .value_name("SECONDS")
        .value_parser(value_parser!(u64))
        .default_value("900")
        .help("How long to try again while Atlas or a store fails, without a byte of progress")
}

pub(crate) fn wait_policy(matches: &ArgMatches) -> WaitPolicy {
    let seconds = matches.get_one::<u64>("timeout").copied().unwrap_or(3600);
    WaitPolicy::default().deadline(Duration::from_secs(seconds))
}

/// Runs one of the commands.
pub(crate) async fn run(name: &str, matches: &ArgMatches) -> Result<(), Failure> {
    match name {
        "list" => list(matches).await,
        "describe" => describe(matches).await,
        "watch" => watch(matches).await,
        _ => download(matches).await,
    }
}

async fn list(matches: &ArgMatches) -> Result<(), Failure> {
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let snapshots = target.backups.snapshots(target.project, &target.cluster);
    let mut snapshots = snapshots.await?;
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.taken));
    if as_json {
        json(&snapshots)
    } else {
        show(&snapshots)
    }
}

async fn describe(matches: &ArgMatches) -> Result<(), Failure> {
    let id = snapshot_id(matches)?;
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let snapshot = target.backups.snapshot(target.project, &target.cluster, id);
    one(as_json, snapshot.await?)
}

async fn watch(matches: &ArgMatches) -> Result<(), Failure> {
    let id = snapshot_id(matches)?;
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let watcher = Watcher::default();
    let take = |event| watcher.take(event);
    let policy = wait_policy(matches);
    let (project, cluster) = (target.project, &target.cluster);
    let snapshot = target
        .backups
        .watch_snapshot(project, cluster, id, &policy, &take);
    one(as_json, snapshot.await?)
}

fn one(as_json: bool, snapshot: SnapshotView) -> Result<(), Failure> {
    if as_json {
        json(&snapshot)
    } else {
        show(&[snapshot])
    }
}

fn show(snapshots: &[SnapshotView]) -> Result<(), Failure> {
    let rows = snapshots.iter().map(|snapshot| {
        [
            snapshot.id.to_string(),
            snapshot.status.clone(),
            or_dash(snapshot.taken),
            or_dash(snapshot.expires),
            or_dash(snapshot.bytes),
            or_dash(snapshot.mongodb_version.as_deref()),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table(
        ["ID", "STATUS", "TAKEN", "EXPIRES", "BYTES", "MONGODB"],
        &rows,
    )
}

/// How to download, by the flags.
pub(crate) fn download_options(matches: &ArgMatches) -> DownloadOptions {
    let connections = matches.get_one::<u16>("connections").copied().unwrap_or(4);
    DownloadOptions::default()
        .wait(wait_policy(matches))
        .replace(matches.try_get_one::<bool>("force").ok().flatten() == Some(&true))
        .connections(connections.into())
        .patience(Duration::from_secs(
            matches.get_one::<u64>("retryFor").copied().unwrap_or(900),
        ))
}

async fn download(matches: &ArgMatches) -> Result<(), Failure> {
    let pick = pick(matches)?;
    let as_json = wants_json(matches)?;
    match matches.get_one::<String>("out") {
        Some(out) if out == "-" => return pipe(matches, pick, as_json).await,
        Some(out) if store::is_meant(out) => return store::download(matches, pick, out).await,
        _ => {}
    }
    let out = matches.get_one::<String>("out").map(PathBuf::from);
    let options = download_options(matches);
    // What is in the way is said before anything is asked of Atlas.
    let named = match (&out, pick) {
        (Some(out), _) => Some(out.clone()),
        (None, Pick::Id(id)) => Some(PathBuf::from(format!("{id}.tgz"))),
        _ => None,
    };
    if let Some(out) = named {
        check_output(&out, options.replace)?;
    }
    let watcher = Watcher::default();
    let target = Target::reached(matches, options.patience, &watcher).await?;
    let (project, cluster) = (target.project, &target.cluster);
    let (pick, out) = if let Some(out) = out {
        (pick, out)
    } else {
        let id = match pick {
            Pick::Id(id) => id,
            pick => target.backups.pick(project, cluster, &pick).await?.id,
        };
        (Pick::Id(id), PathBuf::from(format!("{id}.tgz")))
    };
    let take = |event| watcher.take(event);
    let saved = target
        .backups
        .download(project, cluster, &pick, &out, &options, take)
        .await;
    watcher.end();
    for saved in saved? {
        say_saved(&saved.path.display().to_string(), &saved.manifest, as_json)?;
    }
    Ok(())
}

/// Downloads a snapshot to standard output; what it is goes to stderr.
async fn pipe(matches: &ArgMatches, pick: Pick, as_json: bool) -> Result<(), Failure> {
    let options = download_options(matches);
    if options.replace {
        let line = "--force has no meaning with --out -; leave it out";
        return Err(Failure::Usage(line.to_owned()));
    }
    if std::io::stdout().is_terminal() {
        let line = "standard output is a terminal; pipe it, or name a file with --out";
        return Err(Failure::Usage(line.to_owned()));
    }
    let stdout = output()
        .map_err(|error| Failure::File(format!("cannot write to standard output: {error}")))?;
    let watcher = Watcher::default();
    let target = Target::reached(matches, options.patience, &watcher).await?;
    let (project, cluster) = (target.project, &target.cluster);
    let piped = target
        .backups
        .download_to_writer(project, cluster, &pick, stdout, &options, |event| {
            watcher.take(event);
        })
        .await;
    watcher.end();
    let manifest = piped?;
    say(&saved_line("-", &manifest, as_json));
    Ok(())
}

/// Standard output without a buffer of lines in between.
fn output() -> std::io::Result<File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned();
    owned.map(File::from)
}

pub(crate) fn say_saved(name: &str, manifest: &Manifest, as_json: bool) -> Result<(), Failure> {
    print(saved_line(name, manifest, as_json).as_bytes())
}

fn saved_line(name: &str, manifest: &Manifest, as_json: bool) -> String {
    if as_json {
        serde_json::json!({
            "snapshotId": manifest.snapshot.to_string(),
            "file": name,
            "bytes": manifest.bytes,
            "sha256": manifest.sha256,
            "shard": manifest.shard,
        })
        .to_string()
    } else {
        let line = format!(
            "{name}: snapshot {}, {} bytes",
            manifest.snapshot, manifest.bytes
        );
        escape(&line).into_owned()
    }
}
