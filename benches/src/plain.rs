//! The documented bodies as structs of `String`s, as most clients declare them.

use serde::{Deserialize, Serialize};

/// The documented response.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of `TenantRestore`")]
pub struct PlainRestore {
    pub cluster_name: Option<String>,
    pub delivery_type: Option<String>,
    pub expiration_date: Option<String>,
    pub id: Option<String>,
    pub links: Option<Vec<PlainLink>>,
    pub project_id: Option<String>,
    pub restore_finished_date: Option<String>,
    pub restore_scheduled_date: Option<String>,
    pub snapshot_finished_date: Option<String>,
    pub snapshot_id: Option<String>,
    pub snapshot_url: Option<String>,
    pub status: Option<String>,
    pub target_deployment_item_name: Option<String>,
    pub target_project_id: Option<String>,
}

/// A link.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of `Link`")]
pub struct PlainLink {
    pub href: Option<String>,
    pub rel: Option<String>,
}

/// The documented request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of `TenantRestore`")]
pub struct PlainRequest {
    pub snapshot_id: String,
    pub target_deployment_item_name: String,
    pub target_project_id: Option<String>,
}

/// A documented error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of `ApiError`")]
pub struct PlainApiError {
    pub error: u16,
    pub detail: Option<String>,
    pub reason: Option<String>,
    pub error_code: String,
}
