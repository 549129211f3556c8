//! The bodies of requests, with what a caller may set: a field that none of them has is refused
//! here, and [`crate::lenient`] tries again without it.
//!
//! An array is read as the fields in their order, as serde has it; `default` lets it be shorter.

use std::fmt;
use std::num::NonZeroU32;

use atlas_model::cloud_backups::{BackupDeliveryType, BackupSnapshotRetentionRetentionUnit};
use atlas_model::shared::{self, CloudProvider};
use atlas_model::{ClusterName, CompactString, DeploymentItemName, ProjectId, SnapshotId};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Which snapshot to download or restore, and for which cluster.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TenantRestoreRequest {
    pub(crate) snapshot_id: SnapshotId,
    /// Required by the API for a download too, where nothing is written to it.
    pub(crate) target_deployment_item_name: DeploymentItemName,
    #[serde(default)]
    pub(crate) target_project_id: Option<ProjectId>,
}

/// Which snapshot of a Flex cluster to download.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FlexDownloadRequest {
    pub(crate) snapshot_id: SnapshotId,
}

/// Which snapshot of a Flex cluster to restore, and over which cluster.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FlexRestoreRequest {
    pub(crate) snapshot_id: SnapshotId,
    pub(crate) target_deployment_item_name: DeploymentItemName,
    #[serde(default)]
    pub(crate) target_project_id: Option<ProjectId>,
}

/// The Flex cluster to create.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FlexClusterRequest {
    pub(crate) name: ClusterName,
    #[expect(dead_code, reason = "checked, not heeded")]
    provider_settings: FlexProviderRequest,
    #[serde(default)]
    pub(crate) tags: Option<Vec<ResourceTag>>,
    #[serde(default)]
    pub(crate) termination_protection_enabled: Option<bool>,
}

/// Where a Flex cluster is to run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "checked, not heeded")]
struct FlexProviderRequest {
    #[serde(deserialize_with = "documented")]
    backing_provider_name: CloudProvider,
    region_name: CompactString,
}

/// What of a Flex cluster to change; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FlexClusterUpdate {
    #[serde(default)]
    pub(crate) tags: Option<Vec<ResourceTag>>,
    #[serde(default)]
    pub(crate) termination_protection_enabled: Option<bool>,
}

/// A tag of a cluster.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ResourceTag {
    key: CompactString,
    value: CompactString,
}

impl From<ResourceTag> for shared::ResourceTag {
    fn from(tag: ResourceTag) -> Self {
        let mut shown = Self::default();
        shown.key = Some(tag.key);
        shown.value = Some(tag.value);
        shown
    }
}

/// What to restore of a dedicated cluster, and where to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RestoreJobRequest {
    #[serde(deserialize_with = "documented")]
    pub(crate) delivery_type: BackupDeliveryType,
    #[serde(default)]
    #[expect(dead_code, reason = "checked, not heeded")]
    oplog_inc: Option<i32>,
    #[serde(default)]
    #[expect(dead_code, reason = "checked, not heeded")]
    oplog_ts: Option<i32>,
    #[serde(default, rename = "pointInTimeUTCSeconds")]
    #[expect(dead_code, reason = "checked, not heeded")]
    point_in_time: Option<i32>,
    #[serde(default)]
    pub(crate) snapshot_id: Option<SnapshotId>,
    /// The cluster that is written over.
    #[serde(default)]
    pub(crate) target_cluster_name: Option<ClusterName>,
    /// The project of that cluster.
    #[serde(default, rename = "targetGroupId")]
    pub(crate) target_project_id: Option<ProjectId>,
}

/// The snapshot to take.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OnDemandSnapshotRequest {
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) retention_in_days: Option<NonZeroU32>,
}

/// How long a snapshot is to be kept.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SnapshotRetention {
    #[serde(deserialize_with = "documented")]
    pub(crate) retention_unit: BackupSnapshotRetentionRetentionUnit,
    pub(crate) retention_value: i32,
}

/// A text that is one of those documented.
trait Documented: for<'a> From<&'a str> {
    const TEXTS: &'static [&'static str];
}

macro_rules! documented {
    ($($type:ty),*) => {$(
        impl Documented for $type {
            const TEXTS: &'static [&'static str] = <$type>::DOCUMENTED;
        }
    )*};
}

documented!(
    BackupDeliveryType,
    BackupSnapshotRetentionRetentionUnit,
    CloudProvider
);

/// Reads a value strictly: what is not documented is refused.
fn documented<'de, T: Documented, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text;

    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }

    let text = deserializer.deserialize_str(Text)?;
    if T::TEXTS.contains(&text.as_str()) {
        return Ok(T::from(&text));
    }
    Err(Error::custom(format!("is none of {}", T::TEXTS.join(", "))))
}
