//! `atlas backups restores`: start, list, describe, watch.

use std::io::{BufRead, IsTerminal, Write};

use atlas_backup::{JobView, silent};
use atlas_model::{ClusterName, ProjectId};
use clap::{Arg, ArgMatches, Command};

use crate::commands::{group, output_argument, wants_json};
use crate::failure::{Failure, say};
use crate::show::{Watcher, json, or_dash, table};
use crate::signals::blocking;
use crate::snapshots::{timeout_argument, wait_policy};
use crate::target::{Target, arguments, job_argument, job_id, parsed, pick, positional_cluster};

/// `restores` and what is below it.
pub(crate) fn command() -> Command {
    let snapshot = || {
        Arg::new("snapshotId")
            .long("snapshotId")
            .value_name("ID")
            .required(true)
            .help("The snapshot, or latest")
    };
    let start = group(
        "start",
        "Start a restore, or get a snapshot ready for download",
    )
    .subcommand(
        Command::new("automated")
            .about("Restore a snapshot over a cluster: everything in that cluster is lost")
            .arg(snapshot())
            .args(arguments())
            .arg(
                Arg::new("targetClusterName")
                    .long("targetClusterName")
                    .value_name("NAME")
                    .required(true)
                    .help("The cluster to write over"),
            )
            .arg(
                Arg::new("targetProjectId")
                    .long("targetProjectId")
                    .value_name("ID")
                    .help("The project of that cluster; the same one if it is not given"),
            )
            .arg(
                Arg::new("force")
                    .long("force")
                    .action(clap::ArgAction::SetTrue)
                    .help("Do not ask; required if stdin is not a terminal"),
            )
            .arg(output_argument()),
    )
    .subcommand(
        Command::new("download")
            .about("Get a snapshot ready for download; no cluster is written to")
            .after_help("atlas backups snapshots download does this and downloads it too.")
            .arg(snapshot())
            .args(arguments())
            .arg(timeout_argument())
            .arg(output_argument()),
    );
    group("restores", "Work with the restore jobs of a cluster")
        .subcommand(start)
        .subcommand(
            Command::new("list")
                .about("List the restore jobs of a cluster of any kind")
                .arg(positional_cluster())
                .args(arguments())
                .arg(output_argument()),
        )
        .subcommand(
            Command::new("describe")
                .about("Show one restore job")
                .arg(job_argument())
                .args(arguments())
                .arg(output_argument()),
        )
        .subcommand(
            Command::new("watch")
                .about("Wait until a restore job is at its end")
                .arg(job_argument())
                .args(arguments())
                .arg(timeout_argument())
                .arg(output_argument()),
        )
}

/// Runs one of the commands.
pub(crate) async fn run(name: &str, matches: &ArgMatches) -> Result<(), Failure> {
    match name {
        "list" => list(matches).await,
        "describe" => describe(matches).await,
        "watch" => watch(matches).await,
        "automated" => restore(matches).await,
        _ => download(matches).await,
    }
}

async fn list(matches: &ArgMatches) -> Result<(), Failure> {
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let jobs = target.backups.jobs(target.project, &target.cluster).await?;
    if as_json { json(&jobs) } else { show(&jobs) }
}

async fn describe(matches: &ArgMatches) -> Result<(), Failure> {
    let id = job_id(matches)?;
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let job = target.backups.job(target.project, &target.cluster, id);
    one(as_json, job.await?)
}

async fn watch(matches: &ArgMatches) -> Result<(), Failure> {
    let id = job_id(matches)?;
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let watcher = Watcher::default();
    let take = |event| watcher.take(event);
    let policy = wait_policy(matches);
    let (project, cluster) = (target.project, &target.cluster);
    let job = target
        .backups
        .watch_job(project, cluster, id, &policy, take);
    one(as_json, job.await?)
}

async fn download(matches: &ArgMatches) -> Result<(), Failure> {
    let pick = pick(matches)?;
    let as_json = wants_json(matches)?;
    let target = Target::ready(matches).await?;
    let policy = wait_policy(matches);
    let (project, cluster) = (target.project, &target.cluster);
    let asked = target
        .backups
        .request_download(project, cluster, &pick, &policy, silent);
    one(as_json, asked.await?)
}

async fn restore(matches: &ArgMatches) -> Result<(), Failure> {
    let pick = pick(matches)?;
    let as_json = wants_json(matches)?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let name = text("targetClusterName").unwrap_or_default();
    let target_cluster: ClusterName = parsed("targetClusterName", &name)?;
    let target_project = text("targetProjectId");
    let target_project: Option<ProjectId> = match target_project {
        Some(id) => Some(parsed("targetProjectId", &id)?),
        None => None,
    };
    let target = Target::open(matches).await?;
    let target_project = target_project.unwrap_or(target.project);
    if !matches.get_flag("force") {
        let warning = format!(
            "Restoring over {target_cluster} of project {target_project}: everything in it is lost."
        );
        blocking(move || confirm(&warning)).await?;
    }
    target.kind().await?;
    let (project, cluster) = (target.project, &target.cluster);
    let restored = target
        .backups
        .restore(project, cluster, &pick, target_project, &target_cluster);
    one(as_json, restored.await?)
}

/// Asks whoever sits at the terminal.
fn confirm(warning: &str) -> Result<(), Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::Usage(format!(
            "{warning} stdin is not a terminal; pass --force to confirm"
        )));
    }
    say(warning);
    let _ = write!(std::io::stderr(), "Type yes to go on: ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = input.lock().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::Usage("nothing was restored".to_owned()))
    }
}

fn one(as_json: bool, job: JobView) -> Result<(), Failure> {
    if as_json { json(&job) } else { show(&[job]) }
}

fn show(jobs: &[JobView]) -> Result<(), Failure> {
    let rows = jobs.iter().map(|job| {
        [
            or_dash(job.id),
            or_dash(job.snapshot),
            if job.download { "download" } else { "restore" }.to_owned(),
            job.status.clone(),
            or_dash(job.target_cluster.as_deref()),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table(["ID", "SNAPSHOT", "KIND", "STATUS", "TARGET"], &rows)
}
