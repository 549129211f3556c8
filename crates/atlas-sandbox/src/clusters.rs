//! Projects, and the clusters that are no Flex clusters.

use atlas_model::api_error::code;
use atlas_model::clusters::{CloudCluster, CloudClusterAvailability, CloudClusterKind, OrgGroup};
use atlas_model::shared::{ClusterState, ClusterType, Project as ShownProject};
use atlas_model::{ApiError, ClusterName, OrgId, Page, ProjectId};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::find::{Through, missing, self_link};
use crate::handle::Call;
use crate::lists::page;
use crate::operations::{GetCluster, GetProject, ListAllClusters, ListClusters, ListProjects};
use crate::shown::ShownCluster;
use crate::tenant::MONGODB;
use crate::world::{Cluster, ClusterKind, FIRST_SNAPSHOT, Project, Sandbox};

impl Sandbox {
    /// Deletes a cluster, as its owner would. The backups of a dedicated cluster stay and can be
    /// listed, downloaded and restored; no other operation knows the
    /// cluster any more. Its name stays taken.
    pub fn delete_cluster(&mut self, project: ProjectId, cluster: &ClusterName) {
        let Some(project) = self.projects.get_mut(&project) else {
            return;
        };
        match project.clusters.get_mut(cluster) {
            Some(known) if known.outlived_by_backups() => known.deleted = true,
            _ => {
                project.clusters.remove(cluster);
            }
        }
    }

    pub(crate) fn list_projects(
        &mut self,
        call: Call<'_>,
        asked: &ListProjects,
    ) -> Result<Page<ShownProject>, ApiError> {
        let projects = self.projects.iter();
        let projects = projects.map(|(id, project)| self.shown_project(*id, project));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            projects.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_project(
        &mut self,
        _: Call<'_>,
        asked: &GetProject,
    ) -> Result<ShownProject, ApiError> {
        let project = self.project(asked.project)?;
        Ok(self.shown_project(asked.project, project))
    }

    pub(crate) fn list_clusters(
        &mut self,
        call: Call<'_>,
        asked: &ListClusters,
    ) -> Result<Page<ShownCluster>, ApiError> {
        let clusters = self.project(asked.project)?.live();
        let clusters = clusters
            .filter(|(_, cluster)| cluster.kind != ClusterKind::Flex)
            .map(|(name, cluster)| self.shown_cluster(call, asked.project, name, cluster));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            clusters.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_cluster(
        &mut self,
        call: Call<'_>,
        asked: &GetCluster,
    ) -> Result<ShownCluster, ApiError> {
        self.find(asked.project, &asked.cluster, Through::Cluster)?;
        let cluster = self.cluster(asked.project, &asked.cluster);
        cluster
            .map(|cluster| self.shown_cluster(call, asked.project, &asked.cluster, cluster))
            .ok_or_else(|| missing(code::CLUSTER_NOT_FOUND, "cluster", &asked.cluster))
    }

    pub(crate) fn list_all_clusters(
        &mut self,
        call: Call<'_>,
        asked: &ListAllClusters,
    ) -> Result<Page<OrgGroup>, ApiError> {
        let projects = self.projects.iter().map(|(id, project)| {
            let clusters = project.live();
            let mut shown = OrgGroup::default();
            shown.clusters = Some(clusters.map(|(name, it)| summary(name, it)).collect());
            shown.project_id = Some(*id);
            shown.project_name = Some(project.name.as_str().into());
            shown.org_id = Some(ORG);
            shown.org_name = Some("Sandbox".into());
            shown.plan_type = Some("Atlas".into());
            shown.tags = Some(Vec::new());
            shown
        });
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            projects.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    fn shown_project(&self, id: ProjectId, project: &Project) -> ShownProject {
        let mut shown = ShownProject::default();
        shown.cluster_count = Some(i64::try_from(project.live().count()).unwrap_or(i64::MAX));
        shown.created = Some(FIRST_SNAPSHOT.into());
        shown.id = Some(id);
        shown.links = Some(self_link(&self.base_url, &format!("groups/{id}")));
        shown.name = Some(project.name.as_str().into());
        shown.org_id = Some(ORG);
        shown.with_default_alerts_settings = Some(true);
        shown
    }

    /// A cluster as the version has it that was asked for.
    fn shown_cluster(
        &self,
        call: Call<'_>,
        project: ProjectId,
        name: &ClusterName,
        cluster: &Cluster,
    ) -> ShownCluster {
        let asked = call.options.version.and_then(atlas_model::ApiVersion::date);
        let legacy = asked.is_some_and(|asked| asked < date(2023, 2, 1));
        let shards = match cluster.kind {
            ClusterKind::Sharded { shards } => shards,
            _ => 1,
        };
        let sharded = matches!(cluster.kind, ClusterKind::Sharded { .. });
        let path = format!("groups/{project}/clusters/{name}");

        let provider = if cluster.kind == ClusterKind::Tenant {
            "TENANT"
        } else {
            "AWS"
        };
        let specs = || {
            let spec = json!({"regionConfigs": [{"providerName": provider, "priority": 7}]});
            Value::Array(vec![spec; usize::from(shards)])
        };
        ShownCluster {
            backup_enabled: !legacy,
            cluster_type: if sharded {
                ClusterType::Sharded
            } else {
                ClusterType::Replicaset
            },
            connection_strings: json!({"standardSrv": "mongodb+srv://c0.example"}),
            create_date: FIRST_SNAPSHOT.into(),
            project,
            id: cluster.id,
            labels: json!([]),
            links: self_link(&self.base_url, &path),
            mongodb_major_version: "8.0",
            mongodb_version: MONGODB,
            name: name.clone(),
            num_shards: legacy.then_some(shards),
            paused: false,
            pit_enabled: false,
            provider_backup_enabled: legacy.then_some(true),
            provider_settings: legacy.then(|| json!({"providerName": provider})),
            replication_specs: (!legacy).then(specs),
            state_name: ClusterState::Idle,
            tags: cluster.tags.clone(),
            termination_protection_enabled: cluster.protected,
            version_release_system: "LTS",
        }
    }
}

fn summary(name: &ClusterName, cluster: &Cluster) -> CloudCluster {
    let mut shown = CloudCluster::default();
    shown.alert_count = Some(0);
    shown.auth_enabled = Some(true);
    shown.availability = Some(CloudClusterAvailability::Available);
    shown.backup_enabled = Some(true);
    shown.cluster_id = Some(cluster.id);
    let stored = cluster
        .snapshots
        .values()
        .map(|snapshot| snapshot.size)
        .max();
    shown.data_size_bytes = stored.and_then(|stored| i64::try_from(stored).ok());
    shown.name = Some(name.clone().into());
    shown.node_count = Some(3);
    shown.ssl_enabled = Some(true);
    shown.kind = Some(match cluster.kind {
        ClusterKind::Sharded { .. } => CloudClusterKind::ShardedCluster,
        _ => CloudClusterKind::ReplicaSet,
    });
    shown.versions = Some(vec![MONGODB.into()]);
    shown
}

/// The organization that every project belongs to.
const ORG: OrgId = OrgId::from_bytes([0x5a; 12]);
