//! Detects the kind of a cluster from the responses of Atlas.

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

/// The kind of a cluster, which decides which operations its backups need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClusterKind {
    /// A cluster of the shared tier; its operations ended on 2026-01-22.
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

/// A cluster as Atlas describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: ClusterKind,
    /// Its id, which differs from that of another cluster of the same name; `None` if Atlas did not
    /// report it or the cluster was deleted.
    pub(crate) id: Option<ClusterId>,
}

/// Requests the kind of a cluster.
///
/// The cluster operations work for all kinds but Flex clusters, which they refuse with a specific
/// code. Only if they do not find the cluster are the Flex operations tried. If neither finds it,
/// it may have been deleted: the backups of a dedicated cluster outlive it, and their list reveals
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
        // It is unknown whether such a Flex cluster exists.
        Err(flex) => return Err(flex.into()),
    }
    match of_backups(client, project, cluster).await? {
        Some(kind) => Ok(Known { kind, id: None }),
        None => Err(error.into()),
    }
}

/// The id of a Flex cluster, which the refusal of the cluster operations does not contain.
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

/// The kind of a cluster that is not a Flex cluster.
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

/// Whether a cluster belongs to the shared tier: all of its regions have the provider `TENANT`,
/// which is in one of two places depending on the API version.
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

/// The kind of a deleted cluster, by its remaining snapshots.
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
    // Sharded clusters have a separate list.
    let sharded = ListBackupShardedClusters::new(project, cluster.clone());
    let sharded = unless_refused(client.send(&sharded).await)?;
    let left = sharded.is_some_and(|answer| !answer.value.items().is_empty());
    Ok(left.then_some(ClusterKind::Sharded))
}

/// `None` if Atlas refused the request: then the backups reveal nothing, and the first error is
/// returned. Any other failure is an error of its own.
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

/// Checks that a response is for the requested cluster, by its typed fields and by its text.
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
