//! The project and the cluster that a backup command is about.

use std::time::Duration;

use atlas_backup::{Backups, ClusterKind, Pick};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{ClusterName, Operation, Patterned, ProjectId, RestoreJobId, SnapshotId};
use clap::{Arg, ArgMatches};

use crate::connection::{Connection, project, warn_of_sunset};
use crate::failure::Failure;
use crate::show::Watcher;

/// A cluster of a project, and what reaches its backups.
pub(crate) struct Target {
    pub(crate) project: ProjectId,
    pub(crate) cluster: ClusterName,
    pub(crate) backups: Backups,
    _connection: Connection,
}

impl Target {
    /// What a command names; nothing is asked of Atlas yet.
    pub(crate) async fn open(matches: &ArgMatches) -> Result<Self, Failure> {
        let cluster: ClusterName = parsed("clusterName", &cluster_name(matches)?)?;
        let project: ProjectId = parsed("projectId", &project(matches, "projectId")?)?;
        let connection = Connection::open(matches).await?;
        Ok(Self {
            project,
            cluster,
            backups: Backups::new(connection.client.clone()),
            _connection: connection,
        })
    }

    /// What a command names, whose kind is known.
    pub(crate) async fn ready(matches: &ArgMatches) -> Result<Self, Failure> {
        let target = Self::open(matches).await?;
        target.kind().await?;
        Ok(target)
    }

    /// What a command names, whose kind is known as soon as Atlas can be reached.
    pub(crate) async fn reached(
        matches: &ArgMatches,
        patience: Duration,
        watcher: &Watcher,
    ) -> Result<Self, Failure> {
        let target = Self::open(matches).await?;
        let take = |event| watcher.take(event);
        let (project, cluster) = (target.project, &target.cluster);
        let kind = target
            .backups
            .kind_with_retries(project, cluster, patience, take)
            .await?;
        warn_of(kind);
        Ok(target)
    }

    /// Finds out what kind of cluster it is, and warns where its operations have ended.
    pub(crate) async fn kind(&self) -> Result<ClusterKind, Failure> {
        let kind = self.backups.kind(self.project, &self.cluster).await?;
        warn_of(kind);
        Ok(kind)
    }
}

fn warn_of(kind: ClusterKind) {
    if kind == ClusterKind::Tenant {
        warn_of_sunset(DownloadClusterBackupTenant::META);
    }
}

fn cluster_name(matches: &ArgMatches) -> Result<String, Failure> {
    let flag = matches.get_one::<String>("clusterName");
    let positional = matches.try_get_one::<String>("cluster").ok().flatten();
    flag.or(positional)
        .cloned()
        .ok_or_else(|| Failure::Usage("no cluster; give --clusterName".to_owned()))
}

/// Reads a text that the command line gave.
pub(crate) fn parsed<T: Patterned>(name: &'static str, text: &str) -> Result<T, Failure> {
    T::parse_field(name, text).map_err(|error| Failure::Usage(error.to_string()))
}

/// The arguments of every command about one cluster.
pub(crate) fn arguments() -> [Arg; 2] {
    [
        Arg::new("clusterName")
            .long("clusterName")
            .value_name("NAME")
            .help("The cluster"),
        Arg::new("projectId")
            .long("projectId")
            .alias("groupId")
            .value_name("ID")
            .help("The project; MONGODB_ATLAS_PROJECT_ID if it is not given"),
    ]
}

/// The cluster's name without a flag, as people are used to where lists are concerned.
pub(crate) fn positional_cluster() -> Arg {
    Arg::new("cluster")
        .value_name("CLUSTER")
        .conflicts_with("clusterName")
        .help("The cluster, if --clusterName is not given")
}

/// A snapshot's id, `latest` where that is allowed.
pub(crate) fn snapshot_argument(help: &'static str) -> Arg {
    Arg::new("snapshotId")
        .required(true)
        .value_name("SNAPSHOT_ID")
        .help(help)
}

/// A restore job's id.
pub(crate) fn job_argument() -> Arg {
    Arg::new("restoreJobId")
        .required(true)
        .value_name("RESTORE_JOB_ID")
        .help("The restore job, 24 hexadecimal digits")
}

pub(crate) fn snapshot_id(matches: &ArgMatches) -> Result<SnapshotId, Failure> {
    let text = matches.get_one::<String>("snapshotId").cloned();
    parsed("snapshotId", &text.unwrap_or_default())
}

pub(crate) fn job_id(matches: &ArgMatches) -> Result<RestoreJobId, Failure> {
    let text = matches.get_one::<String>("restoreJobId").cloned();
    parsed("restoreJobId", &text.unwrap_or_default())
}

/// Which snapshot is meant: an id, `latest`, or `before:` and a moment.
pub(crate) fn pick(matches: &ArgMatches) -> Result<Pick, Failure> {
    let text = matches
        .get_one::<String>("snapshotId")
        .cloned()
        .unwrap_or_default();
    if text == "latest" {
        return Ok(Pick::Latest);
    }
    if let Some(moment) = text.strip_prefix("before:") {
        let moment = moment.parse().map_err(|_| {
            Failure::Usage(format!(
                "invalid timestamp {moment:?}: expected RFC 3339, such as before:2026-05-04T09:42:00Z"
            ))
        })?;
        return Ok(Pick::Before(moment));
    }
    Ok(Pick::Id(snapshot_id(matches)?))
}
