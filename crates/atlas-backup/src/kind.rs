//! What kind of cluster it is, by Atlas's own answers.

use std::pin::pin;

use atlas_model::api_error::code;
use atlas_model::cloud_backups::{ListBackupShardedClusters, ListBackupSnapshots, SnapshotKind};
use atlas_model::clusters::{ClusterDescription, ClusterType, GetCluster};
use atlas_model::flex_clusters::GetFlexCluster;
use atlas_model::{Answer, ClusterId, ClusterName, ProjectId};
use atlas_transport::Client;
use futures_util::TryStreamExt;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::about::{body, project_and_cluster, text};
use crate::error::Error;

/// What kind of cluster it is, which decides through which operations its backups are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClusterKind {
    /// Of the shared tier; its operations ended on 2026-01-22.
    Tenant,
    /// A Flex cluster.
    Flex,
    /// A dedicated replica set.
    Dedicated,
    /// A dedicated cluster with shards.
    Sharded,
}

impl std::fmt::Display for ClusterKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Tenant => "tenant",
            Self::Flex => "flex",
            Self::Dedicated => "dedicated",
            Self::Sharded => "sharded",
        })
    }
}

/// A cluster as Atlas knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: ClusterKind,
    /// Its id, which a cluster that is created again under the same name does not share; `None` if
    /// Atlas did not say or the cluster was deleted.
    pub(crate) id: Option<ClusterId>,
}

/// Asks Atlas what kind of cluster it is.
///
/// The cluster operations answer for all but Flex clusters, and refuse those with a code of their
/// own. Only if they know no such cluster are the Flex operations asked too. If neither knows it,
/// it may have been deleted: the backups of a dedicated cluster outlive it, and their list tells
/// its kind.
pub(crate) async fn ask(
    client: &Client,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<Known, Error> {
    let get = GetCluster::new(project, cluster.clone());
    let error = match client.send(&get).await {
        Ok(answer) => {
            let found = &answer.value;
            is_for(
                project,
                cluster,
                &answer,
                found.project_id,
                found.name.as_deref(),
            )?;
            let kind = kind(&answer)?;
            return Ok(Known { kind, id: found.id });
        }
        Err(error) => error,
    };
    let said = error
        .api_error()
        .and_then(|said| said.error_code.as_deref());
    if said == Some(code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API) {
        let kind = ClusterKind::Flex;
        return Ok(Known { kind, id: None });
    }
    if error.status() != Some(StatusCode::NOT_FOUND) || said == Some(code::GROUP_NOT_FOUND) {
        return Err(error.into());
    }
    let flex = GetFlexCluster::new(project, cluster.clone());
    match client.send(&flex).await {
        Ok(answer) => {
            let found = &answer.value;
            is_for(
                project,
                cluster,
                &answer,
                found.project_id,
                found.name.as_deref(),
            )?;
            let (kind, id) = (ClusterKind::Flex, found.id);
            return Ok(Known { kind, id });
        }
        Err(flex) if flex.status() == Some(StatusCode::NOT_FOUND) => {}
        // Whether there is such a Flex cluster is not known.
        Err(flex) => return Err(flex.into()),
    }
    match of_backups(client, project, cluster).await? {
        Some(kind) => Ok(Known { kind, id: None }),
        None => Err(error.into()),
    }
}

/// The id of a Flex cluster, which the refusal that tells its kind does not name.
pub(crate) async fn flex_id(
    client: &Client,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<Option<ClusterId>, Error> {
    let flex = GetFlexCluster::new(project, cluster.clone());
    let Some(answer) = unless_refused(client.send(&flex).await)? else {
        return Ok(None);
    };
    let found = &answer.value;
    is_for(
        project,
        cluster,
        &answer,
        found.project_id,
        found.name.as_deref(),
    )?;
    Ok(found.id)
}

/// The kind of a cluster that is no Flex cluster.
fn kind(answer: &Answer<ClusterDescription>) -> Result<ClusterKind, Error> {
    let body = body(answer)?;
    if !matches!(body["clusterType"], Value::Null | Value::String(_)) {
        return Err(Error::Unreadable);
    }
    let sharded = [ClusterType::Sharded, ClusterType::Geosharded];
    Ok(match &answer.value.cluster_type {
        _ if is_tenant(&body) => ClusterKind::Tenant,
        Some(kind) if sharded.contains(kind) => ClusterKind::Sharded,
        _ => ClusterKind::Dedicated,
    })
}

/// Whether a cluster is of the shared tier: every region of it runs on the provider `TENANT`. The
/// versions of the API put that in two places.
pub(crate) fn is_tenant(body: &Value) -> bool {
    let on_tenant = |value: &Value| value["providerName"] == "TENANT";
    if !body["providerSettings"].is_null() {
        return on_tenant(&body["providerSettings"]);
    }
    let specs = body["replicationSpecs"].as_array().into_iter().flatten();
    let mut regions = specs
        .filter_map(|spec| spec["regionConfigs"].as_array())
        .flatten()
        .peekable();
    regions.peek().is_some() && regions.all(on_tenant)
}

/// The kind of a cluster that was deleted, by the snapshots that are left of it.
async fn of_backups(
    client: &Client,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<Option<ClusterKind>, Error> {
    let mut snapshots = pin!(client.items(ListBackupSnapshots::new(project, cluster.clone())));
    if let Some(snapshot) = unless_refused(snapshots.try_next().await)?.flatten() {
        return Ok(Some(match snapshot.kind {
            Some(SnapshotKind::ShardedCluster) => ClusterKind::Sharded,
            _ => ClusterKind::Dedicated,
        }));
    }
    // Sharded clusters have a list of their own.
    let sharded = ListBackupShardedClusters::new(project, cluster.clone());
    let sharded = unless_refused(client.send(&sharded).await)?;
    let left = sharded.is_some_and(|answer| !answer.value.items().is_empty());
    Ok(left.then_some(ClusterKind::Sharded))
}

/// `None` if Atlas refused: then the backups tell nothing, and the first error stands. Any other
/// failure leaves the question open.
fn unless_refused<T>(
    asked: Result<T, atlas_transport::Error>,
) -> Result<Option<T>, atlas_transport::Error> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.status() {
            Some(status) if status.is_client_error() && !error.is_transient() => Ok(None),
            _ => Err(error),
        },
    }
}

/// Checks that an answer is for the cluster that was asked for, by its type and by its text.
fn is_for<R>(
    project: ProjectId,
    cluster: &ClusterName,
    answer: &Answer<R>,
    found_project: Option<ProjectId>,
    found_cluster: Option<&str>,
) -> Result<(), Error> {
    let body = body(answer)?;
    let found_project = found_project.map(|id| id.to_string());
    project_and_cluster(project, cluster, found_project.as_deref(), found_cluster)?;
    let (found_project, found_cluster) = (text(&body["groupId"]), text(&body["name"]));
    project_and_cluster(
        project,
        cluster,
        found_project.as_deref(),
        found_cluster.as_deref(),
    )
}
