//! Restoring a snapshot over a cluster: the only thing here that writes to one.

use atlas_model::cloud_backups::{
    BackupDeliveryType, CreateBackupRestoreJob, DiskBackupSnapshotRestoreJob,
};
use atlas_model::flex_restore_jobs::{CreateFlexRestoreJob, FlexBackupRestoreJobCreate};
use atlas_model::shared_tier_restore_jobs::{CreateBackupTenantRestore, TenantRestore};
use atlas_model::{ClusterName, DeploymentItemName, ProjectId};

use crate::about;
use crate::backups::Backups;
use crate::error::Error;
use crate::job_view::{self, JobView};
use crate::kind::ClusterKind;
use crate::snapshot::Pick;

impl Backups {
    /// Restores a snapshot over a cluster: **everything in the target is lost**. The only call
    /// here that writes to a cluster. Does not wait for it.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::SnapshotFailed`], [`Error::Call`]; one whose
    /// [`may_have_been_sent`](atlas_transport::Error::may_have_been_sent) is to be looked into
    /// before asking again.
    pub async fn restore(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        target_project: ProjectId,
        target_cluster: &ClusterName,
    ) -> Result<JobView, Error> {
        let place = self.place(project, cluster).await?;
        let snapshot = self.pick(project, cluster, pick).await?.id;
        let target = || {
            DeploymentItemName::parse(target_cluster.as_str()).map_err(|error| Error::Usage {
                what: error.to_string(),
            })
        };
        let cluster = cluster.clone();
        let job = match place.kind {
            ClusterKind::Tenant => {
                let request =
                    TenantRestore::new(snapshot, target()?).target_project_id(target_project);
                let operation = CreateBackupTenantRestore::new(project, cluster, request);
                job_view::viewed(&self.client().send(&operation).await?, job_view::tenant)?
            }
            ClusterKind::Flex => {
                let request = FlexBackupRestoreJobCreate::new(snapshot, target()?)
                    .target_project_id(target_project);
                let operation = CreateFlexRestoreJob::new(project, cluster, request);
                job_view::viewed(&self.client().send(&operation).await?, job_view::flex)?
            }
            ClusterKind::Dedicated | ClusterKind::Sharded => {
                let request = DiskBackupSnapshotRestoreJob::new(BackupDeliveryType::Automated)
                    .snapshot_id(snapshot)
                    .target_cluster_name(target_cluster.clone())
                    .target_project_id(target_project);
                let operation = CreateBackupRestoreJob::new(project, cluster, request);
                job_view::viewed(&self.client().send(&operation).await?, job_view::dedicated)?
            }
        };
        let found = job.target_cluster.as_deref();
        about::project_and_cluster(target_project, target_cluster, None, found)?;
        place.started(job, snapshot, false)
    }
}
