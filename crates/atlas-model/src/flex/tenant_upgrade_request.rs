//! The body of `tenantGroupFlexClusterUpgrade`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ClusterName;

/// The dedicated cluster that a Flex cluster is to become.
///
/// Only the name is required. What else a dedicated cluster can be told is JSON here, under the
/// API's names: it is checked for its place, not for its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the API's own, unread")]
pub struct TenantUpgradeRequest {
    /// The cluster.
    pub name: ClusterName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_data_risks_and_force_replica_set_reconfig: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive_capacity: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advanced_configuration: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_enabled: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bi_connector: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_type: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_server_management_mode: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_strings: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_warming_mode: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_at_rest_provider: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_cluster_self_managed_sharding: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Value>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "mongoDBEmployeeAccessGrant"
    )]
    pub mongodb_employee_access_grant: Option<Value>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "mongoDBMajorVersion"
    )]
    pub mongodb_major_version: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pit_enabled: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact_client_log_data: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_set_scaling_strategy: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_specs: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain_backups: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cert_type: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_protection_enabled: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_aws_time_based_snapshot_copy_for_fast_initial_sync: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_release_system: Option<Value>,
}

impl TenantUpgradeRequest {
    /// Takes the required field.
    pub fn new(name: ClusterName) -> Self {
        Self {
            name,
            accept_data_risks_and_force_replica_set_reconfig: None,
            adaptive_capacity: None,
            advanced_configuration: None,
            backup_enabled: None,
            bi_connector: None,
            cluster_type: None,
            config_server_management_mode: None,
            connection_strings: None,
            disk_warming_mode: None,
            encryption_at_rest_provider: None,
            global_cluster_self_managed_sharding: None,
            labels: None,
            mongodb_employee_access_grant: None,
            mongodb_major_version: None,
            paused: None,
            pit_enabled: None,
            redact_client_log_data: None,
            replica_set_scaling_strategy: None,
            replication_specs: None,
            retain_backups: None,
            root_cert_type: None,
            tags: None,
            termination_protection_enabled: None,
            use_aws_time_based_snapshot_copy_for_fast_initial_sync: None,
            version_release_system: None,
        }
    }
}
