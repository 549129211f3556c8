//! The operations of Flex clusters.

use atlas_model::api_error::code;
use atlas_model::flex_clusters::{
    FlexBackupSettings, FlexClusterDescription, FlexConnectionStrings, FlexProviderSettings,
};
use atlas_model::flex_snapshots::FlexBackupSnapshot;
use atlas_model::shared::{BackingProviderName, ClusterState, FlexBackupRestoreJob, RestoreStatus};
use atlas_model::{ApiError, ClusterName, Empty, Page, ProjectId, RestoreJobId, SnapshotId};
use http::StatusCode;
use jiff::Timestamp;

use crate::find::{Through, self_link};
use crate::handle::Call;
use crate::jobs::{Asked, later};
use crate::lists::page;
use crate::operations::{
    CreateFlexCluster, CreateFlexRestoreJob, DeleteFlexCluster, DownloadFlexSnapshot,
    GetFlexCluster, GetFlexRestoreJob, GetFlexSnapshot, ListFlexClusters, ListFlexRestoreJobs,
    ListFlexSnapshots, UpdateFlexCluster, UpgradeFlexCluster,
};
use crate::tenant::{LINK_LIFE, MINUTE, MONGODB, delivery};
use crate::world::{Cluster, ClusterKind, FIRST_SNAPSHOT, Job, Sandbox, Snapshot};

