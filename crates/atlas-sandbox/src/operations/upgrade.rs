//! The body of `tenantGroupFlexClusterUpgrade`.

use atlas_model::ClusterName;
use serde::Deserialize;
use serde_json::Value;

/// The dedicated cluster that a Flex cluster is to become.
///
/// Only the name is required. What else a dedicated cluster can be told stands under the API's
/// names: it is checked for its place, not for its content.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "checked, not heeded")]
pub(crate) struct TenantUpgradeRequest {
    pub(crate) name: ClusterName,
    #[serde(default)]
    accept_data_risks_and_force_replica_set_reconfig: Option<Value>,
    #[serde(default)]
    adaptive_capacity: Option<Value>,
    #[serde(default)]
    advanced_configuration: Option<Value>,
    #[serde(default)]
    backup_enabled: Option<Value>,
    #[serde(default)]
    bi_connector: Option<Value>,
    #[serde(default)]
    cluster_type: Option<Value>,
    #[serde(default)]
    config_server_management_mode: Option<Value>,
    #[serde(default)]
    connection_strings: Option<Value>,
    #[serde(default)]
    disk_warming_mode: Option<Value>,
    #[serde(default)]
    encryption_at_rest_provider: Option<Value>,
    #[serde(default)]
    global_cluster_self_managed_sharding: Option<Value>,
    #[serde(default)]
    labels: Option<Value>,
    #[serde(default, rename = "mongoDBEmployeeAccessGrant")]
    mongodb_employee_access_grant: Option<Value>,
    #[serde(default, rename = "mongoDBMajorVersion")]
    mongodb_major_version: Option<Value>,
    #[serde(default)]
    paused: Option<Value>,
    #[serde(default)]
    pit_enabled: Option<Value>,
    #[serde(default)]
    redact_client_log_data: Option<Value>,
    #[serde(default)]
    replica_set_scaling_strategy: Option<Value>,
    #[serde(default)]
    replication_specs: Option<Value>,
    #[serde(default)]
    retain_backups: Option<Value>,
    #[serde(default)]
    root_cert_type: Option<Value>,
    #[serde(default)]
    tags: Option<Value>,
    #[serde(default)]
    termination_protection_enabled: Option<Value>,
    #[serde(default)]
    use_aws_time_based_snapshot_copy_for_fast_initial_sync: Option<Value>,
    #[serde(default)]
    version_release_system: Option<Value>,
}
