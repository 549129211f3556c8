//! Finds the cluster of a request, or reports that it does not exist or has another kind.

use atlas_model::api_error::code;
use atlas_model::{ApiError, RestoreJobId, SnapshotId};
use http::Method;

use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::backups::{Backups, Job, Snapshot};
use crate::store::key;
use crate::world::{ClusterKind, Sandbox};

/// The number of segments of a cluster's path: `/groups/ID/clusters/NAME`.
const CLUSTER_SEGMENTS: usize = 4;

/// The family of operations through which a cluster is accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// Operations of the shared tier, which accept Flex clusters too.
    Tenant,
    /// Operations of Flex clusters.
    Flex,
    /// Operations of all other clusters.
    Cluster,
    /// The backups of dedicated clusters.
    Backup,
}

/// The key of a cluster other than a Flex cluster.
pub(crate) fn cluster_key(project: &str, name: &str) -> String {
    key(["groups", project, "clusters", name])
}

/// The key of a Flex cluster.
pub(crate) fn flex_key(project: &str, name: &str) -> String {
    key(["groups", project, "flexClusters", name])
}

impl Sandbox {
    /// Returns 404 unless the project exists.
    pub(crate) fn check_project(&self, project: &str) -> Result<(), ApiError> {
        if self.store.contains(&project_key(project)) {
            Ok(())
        } else {
            Err(refuse::no_project(project))
        }
    }

    /// Whether a cluster exists, and not only its backups.
    pub(crate) fn lives(&self, project: &str, name: &str) -> bool {
        [flex_key(project, name), cluster_key(project, name)]
            .iter()
            .any(|key| self.store.contains(key))
    }

    /// Returns an error if a cluster does not exist or has another kind than the operations expect.
    pub(crate) fn check_cluster(
        &self,
        project: &str,
        name: &str,
        through: Through,
    ) -> Result<(), ApiError> {
        self.check_project(project)?;
        let is_flex = self.store.contains(&flex_key(project, name));
        let lives = self.lives(project, name);
        let kind = self.backups(project, name).map(|backups| backups.kind);
        let outlived = matches!(
            kind,
            Some(ClusterKind::ReplicaSet | ClusterKind::Sharded { .. })
        );
        let is_there = lives || (outlived && through == Through::Backup);
        if !is_there {
            return Err(refuse::no_cluster(name, project));
        }
        let is_tenant = kind == Some(ClusterKind::Tenant);
        let refused = match through {
            Through::Cluster | Through::Backup if is_flex => Some((
                code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API,
                "is a Flex cluster",
            )),
            Through::Flex if !is_flex && !is_tenant => Some((
                code::CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API,
                "is not a Flex cluster",
            )),
            Through::Flex if !is_flex => Some((
                code::CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API,
                "is a cluster of the shared tier, not a Flex cluster",
            )),
            Through::Backup if is_tenant => {
                Some((WRONG_CLUSTER_KIND, "is a cluster of the shared tier"))
            }
            Through::Tenant if !is_flex && !is_tenant => {
                Some((WRONG_CLUSTER_KIND, "is not a cluster of the shared tier"))
            }
            _ => None,
        };
        match refused {
            None => Ok(()),
            Some((code, problem)) => {
                let detail = format!("Cluster {name} {problem}.");
                Err(refuse::bad_request(code, detail, &[name]))
            }
        }
    }

    /// Refuses changes of a cluster that is being deleted. Its backups outlive it.
    pub(crate) fn check_is_not_deleting(&self, call: &Call<'_>) -> Result<(), ApiError> {
        let adds = matches!(
            call.operation.method(),
            Method::POST | Method::PUT | Method::PATCH
        );
        if !adds {
            return Ok(());
        }
        let project = call.path("groupId");
        let below =
            call.plan.segments.len() > CLUSTER_SEGMENTS || call.operation.path().contains("}:");
        let is_restore = call.whole_key().contains("/backup/restoreJobs");
        let own = Some(call.path("clusterName"))
            .filter(|_| below && !is_restore)
            .map(|name| (project, name));
        let elsewhere = call.text("targetGroupId").or(call.text("targetProjectId"));
        let targets = ["targetClusterName", "targetDeploymentItemName"].map(|field| {
            let name = call.text(field)?;
            Some((elsewhere.unwrap_or(project), name))
        });
        let is_deleting = |(project, name): &(&str, &str)| {
            let keys = [cluster_key(project, name), flex_key(project, name)];
            let found = keys.iter().filter_map(|key| self.store.get(key));
            found
                .filter_map(|it| it.text("stateName"))
                .any(|state| state == "DELETING")
        };
        let mut clusters = own.into_iter().chain(targets.into_iter().flatten());
        let Some((_, name)) = clusters.find(is_deleting) else {
            return Ok(());
        };
        let reason = format!("cluster {name} is being deleted");
        let detail = format!("Request refused: {reason}.");
        Err(refuse::bad_request(
            "ATLAS_GENERAL_ERROR",
            detail,
            &[&reason],
        ))
    }

    /// The backups of a cluster, accessed through operations of its kind.
    pub(crate) fn find(
        &mut self,
        project: &str,
        name: &str,
        through: Through,
    ) -> Result<&mut Backups, ApiError> {
        self.check_cluster(project, name, through)?;
        let kind = match through {
            Through::Flex => ClusterKind::Flex,
            _ => ClusterKind::ReplicaSet,
        };
        let entry = self.backups.entry((project.to_owned(), name.to_owned()));
        Ok(entry.or_insert_with(|| Backups::new(kind)))
    }
}

impl Backups {
    pub(crate) fn snapshot(&self, id: SnapshotId) -> Result<&Snapshot, ApiError> {
        self.snapshots
            .get(&id)
            .ok_or_else(|| refuse::missing("snapshot", id))
    }

    pub(crate) fn job(&self, id: RestoreJobId) -> Result<&Job, ApiError> {
        self.jobs
            .get(&id)
            .ok_or_else(|| refuse::missing("restore job", id))
    }
}

/// The response of Atlas to a shared-tier cluster in operations of dedicated clusters, or the
/// reverse, is not known; this code is the sandbox's own.
pub(crate) const WRONG_CLUSTER_KIND: &str = "CLUSTER_KIND_NOT_SUPPORTED";
