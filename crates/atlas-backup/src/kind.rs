//! What kind of cluster it is, by Atlas's own answers.

use atlas_model::api_error::code;
use atlas_model::{ClusterName, GetCluster, GetFlexCluster, ProjectId};
use atlas_transport::Client;
use http::StatusCode;
use serde::{Deserialize, Serialize};

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

/// Asks Atlas what kind of cluster it is.
///
/// The cluster operations answer for all but Flex clusters, and refuse those by a code of their
/// own. Only where they know no such cluster at all are the Flex operations asked too.
pub(crate) async fn ask(
    client: &Client,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<ClusterKind, Error> {
    let error = match client
        .send(&GetCluster::new(project, cluster.clone()))
        .await
    {
        Ok(answer) if answer.value.is_tenant() => return Ok(ClusterKind::Tenant),
        Ok(answer) if answer.value.is_sharded() => return Ok(ClusterKind::Sharded),
        Ok(_) => return Ok(ClusterKind::Dedicated),
        Err(error) => error,
    };
    let said = error
        .api_error()
        .and_then(|said| said.error_code.as_deref());
    if said == Some(code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API) {
        return Ok(ClusterKind::Flex);
    }
    if error.status() == Some(StatusCode::NOT_FOUND) && said != Some(code::GROUP_NOT_FOUND) {
        let flex = GetFlexCluster::new(project, cluster.clone());
        if client.send(&flex).await.is_ok() {
            return Ok(ClusterKind::Flex);
        }
    }
    Err(error.into())
}
