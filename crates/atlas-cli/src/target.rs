//! A cluster of a project, and the client of its backups.

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

/// A cluster of a project, and the client of its backups.
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

    /// Determines the kind of the cluster, retrying until Atlas can be reached.
    pub(crate) async fn reach(&self, patience: Duration, watcher: &Watcher) -> Result<(), Failure> {
        let take = |event| watcher.take(event);
        let (project, cluster) = (self.project, &self.cluster);
        let kind = self
            .backups
            .kind_with_retries(project, cluster, patience, take);
        warn_of(kind.await?);
        Ok(())
    }

    /// Determines the kind of the cluster within the time that a command waits at most.
    pub(crate) async fn kind_within(&self, wait: &WaitArgs) -> Result<ClusterKind, Failure> {
        let seconds = wait.timeout;
        match timeout(Duration::from_secs(seconds), self.kind()).await {
            Ok(kind) => kind,
            Err(_) => Err(Failure::Deadline(format!(
                "timed out after {seconds} s waiting for a response; pass a longer --timeout or try again later"
            ))),
        }
    }

    /// Determines the kind of the cluster, and warns if its operations are past their sunset date.
    pub(crate) async fn kind(&self) -> Result<ClusterKind, Failure> {
        let kind = self.backups.kind(self.project, &self.cluster).await?;
        warn_of(kind);
        Ok(kind)
    }
}

/// Warns if the operations of a kind of cluster are past their sunset date.
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
