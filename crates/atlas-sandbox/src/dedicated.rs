//! Snapshots and restore jobs of dedicated clusters.

use atlas_model::api_error::code;
use atlas_model::cloud_backups::{
    BackupDeliveryType, BackupSnapshotRetentionRetentionUnit as RetentionUnit,
    DiskBackupRestoreMember, DiskBackupShardedClusterSnapshotMember, FrequencyType, SnapshotKind,
    SnapshotStatus, SnapshotType,
};
use atlas_model::shared::CloudProvider;
use atlas_model::{
    ApiError, ClusterName, DeploymentItemName, Empty, Page, ProjectId, RestoreJobId, SnapshotId,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::find::{Through, missing, self_link};
use crate::handle::Call;
use crate::jobs::Asked;
use crate::lists::{page, whole};
use crate::operations::{
    CancelRestoreJob, CreateRestoreJob, DeleteShardedSnapshot, DeleteSnapshot, GetRestoreJob,
    GetShardedSnapshot, GetSnapshot, ListRestoreJobs, ListShardedSnapshots, ListSnapshots,
    TakeSnapshot, UpdateSnapshotRetention,
};
use crate::shown::{ShownRestoreJob, ShownShardedSnapshot, ShownSnapshot};
use crate::tenant::MONGODB;
use crate::world::{Cluster, ClusterKind, Job, Sandbox, Snapshot as Kept};

/// How long the links of a dedicated cluster work.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);

impl Sandbox {
    /// A dedicated cluster, sharded or not as the operation wants it.
    pub(crate) fn backed_up(
        &mut self,
        project: ProjectId,
        name: &ClusterName,
        sharded: Option<bool>,
    ) -> Result<&mut Cluster, ApiError> {
        let cluster = self.find(project, name, Through::Backup)?;
        let is_sharded = matches!(cluster.kind, ClusterKind::Sharded { .. });
        if sharded.is_none_or(|sharded| sharded == is_sharded) {
            Ok(cluster)
        } else {
            let detail = "The cluster's snapshots are read through the other operations.";
            let status = StatusCode::BAD_REQUEST;
            Err(ApiError::new(status, code::VALIDATION_ERROR, detail))
        }
    }

    pub(crate) fn list_snapshots(
        &mut self,
        call: Call<'_>,
        asked: &ListSnapshots,
    ) -> Result<Page<ShownSnapshot>, ApiError> {
        // A sharded cluster has its snapshots in a list of their own; here there are none.
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        let is_sharded = matches!(cluster.kind, ClusterKind::Sharded { .. });
        let snapshots = cluster.newest_first().into_iter();
        let snapshots = snapshots
            .filter(|_| !is_sharded)
            .map(|(id, kept)| snapshot(id, kept));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            snapshots.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_snapshot(
        &mut self,
        _: Call<'_>,
        asked: &GetSnapshot,
    ) -> Result<ShownSnapshot, ApiError> {
        let cluster = self.backed_up(asked.project, &asked.cluster, Some(false))?;
        Ok(snapshot(asked.snapshot, cluster.snapshot(asked.snapshot)?))
    }

    pub(crate) fn take_snapshot(
        &mut self,
        call: Call<'_>,
        asked: &TakeSnapshot,
    ) -> Result<ShownSnapshot, ApiError> {
        call.owner()?;
        // One that was deleted has nothing left to be backed up.
        self.find(asked.project, &asked.cluster, Through::Cluster)?;
        self.backed_up(asked.project, &asked.cluster, None)?;
        let id = SnapshotId::from_bytes(self.new_id());
        self.add_snapshot_at(asked.project, &asked.cluster, id, 1 << 18, call.now);
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        let Some(kept) = cluster.snapshots.get_mut(&id) else {
            return Err(missing(code::RESOURCE_NOT_FOUND, "snapshot", id));
        };
        kept.description.clone_from(&asked.request.description);
        kept.keep_days = asked
            .request
            .retention_in_days
            .map_or(8, |days| days.get().into());
        Ok(snapshot(id, kept))
    }

    pub(crate) fn delete_snapshot(
        &mut self,
        call: Call<'_>,
        asked: &DeleteSnapshot,
    ) -> Result<Empty, ApiError> {
        self.forget_snapshot(call, asked.project, &asked.cluster, asked.snapshot, false)
    }

    pub(crate) fn delete_sharded_snapshot(
        &mut self,
        call: Call<'_>,
        asked: &DeleteShardedSnapshot,
    ) -> Result<Empty, ApiError> {
        self.forget_snapshot(call, asked.project, &asked.cluster, asked.snapshot, true)
    }

    fn forget_snapshot(
        &mut self,
        call: Call<'_>,
        project: ProjectId,
        cluster: &ClusterName,
        snapshot: SnapshotId,
        sharded: bool,
    ) -> Result<Empty, ApiError> {
        call.owner()?;
        let cluster = self.backed_up(project, cluster, Some(sharded))?;
        cluster.snapshot(snapshot)?;
        cluster.snapshots.remove(&snapshot);
        Ok(Empty)
    }

    pub(crate) fn update_snapshot_retention(
        &mut self,
        call: Call<'_>,
        asked: &UpdateSnapshotRetention,
    ) -> Result<ShownSnapshot, ApiError> {
        call.owner()?;
        let days = match asked.request.retention_unit {
            RetentionUnit::Weeks => 7,
            RetentionUnit::Months => 31,
            RetentionUnit::Years => 366,
            _ => 1,
        };
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        let Some(kept) = cluster.snapshots.get_mut(&asked.snapshot) else {
            return Err(missing(
                code::RESOURCE_NOT_FOUND,
                "snapshot",
                asked.snapshot,
            ));
        };
        kept.keep_days = i64::from(asked.request.retention_value) * days;
        Ok(snapshot(asked.snapshot, kept))
    }

    pub(crate) fn list_sharded_snapshots(
        &mut self,
        call: Call<'_>,
        asked: &ListShardedSnapshots,
    ) -> Result<Page<ShownShardedSnapshot>, ApiError> {
        let cluster = self.backed_up(asked.project, &asked.cluster, Some(true))?;
        let snapshots = cluster.newest_first().into_iter();
        Ok(whole(
            call,
            snapshots.map(|(id, kept)| sharded(id, kept)).collect(),
        ))
    }

    pub(crate) fn get_sharded_snapshot(
        &mut self,
        _: Call<'_>,
        asked: &GetShardedSnapshot,
    ) -> Result<ShownShardedSnapshot, ApiError> {
        let cluster = self.backed_up(asked.project, &asked.cluster, Some(true))?;
        Ok(sharded(asked.snapshot, cluster.snapshot(asked.snapshot)?))
    }

    pub(crate) fn create_restore_job(
        &mut self,
        call: Call<'_>,
        asked: &CreateRestoreJob,
    ) -> Result<ShownRestoreJob, ApiError> {
        let request = &asked.request;
        let invalid = |field: &str, problem: &str| {
            let status = StatusCode::BAD_REQUEST;
            ApiError::new(
                status,
                code::VALIDATION_ERROR,
                format!("{field} {problem}."),
            )
            .with_field(field, problem)
        };
        let newest = |sandbox: &mut Self| {
            let cluster = sandbox.backed_up(asked.project, &asked.cluster, None)?;
            let newest = cluster.newest_first().first().map(|(id, _)| *id);
            newest.ok_or_else(|| invalid("snapshotId", "is missing, and there is no snapshot"))
        };
        let snapshot = match (request.snapshot_id, &request.delivery_type) {
            (Some(snapshot), _) => snapshot,
            (None, BackupDeliveryType::PointInTime) => newest(self)?,
            (None, _) => return Err(invalid("snapshotId", "is missing")),
        };
        let target = request.target_cluster_name.as_ref();
        let target = target.and_then(|name| DeploymentItemName::parse(name.as_str()).ok());
        let wanted = Asked {
            project: asked.project,
            cluster: &asked.cluster,
            through: Through::Backup,
            snapshot,
            target,
            target_project: request.target_project_id,
        };
        let (id, job) = if request.delivery_type == BackupDeliveryType::Download {
            self.begin_download(call, wanted, LINK_LIFE)?
        } else {
            if wanted.target.is_none() {
                return Err(invalid("targetClusterName", "is missing"));
            }
            self.begin_restore(call, wanted)?
        };
        let mut shown = self.restore_job(call.now, asked.project, &asked.cluster, id, &job);
        // The links come with a later answer, however soon they are ready.
        shown.delivery_url = Vec::new();
        shown.components = None;
        Ok(shown)
    }

    pub(crate) fn list_restore_jobs(
        &mut self,
        call: Call<'_>,
        asked: &ListRestoreJobs,
    ) -> Result<Page<ShownRestoreJob>, ApiError> {
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        let jobs = cluster
            .latest_jobs()
            .into_iter()
            .map(|(id, job)| self.restore_job(call.now, asked.project, &asked.cluster, id, &job));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            jobs.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_restore_job(
        &mut self,
        call: Call<'_>,
        asked: &GetRestoreJob,
    ) -> Result<ShownRestoreJob, ApiError> {
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        let job = cluster.job(asked.restore_job)?.clone();
        let id = asked.restore_job;
        Ok(self.restore_job(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn cancel_restore_job(
        &mut self,
        call: Call<'_>,
        asked: &CancelRestoreJob,
    ) -> Result<Empty, ApiError> {
        call.owner()?;
        let cluster = self.backed_up(asked.project, &asked.cluster, None)?;
        cluster.job(asked.restore_job)?;
        if let Some(job) = cluster.jobs.get_mut(&asked.restore_job) {
            job.cancelled = true;
        }
        Ok(Empty)
    }

    fn restore_job(
        &self,
        now: Timestamp,
        project: ProjectId,
        cluster: &ClusterName,
        id: RestoreJobId,
        job: &Job,
    ) -> ShownRestoreJob {
        let path = format!("groups/{project}/clusters/{cluster}/backup/restoreJobs/{id}");
        let links = if job.cancelled {
            Vec::new()
        } else {
            self.job_links(job, now)
        };
        let ended = job
            .finished(now)
            .filter(|_| !job.fails && !job.is_download());
        let components = (job.signatures.len() > 1 && !links.is_empty()).then(|| {
            let members = links.iter().enumerate().map(|(shard, link)| {
                let mut member = DiskBackupRestoreMember::default();
                member.download_url = Some(link.clone());
                member.replica_set_name = Some(format!("{cluster}-shard-{shard}").into());
                member
            });
            members.collect()
        });
        let target = job.target.as_ref();
        ShownRestoreJob {
            cancelled: job.cancelled,
            components,
            delivery_type: if job.is_download() {
                BackupDeliveryType::Download
            } else {
                BackupDeliveryType::Automated
            },
            delivery_url: links,
            expired: job.expired(now),
            expires_at: job.is_download().then(|| job.links_end.into()),
            failed: job.fails && job.finished(now).is_some(),
            finished_at: ended.map(Into::into),
            id,
            links: self_link(&self.base_url, &path),
            snapshot_id: job.snapshot,
            target_cluster_name: target.and_then(|target| ClusterName::parse(target.as_str()).ok()),
            target_project_id: job.target_project,
            timestamp: job.snapshot_finished.into(),
        }
    }
}

fn snapshot(id: SnapshotId, kept: &Kept) -> ShownSnapshot {
    ShownSnapshot {
        cloud_provider: CloudProvider::Aws,
        copy_regions: Vec::new(),
        created_at: kept.finished.into(),
        description: kept.description.clone(),
        expires_at: kept.expires().into(),
        frequency_type: FrequencyType::Daily,
        id,
        mongod_version: MONGODB,
        policy_items: Vec::new(),
        replica_set_name: "shard-0",
        snapshot_type: snapshot_type(kept),
        status: SnapshotStatus::Completed,
        storage_size_bytes: i64::try_from(kept.size).ok(),
        kind: SnapshotKind::ReplicaSet,
    }
}

fn sharded(id: SnapshotId, kept: &Kept) -> ShownShardedSnapshot {
    let members = kept.files.iter().enumerate().map(|(shard, _)| {
        let mut member = DiskBackupShardedClusterSnapshotMember::default();
        member.cloud_provider = Some(CloudProvider::Aws);
        member.id = Some(id);
        member.replica_set_name = Some(format!("shard-{shard}").into());
        member
    });
    ShownShardedSnapshot {
        created_at: kept.finished.into(),
        description: kept.description.clone(),
        expires_at: kept.expires().into(),
        frequency_type: FrequencyType::Daily,
        id,
        mongod_version: MONGODB,
        policy_items: Vec::new(),
        members: members.collect(),
        snapshot_ids: vec![id],
        snapshot_type: snapshot_type(kept),
        status: SnapshotStatus::Completed,
        storage_size_bytes: i64::try_from(kept.size).ok(),
        kind: SnapshotKind::ShardedCluster,
    }
}

fn snapshot_type(kept: &Kept) -> SnapshotType {
    if kept.description.is_some() {
        SnapshotType::OnDemand
    } else {
        SnapshotType::Scheduled
    }
}
