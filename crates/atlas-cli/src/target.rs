//! A cluster of a project, and what reaches its backups.

use std::time::Duration;

use atlas_backup::{Backups, ClusterKind};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{ClusterName, Operation, ProjectId};
use tokio::time::timeout;

use crate::args::{ClusterArgs, NamedCluster, ProjectArgs, WaitArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::progress::Watcher;

/// A cluster of a project, and what reaches its backups.
pub(crate) struct Target {
    pub(crate) project: ProjectId,
    pub(crate) cluster: ClusterName,
    pub(crate) backups: Backups,
    pub(crate) connection: Connection,
}

impl ClusterArgs {
    /// Opens the cluster; sends no request.
    pub(crate) async fn target(&self, global: &Global) -> Result<Target, Failure> {
        Target::open(global, self.name()?, &self.project).await
    }
}

impl NamedCluster {
    /// Opens the cluster; sends no request.
    pub(crate) async fn target(&self, global: &Global) -> Result<Target, Failure> {
        Target::open(global, self.name()?, &self.project).await
    }
}

impl Target {
    async fn open(
        global: &Global,
        cluster: ClusterName,
        project: &ProjectArgs,
    ) -> Result<Self, Failure> {
        let project = project.id(global)?;
        let connection = Connection::open(global).await?;
        Ok(Self {
            project,
            cluster,
            backups: Backups::new(connection.client.clone()),
            connection,
        })
    }

    /// Finds out what kind of cluster it is, as soon as Atlas can be reached.
    pub(crate) async fn reach(&self, patience: Duration, watcher: &Watcher) -> Result<(), Failure> {
        let take = |event| watcher.take(event);
        let (project, cluster) = (self.project, &self.cluster);
        let kind = self
            .backups
            .kind_with_retries(project, cluster, patience, take);
        warn_of(kind.await?);
        Ok(())
    }

    /// The same as [`kind`](Target::kind), for as long as a command waits at most.
    pub(crate) async fn kind_within(&self, wait: &WaitArgs) -> Result<ClusterKind, Failure> {
        let seconds = wait.timeout;
        match timeout(Duration::from_secs(seconds), self.kind()).await {
            Ok(kind) => kind,
            Err(_) => Err(Failure::Deadline(format!(
                "Atlas did not answer within {seconds} s; wait longer or look again"
            ))),
        }
    }

    /// Finds out what kind of cluster it is, and warns where its operations have ended.
    pub(crate) async fn kind(&self) -> Result<ClusterKind, Failure> {
        let kind = self.backups.kind(self.project, &self.cluster).await?;
        warn_of(kind);
        Ok(kind)
    }
}

/// Warns of a cluster whose operations have ended.
pub(crate) fn warn_of(kind: ClusterKind) {
    if kind == ClusterKind::Tenant
        && let Some(sunset) = DownloadClusterBackupTenant::META.sunset()
    {
        log::warn_once(&format!(
            "Atlas ended the backup operations of shared-tier clusters on {sunset}; upgrade the \
             cluster to Flex"
        ));
    }
}
