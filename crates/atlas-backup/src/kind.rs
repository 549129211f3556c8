//! What kind of cluster it is, by Atlas's own answers.

use std::pin::pin;

use atlas_model::api_error::code;
use atlas_model::{
    ClusterId, ClusterName, GetCluster, GetFlexCluster, ListShardedSnapshots, ListSnapshots,
    ProjectId, Seen, SnapshotKind,
};
use atlas_transport::Client;
use futures_util::TryStreamExt;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::about::project_and_cluster;
use crate::error::Error;

/// What kind of cluster it is, which decides through which operations its backups are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    let answer = client.send(&get).await;
    if let Ok(answer) = &answer {
        let (found, name) = (&answer.value.project, &answer.value.name);
        is_for(project, cluster, found.as_ref(), name.as_ref())?;
    }
    let error = match answer {
        Ok(answer) => {
            let kind = match &answer.value {
                cluster if cluster.is_tenant() => ClusterKind::Tenant,
                cluster if cluster.is_sharded() => ClusterKind::Sharded,
                _ => ClusterKind::Dedicated,
            };
            let id = valid(answer.value.id.as_ref());
            return Ok(Known { kind, id });
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
            let (found, name) = (&answer.value.project, &answer.value.name);
            is_for(project, cluster, found.as_ref(), name.as_ref())?;
            let id = valid(answer.value.id.as_ref());
            let kind = ClusterKind::Flex;
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
    let (found, name) = (&answer.value.project, &answer.value.name);
    is_for(project, cluster, found.as_ref(), name.as_ref())?;
    Ok(valid(answer.value.id.as_ref()))
}

fn valid(id: Option<&Seen<ClusterId>>) -> Option<ClusterId> {
    id?.valid().copied()
}

/// The kind of a cluster that was deleted, by the snapshots that are left of it.
async fn of_backups(
    client: &Client,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<Option<ClusterKind>, Error> {
    let mut snapshots = pin!(client.items(ListSnapshots::new(project, cluster.clone())));
    if let Some(snapshot) = unless_refused(snapshots.try_next().await)?.flatten() {
        return Ok(Some(match snapshot.kind {
            Some(SnapshotKind::ShardedCluster) => ClusterKind::Sharded,
            _ => ClusterKind::Dedicated,
        }));
    }
    // Sharded clusters have a list of their own.
    let sharded = ListShardedSnapshots::new(project, cluster.clone());
    let sharded = unless_refused(client.send(&sharded).await)?;
    let left = sharded.is_some_and(|answer| !answer.value.items().is_empty());
    Ok(left.then_some(ClusterKind::Sharded))
}

/// `None` if Atlas refused: then the backups tell nothing, and the first error stands. Any other
/// failure leaves the question open.
fn unless_refused<T>(
    asked: Result<T, atlas_transport::Error>,
) -> Result<Option<T>, atlas_transport::Error> {
    let open = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.status() {
            Some(status) if status.is_client_error() && !open.contains(&status) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Checks that an answer is for the cluster that was asked for.
fn is_for(
    project: ProjectId,
    cluster: &ClusterName,
    found_project: Option<&Seen<ProjectId>>,
    found_cluster: Option<&Seen<ClusterName>>,
) -> Result<(), Error> {
    project_and_cluster(
        project,
        cluster,
        found_project.map(Seen::text).as_deref(),
        found_cluster.map(Seen::text).as_deref(),
    )
}