impl Sandbox {
    pub(crate) fn list_flex_clusters(
        &mut self,
        call: Call<'_>,
        asked: &ListFlexClusters,
    ) -> Result<Page<FlexClusterDescription>, ApiError> {
        let clusters = self.project(asked.project)?.clusters.iter();
        let flex = clusters.filter(|(_, cluster)| cluster.kind == ClusterKind::Flex);
        let flex = flex.map(|(name, cluster)| self.flex_cluster(asked.project, name, cluster));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            flex.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn create_flex_cluster(
        &mut self,
        call: Call<'_>,
        asked: &CreateFlexCluster,
    ) -> Result<FlexClusterDescription, ApiError> {
        call.owner()?;
        self.project(asked.project)?;
        let (project, name) = (asked.project, &asked.request.name);
        if self.cluster(project, name).is_some() {
            let status = StatusCode::CONFLICT;
            let detail = format!("There is a cluster {name} already.");
            return Err(ApiError::new(status, "DUPLICATE_CLUSTER_NAME", detail));
        }
        self.add_cluster(project, name.clone(), ClusterKind::Flex);
        let cluster = self.find(project, name, Through::Flex)?;
        let tags = asked.request.tags.iter().flatten().cloned();
        cluster.tags = tags.map(Into::into).collect();
        cluster.protected = asked.request.termination_protection_enabled == Some(true);
        self.flex(project, name)
    }

    pub(crate) fn delete_flex_cluster(
        &mut self,
        call: Call<'_>,
        asked: &DeleteFlexCluster,
    ) -> Result<Empty, ApiError> {
        call.owner()?;
        if self
            .find(asked.project, &asked.cluster, Through::Flex)?
            .protected
        {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED",
                "The cluster is protected against deletion.",
            ));
        }
        self.writes += 1;
        if let Some(project) = self.projects.get_mut(&asked.project) {
            project.clusters.remove(&asked.cluster);
        }
        Ok(Empty)
    }

    pub(crate) fn get_flex_cluster(
        &mut self,
        _: Call<'_>,
        asked: &GetFlexCluster,
    ) -> Result<FlexClusterDescription, ApiError> {
        self.flex(asked.project, &asked.cluster)
    }

    pub(crate) fn update_flex_cluster(
        &mut self,
        call: Call<'_>,
        asked: &UpdateFlexCluster,
    ) -> Result<FlexClusterDescription, ApiError> {
        call.owner()?;
        let cluster = self.find(asked.project, &asked.cluster, Through::Flex)?;
        if let Some(tags) = &asked.request.tags {
            cluster.tags = tags.iter().cloned().map(Into::into).collect();
        }
        if let Some(protected) = asked.request.termination_protection_enabled {
            cluster.protected = protected;
        }
        self.flex(asked.project, &asked.cluster)
    }

    pub(crate) fn upgrade_flex_cluster(
        &mut self,
        call: Call<'_>,
        asked: &UpgradeFlexCluster,
    ) -> Result<FlexClusterDescription, ApiError> {
        call.owner()?;
        let name = &asked.request.name;
        let mut shown = self.flex(asked.project, name)?;
        self.find(asked.project, name, Through::Flex)?.kind = ClusterKind::ReplicaSet;
        self.writes += 1;
        shown.state_name = Some(ClusterState::Updating);
        Ok(shown)
    }

    pub(crate) fn download_flex_snapshot(
        &mut self,
        call: Call<'_>,
        asked: &DownloadFlexSnapshot,
    ) -> Result<FlexBackupRestoreJob, ApiError> {
        let wanted = Asked {
            project: asked.project,
            cluster: &asked.cluster,
            through: Through::Flex,
            snapshot: asked.request.snapshot_id,
            target: None,
            target_project: None,
        };
        let (id, job) = self.begin_download(call, wanted, LINK_LIFE)?;
        Ok(self.flex_job(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn create_flex_restore_job(
        &mut self,
        call: Call<'_>,
        asked: &CreateFlexRestoreJob,
    ) -> Result<FlexBackupRestoreJob, ApiError> {
        let request = &asked.request;
        let wanted = Asked {
            project: asked.project,
            cluster: &asked.cluster,
            through: Through::Flex,
            snapshot: request.snapshot_id,
            target: Some(request.target_deployment_item_name.clone()),
            target_project: request.target_project_id,
        };
        let (id, job) = self.begin_restore(call, wanted)?;
        Ok(self.flex_job(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn list_flex_restore_jobs(
        &mut self,
        call: Call<'_>,
        asked: &ListFlexRestoreJobs,
    ) -> Result<Page<FlexBackupRestoreJob>, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Flex)?;
        let jobs = cluster
            .latest_jobs()
            .into_iter()
            .map(|(id, job)| self.flex_job(call.now, asked.project, &asked.cluster, id, &job));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            jobs.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_flex_restore_job(
        &mut self,
        call: Call<'_>,
        asked: &GetFlexRestoreJob,
    ) -> Result<FlexBackupRestoreJob, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Flex)?;
        let job = cluster.job(asked.restore_job)?.clone();
        let id = asked.restore_job;
        Ok(self.flex_job(call.now, asked.project, &asked.cluster, id, &job))
    }

    pub(crate) fn list_flex_snapshots(
        &mut self,
        call: Call<'_>,
        asked: &ListFlexSnapshots,
    ) -> Result<Page<FlexBackupSnapshot>, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Flex)?;
        let snapshots = cluster.newest_first();
        let snapshots = snapshots.into_iter().map(|(id, it)| flex_snapshot(id, it));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            snapshots.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_flex_snapshot(
        &mut self,
        _: Call<'_>,
        asked: &GetFlexSnapshot,
    ) -> Result<FlexBackupSnapshot, ApiError> {
        let cluster = self.find(asked.project, &asked.cluster, Through::Flex)?;
        Ok(flex_snapshot(
            asked.snapshot,
            cluster.snapshot(asked.snapshot)?,
        ))
    }

    fn flex(
        &mut self,
        project: ProjectId,
        name: &ClusterName,
    ) -> Result<FlexClusterDescription, ApiError> {
        self.find(project, name, Through::Flex)?;
        let cluster = self.cluster(project, name);
        cluster
            .map(|cluster| self.flex_cluster(project, name, cluster))
            .ok_or_else(|| crate::find::missing(code::CLUSTER_NOT_FOUND, "cluster", name))
    }

    fn flex_cluster(
        &self,
        project: ProjectId,
        name: &ClusterName,
        cluster: &Cluster,
    ) -> FlexClusterDescription {
        let mut backups = FlexBackupSettings::default();
        backups.enabled = Some(true);
        let mut strings = FlexConnectionStrings::default();
        strings.standard_srv = Some("mongodb+srv://flex0.example".into());
        let mut provider = FlexProviderSettings::default();
        provider.backing_provider_name = Some(BackingProviderName::Aws);
        provider.disk_size_gb = Some(5.0);
        provider.provider_name = Some("FLEX".into());
        provider.region_name = Some("US_EAST_1".into());
        let path = format!("groups/{project}/flexClusters/{name}");

        let mut shown = FlexClusterDescription::default();
        shown.backup_settings = Some(backups);
        shown.cluster_type = Some("REPLICASET".into());
        shown.connection_strings = Some(strings);
        shown.create_date = Some(FIRST_SNAPSHOT.into());
        shown.project_id = Some(project);
        shown.id = Some(cluster.id);
        shown.links = Some(self_link(&self.base_url, &path));
        shown.mongodb_version = Some(MONGODB.into());
        shown.name = Some(name.clone().into());
        shown.provider_settings = Some(provider);
        shown.state_name = Some(ClusterState::Idle);
        shown.tags = Some(cluster.tags.clone());
        shown.termination_protection_enabled = Some(cluster.protected);
        shown.version_release_system = Some("LTS".into());
        shown
    }

    fn flex_job(
        &self,
        now: Timestamp,
        project: ProjectId,
        cluster: &ClusterName,
        id: RestoreJobId,
        job: &Job,
    ) -> FlexBackupRestoreJob {
        let path = format!("groups/{project}/flexClusters/{cluster}/backup/restoreJobs/{id}");
        let mut shown = FlexBackupRestoreJob::default();
        shown.delivery_type = Some(delivery(job));
        shown.expiration_date = job.is_download().then(|| job.links_end.into());
        shown.id = Some(id);
        shown.instance_name = Some(cluster.clone().into());
        shown.links = Some(self_link(&self.base_url, &path));
        shown.project_id = Some(project);
        shown.restore_finished_date = job.finished(now).map(Into::into);
        shown.restore_scheduled_date = Some(job.asked.into());
        shown.snapshot_finished_date = Some(job.snapshot_finished.into());
        shown.snapshot_id = Some(job.snapshot);
        shown.snapshot_url = self.job_links(job, now).into_iter().next();
        shown.status = Some(job.status(now));
        shown.target_deployment_item_name = job.target.clone().map(Into::into);
        shown.target_project_id = job.target_project;
        shown
    }
}

fn flex_snapshot(id: SnapshotId, snapshot: &Snapshot) -> FlexBackupSnapshot {
    let mut shown = FlexBackupSnapshot::default();
    shown.expiration = Some(snapshot.expires().into());
    shown.finish_time = Some(snapshot.finished.into());
    shown.id = Some(id);
    shown.mongodb_version = Some(MONGODB.into());
    shown.scheduled_time = Some(later(snapshot.finished, -MINUTE).into());
    shown.start_time = Some(later(snapshot.finished, -MINUTE).into());
    shown.status = Some(RestoreStatus::Completed);
    shown
}
