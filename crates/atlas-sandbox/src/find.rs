//! Finding what a request names, or saying that it is not there or of another kind.

use atlas_model::api_error::code;
use atlas_model::{ApiError, ClusterName, Link, ProjectId, RestoreJobId, SnapshotId};
use http::StatusCode;

use crate::world::{Cluster, ClusterKind, Job, Project, Sandbox, Snapshot};

/// Which operations a cluster is asked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// Those of the shared tier, which take Flex clusters too.
    Tenant,
    /// Those of Flex clusters.
    Flex,
    /// Those of every other cluster.
    Cluster,
    /// The backups of dedicated clusters.
    Backup,
}

impl Project {
    /// The clusters that were not deleted.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&ClusterName, &Cluster)> {
        self.clusters.iter().filter(|(_, cluster)| !cluster.deleted)
    }
}

impl Sandbox {
    pub(crate) fn project(&self, id: ProjectId) -> Result<&Project, ApiError> {
        self.projects
            .get(&id)
            .ok_or_else(|| missing(code::GROUP_NOT_FOUND, "project", id))
    }

    /// A cluster, asked through operations of its kind.
    pub(crate) fn find(
        &mut self,
        project: ProjectId,
        name: &ClusterName,
        through: Through,
    ) -> Result<&mut Cluster, ApiError> {
        self.project(project)?;
        let cluster = self
            .cluster_mut(project, name)
            .filter(|cluster| !cluster.deleted || through == Through::Backup)
            .ok_or_else(|| missing(code::CLUSTER_NOT_FOUND, "cluster", name))?;
        let refused = match (cluster.kind, through) {
            (ClusterKind::Flex, Through::Cluster | Through::Backup) => {
                Some(code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API)
            }
            (ClusterKind::Flex, _) | (ClusterKind::Tenant, Through::Tenant | Through::Cluster) => {
                None
            }
            (_, Through::Flex) => Some(code::CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API),
            (ClusterKind::Tenant, Through::Backup) | (_, Through::Tenant) => {
                Some(WRONG_CLUSTER_KIND)
            }
            _ => None,
        };
        match refused {
            None => Ok(cluster),
            Some(code) => Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                code,
                format!("Cluster {name} cannot be asked through this operation."),
            )
            .with_parameters(vec![name.as_str().into()])),
        }
    }
}

impl Cluster {
    /// Whether Atlas keeps the backups of such a cluster when it is deleted.
    pub(crate) fn outlived_by_backups(&self) -> bool {
        matches!(
            self.kind,
            ClusterKind::ReplicaSet | ClusterKind::Sharded { .. }
        )
    }

    pub(crate) fn snapshot(&self, id: SnapshotId) -> Result<&Snapshot, ApiError> {
        self.snapshots
            .get(&id)
            .ok_or_else(|| missing(code::RESOURCE_NOT_FOUND, "snapshot", id))
    }

    pub(crate) fn job(&self, id: RestoreJobId) -> Result<&Job, ApiError> {
        self.jobs
            .get(&id)
            .ok_or_else(|| missing(code::RESOURCE_NOT_FOUND, "restore job", id))
    }

    /// The jobs, the last one asked for first.
    pub(crate) fn latest_jobs(&self) -> Vec<(RestoreJobId, Job)> {
        let jobs = self.jobs.iter().rev();
        jobs.map(|(id, job)| (*id, job.clone())).collect()
    }

    /// The snapshots, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<(SnapshotId, &Snapshot)> {
        let mut snapshots: Vec<_> = self.snapshots.iter().map(|(id, it)| (*id, it)).collect();
        snapshots.sort_by_key(|(id, snapshot)| (std::cmp::Reverse(snapshot.finished), *id));
        snapshots
    }
}

/// 404 with the name of what is not there.
pub(crate) fn missing(code: &str, what: &str, name: impl std::fmt::Display) -> ApiError {
    let name = name.to_string();
    ApiError::new(
        StatusCode::NOT_FOUND,
        code,
        format!("There is no {what} {name}."),
    )
    .with_parameters(vec![name.into()])
}

/// A link of a resource to itself.
pub(crate) fn self_link(base: &str, path: &str) -> Vec<Link> {
    vec![Link::new(&format!("{base}/api/atlas/v2/{path}"), "self")]
}

/// No source tells how Atlas refuses a cluster of the shared tier in the backups of dedicated
/// clusters, or the other way round; this code is the sandbox's own.
const WRONG_CLUSTER_KIND: &str = "CLUSTER_KIND_NOT_SUPPORTED";
