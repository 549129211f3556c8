//! `atlas backups snapshots download`: from a snapshot's id to a file.

use std::path::PathBuf;

use atlas_model::{
    ClusterName, DeploymentItemName, DownloadTenantSnapshot, Operation, PatternError, Patterned,
    ProjectId, RestoreStatus, SnapshotId, TenantRestore, TenantRestoreRequest,
};
use atlas_transport::{Client, Download};
use clap::{Arg, ArgMatches, Command};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::{force_argument, output_argument, wants_json};
use crate::connection::{Connection, project, warn_of_sunset};
use crate::failure::{Failure, print};
use crate::output_file::OutputFile;

/// What a gzip file begins with (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// `download`.
pub(crate) fn download_command() -> Command {
    Command::new("download")
        .about("Download one snapshot of a shared-tier cluster")
        .after_help(
            "Asks Atlas for a link, which works for four hours, and streams the file behind it.\n\
             The file appears under its name when it is complete, and only its owner can read it.",
        )
        .arg(
            Arg::new("snapshotId")
                .required(true)
                .value_name("SNAPSHOT_ID")
                .help("The snapshot, 24 hexadecimal digits"),
        )
        .arg(
            Arg::new("clusterName")
                .long("clusterName")
                .value_name("NAME")
                .required(true)
                .help("The cluster it was taken of"),
        )
        .arg(
            Arg::new("projectId")
                .long("projectId")
                .alias("groupId")
                .value_name("ID")
                .help("The project; MONGODB_ATLAS_PROJECT_ID if it is not given"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("PATH")
                .help("The file to write; SNAPSHOT_ID.tgz if it is not given"),
        )
        .arg(output_argument())
        .arg(force_argument())
}

/// Downloads a snapshot.
pub(crate) async fn download(matches: &ArgMatches) -> Result<(), Failure> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let snapshot: SnapshotId = parsed("snapshotId", &text("snapshotId"))?;
    let cluster: ClusterName = parsed("clusterName", &text("clusterName"))?;
    let target: DeploymentItemName = parsed("clusterName", &text("clusterName"))?;
    let project: ProjectId = parsed("projectId", &project(matches, "projectId")?)?;
    let path = matches
        .get_one::<String>("out")
        .map_or_else(|| PathBuf::from(format!("{snapshot}.tgz")), PathBuf::from);
    let file = OutputFile::create(&path, matches.get_flag("force"))?;

    let connection = Connection::open(matches).await?;
    let request = TenantRestoreRequest::new(snapshot, target);
    let operation = DownloadTenantSnapshot::new(project, cluster, request);
    warn_of_sunset(DownloadTenantSnapshot::META);
    let restore = connection.client.send(&operation).await?.value;
    let download = open(&connection.client, &restore).await?;
    let bytes = save(download, file).await?;

    let name = path.display().to_string();
    let line = if wants_json(matches) {
        serde_json::json!({
            "snapshotId": snapshot.to_string(),
            "file": name,
            "bytes": bytes,
        })
        .to_string()
    } else {
        format!("{name}: snapshot {snapshot}, {bytes} bytes")
    };
    print(line.as_bytes())
}

fn parsed<T: Patterned>(name: &'static str, text: &str) -> Result<T, Failure> {
    T::parse_field(name, text).map_err(|error: PatternError| Failure::Usage(error.to_string()))
}

/// Follows the link that Atlas gave.
async fn open(client: &Client, restore: &TenantRestore) -> Result<Download, Failure> {
    if restore.status == Some(RestoreStatus::Failed) {
        return Err(Failure::NoFile(
            "Atlas says that the job failed; ask again, or take another snapshot".to_owned(),
        ));
    }
    let link = restore.snapshot_url.as_ref().ok_or_else(|| {
        let status = restore
            .status
            .as_ref()
            .map_or("unknown", |status| status.as_str());
        Failure::NoFile(format!(
            "Atlas gave no link to the snapshot (status {status}); ask again later"
        ))
    })?;
    Ok(client.download(link).await?)
}

/// Streams a download into a file and checks that it is whole.
async fn save(mut download: Download, mut file: OutputFile) -> Result<u64, Failure> {
    let announced = download.length();
    let bar = progress(announced);
    let mut received: u64 = 0;
    let mut head = Vec::with_capacity(GZIP.len());
    while let Some(chunk) = download.chunk().await? {
        let missing = GZIP.len() - head.len();
        head.extend(chunk.iter().take(missing));
        if !GZIP.starts_with(&head) {
            return Err(Failure::NoFile(
                "the link gave something that is no gzip file; ask for a new one".to_owned(),
            ));
        }
        file.write(&chunk)?;
        received += chunk.len() as u64;
        bar.set_position(received);
    }
    bar.finish_and_clear();
    let expected = announced.unwrap_or(received);
    if received != expected || head.len() < GZIP.len() {
        return Err(Failure::NoFile(format!(
            "the file ended after {received} of {expected} bytes; try again"
        )));
    }
    file.finish()?;
    Ok(received)
}

/// A bar on stderr, where that is a terminal.
fn progress(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {bytes} {bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
