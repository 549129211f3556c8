//! The data model of a seed.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Seed {
    /// The schema reference for editors; ignored.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<String>,
    /// The number of ids that the world has generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) made: Option<Number>,
    pub(super) settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organizations: Option<Vec<Organization>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) logins: Vec<Login>,
    /// Those of the default world if omitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) projects: Option<Vec<Project>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) scheduled: Vec<Scheduled>,
    /// The counters in an exported world; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counters: Option<Value>,
}

/// The values of [`Sandbox`](crate::Sandbox)'s setters.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enforce_sunset: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit_rates: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) oauth_form: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_fidelity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce_seconds: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) download_seconds: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) download_pause_seconds: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restore_seconds: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provisioning_seconds: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failing_jobs: Option<Number>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Organization {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Login {
    pub(super) roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    /// One secret, or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<Secrets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    /// The path of the API key or service account in the resources that it logs in as, with its
    /// roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    /// The id of the organization or project to which its roles are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Secrets {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Project {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) clusters: Vec<Cluster>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    /// Whether only its backups exist.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) snapshots: Vec<Snapshot>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) jobs: Vec<Job>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    Tenant,
    Flex,
    ReplicaSet,
    Sharded(Number),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Snapshot {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) bytes: Number,
    /// The time of the request for it; omitted if it was taken by schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep_days: Option<Number>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) snapshot: String,
    pub(super) delivery: Delivery,
    pub(super) asked: String,
    /// The duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<Number>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) fails: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) cancelled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_project: Option<String>,
    /// The second and the increment of a point-in-time restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) point: Option<[i64; 2]>,
    /// The status in an exported world; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Delivery {
    Download,
    Automated,
    PointInTime,
}

impl Delivery {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Automated => "automated",
            Self::PointInTime => "pointInTime",
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    pub(super) body: Value,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Scheduled {
    pub(super) at: String,
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merge: Option<Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) remove: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde requires this signature"
)]
fn is_false(value: &bool) -> bool {
    !value
}
