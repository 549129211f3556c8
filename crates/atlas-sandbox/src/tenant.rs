//! The operations of the shared tier.

use atlas_model::shared::{DeliveryType, RestoreStatus, TenantRestore};
use atlas_model::shared_tier_snapshots::BackupTenantSnapshot;
use atlas_model::{ApiError, ClusterName, Page, ProjectId, RestoreJobId, SnapshotId};
use jiff::{SignedDuration, Timestamp};

use crate::find::{Through, self_link};
use crate::handle::Call;
use crate::jobs::{Asked, later};
use crate::lists::whole;
use crate::operations::{
    CreateTenantRestore, DownloadTenantSnapshot, GetTenantRestore, GetTenantSnapshot,
    ListTenantRestores, ListTenantSnapshots, TenantRestoreRequest,
};
use crate::world::{Job, Sandbox, Snapshot};

/// How long a snapshot link works.
pub(crate) const LINK_LIFE: SignedDuration = SignedDuration::from_hours(4);

impl Sandbox {
    pub(crate) fn download_tenant_snapshot(
        &mut self,
        call: Call<'_>,
        asked: &DownloadTenantSnapshot,
    ) -> Result<TenantRestore, ApiError> {
        let wanted = wanted(asked.project, &asked.cluster, &asked.request);
        let (id, job) = self.begin_download(call, wanted, LINK_LIFE)?;
        Ok(self.tenant_restore(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn create_tenant_restore(
        &mut self,
        call: Call<'_>,
        asked: &CreateTenantRestore,
    ) -> Result<TenantRestore, ApiError> {
        let wanted = wanted(asked.project, &asked.cluster, &asked.request);
        let (id, job) = self.begin_restore(call, wanted)?;
        Ok(self.tenant_restore(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn list_tenant_restores(
        &mut self,
        call: Call<'_>,
        asked: &ListTenantRestores,
    ) -> Result<Page<TenantRestore>, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Tenant)?;
        let jobs = cluster.latest_jobs().into_iter().map(|(id, job)| {
            self.tenant_restore(call.now, asked.project, &asked.cluster, id, &job)
        });
        Ok(whole(call, jobs.collect()))
    }

    pub(crate) fn get_tenant_restore(
        &mut self,
        call: Call<'_>,
        asked: &GetTenantRestore,
    ) -> Result<TenantRestore, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Tenant)?;
        let job = cluster.job(asked.restore_job)?.clone();
        let id = asked.restore_job;
        Ok(self.tenant_restore(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn list_tenant_snapshots(
        &mut self,
        call: Call<'_>,
        asked: &ListTenantSnapshots,
    ) -> Result<Page<BackupTenantSnapshot>, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Tenant)?;
        let snapshots = cluster.newest_first();
        let snapshots = snapshots
            .into_iter()
            .map(|(id, it)| tenant_snapshot(id, it));
        Ok(whole(call, snapshots.collect()))
    }

    pub(crate) fn get_tenant_snapshot(
        &mut self,
        _: Call<'_>,
        asked: &GetTenantSnapshot,
    ) -> Result<BackupTenantSnapshot, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Tenant)?;
        Ok(tenant_snapshot(
            asked.snapshot,
            cluster.snapshot(asked.snapshot)?,
        ))
    }

    fn tenant_restore(
        &self,
        now: Timestamp,
        project: ProjectId,
        cluster: &ClusterName,
        id: RestoreJobId,
        job: &Job,
    ) -> TenantRestore {
        let path = format!("groups/{project}/clusters/{cluster}/backup/tenant");
        let mut restore = TenantRestore::default();
        restore.cluster_name = Some(cluster.clone().into());
        restore.delivery_type = Some(delivery(job));
        restore.expiration_date = job.is_download().then(|| job.links_end.into());
        restore.id = Some(id);
        restore.links = Some(self_link(&self.base_url, &path));
        restore.project_id = Some(project);
        restore.restore_scheduled_date = Some(job.asked.into());
        restore.restore_finished_date = job.finished(now).map(Into::into);
        restore.snapshot_finished_date = Some(job.snapshot_finished.into());
        restore.snapshot_id = Some(job.snapshot);
        restore.snapshot_url = self.job_links(job, now).into_iter().next();
        restore.status = Some(job.status(now));
        restore.target_deployment_item_name = job.target.clone().map(Into::into);
        restore.target_project_id = job.target_project;
        restore
    }
}

fn wanted<'a>(
    project: ProjectId,
    cluster: &'a ClusterName,
    request: &TenantRestoreRequest,
) -> Asked<'a> {
    Asked {
        project,
        cluster,
        through: Through::Tenant,
        snapshot: request.snapshot_id,
        target: Some(request.target_deployment_item_name.clone()),
        target_project: request.target_project_id,
    }
}

pub(crate) fn delivery(job: &Job) -> DeliveryType {
    if job.is_download() {
        DeliveryType::Download
    } else {
        DeliveryType::Restore
    }
}

fn tenant_snapshot(id: SnapshotId, snapshot: &Snapshot) -> BackupTenantSnapshot {
    let mut shown = BackupTenantSnapshot::default();
    shown.expiration = Some(snapshot.expires().into());
    shown.finish_time = Some(snapshot.finished.into());
    shown.id = Some(id);
    shown.mongodb_version = Some(MONGODB.into());
    shown.scheduled_time = Some(later(snapshot.finished, -MINUTE).into());
    shown.start_time = Some(later(snapshot.finished, -MINUTE).into());
    shown.status = Some(RestoreStatus::Completed);
    shown
}

impl Snapshot {
    /// When it is deleted.
    pub(crate) fn expires(&self) -> Timestamp {
        let hours = self.keep_days.saturating_mul(24);
        later(self.finished, SignedDuration::from_hours(hours))
    }
}

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// The version of MongoDB that everything here runs.
pub(crate) const MONGODB: &str = "8.0.29";
