//! Restoring a snapshot to a cluster: the only request of this crate that writes to one.

use atlas_model::cloud_backups::{
    BackupDeliveryType, CreateBackupRestoreJob, DiskBackupSnapshotRestoreJob,
};
use atlas_model::flex_restore_jobs::{CreateFlexRestoreJob, FlexBackupRestoreJobCreate};
use atlas_model::shared_tier_restore_jobs::{CreateBackupTenantRestore, TenantRestore};
use atlas_model::{Answer, ClusterName, DeploymentItemName, ProjectId};
use atlas_transport::ErrorKind;

use crate::about;
use crate::backups::Backups;
use crate::error::{Accepted, Error};
use crate::job_view::{self, JobView};
use crate::kind::ClusterKind;
use crate::snapshot::Pick;

impl Backups {
    /// Restores a snapshot to a cluster: **everything in the target is lost**. This is the only
    /// call of this crate that writes to a cluster. Returns without waiting for the job.
    ///
    /// The request is sent once. It is repeated only after a response which states that nothing was
    /// done: 429, and 503 with `Retry-After`.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::SnapshotFailed`], [`Error::Call`]. After two of the errors
    /// the restore may be running, so check the restore jobs of the cluster before repeating it.
    /// Neither of them is [transient](Error::is_transient):
    /// - [`Error::AcceptedUnreadable`]: Atlas accepted the request, and its response cannot be read
    ///   or has no id;
    /// - [`Error::Call`] of the kind
    ///   [`OutcomeUnknown`](atlas_transport::ErrorKind::OutcomeUnknown): the response was lost, or
    ///   is 408, 500 or another 5xx that leaves open whether the request was applied.
    ///
    /// [`Error::Mismatch`] if the accepted job is for something else.
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
        let client = self.client();
        let sent = match place.kind {
            ClusterKind::Tenant => {
                let request =
                    TenantRestore::new(snapshot, target()?).target_project_id(target_project);
                let operation = CreateBackupTenantRestore::new(project, cluster, request);
                let sent = client.send(&operation).await;
                read(sent, job_view::tenant)
            }
            ClusterKind::Flex => {
                let request = FlexBackupRestoreJobCreate::new(snapshot, target()?)
                    .target_project_id(target_project);
                let operation = CreateFlexRestoreJob::new(project, cluster, request);
                let sent = client.send(&operation).await;
                read(sent, job_view::flex)
            }
            ClusterKind::Dedicated | ClusterKind::Sharded => {
                let request = DiskBackupSnapshotRestoreJob::new(BackupDeliveryType::Automated)
                    .snapshot_id(snapshot)
                    .target_cluster_name(target_cluster.clone())
                    .target_project_id(target_project);
                let operation = CreateBackupRestoreJob::new(project, cluster, request);
                let sent = client.send(&operation).await;
                read(sent, job_view::dedicated)
            }
        };
        let job = Accepted::Restore.judge(sent)?;
        if job.id.is_none() {
            return Err(Accepted::Restore.unreadable(None));
        }
        let found = job.target_cluster.as_deref();
        about::project_and_cluster(target_project, target_cluster, None, found)?;
        place.started(job, snapshot, false)
    }
}

/// Reads the response to a restore. The request must not be repeated unless nothing was done.
fn read<R>(
    sent: Result<Answer<R>, atlas_transport::Error>,
    view: fn(&R) -> JobView,
) -> Result<JobView, Error> {
    match sent {
        Ok(answer) => job_view::viewed(&answer, view),
        Err(error) if is_unknown(&error) => Err(error.into_outcome_unknown().into()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a response leaves open whether the request was applied: a gateway or a server gave up on
/// it.
fn is_unknown(error: &atlas_transport::Error) -> bool {
    let Some(status) = error.status().map(|status| status.as_u16()) else {
        return false;
    };
    // Both state that nothing was done.
    let is_put_off = status == 429 || status == 503 && error.retry_after().is_some();
    matches!(error.kind(), ErrorKind::Response(_)) && error.is_transient() && !is_put_off
}
