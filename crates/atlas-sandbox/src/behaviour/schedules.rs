//! Backup schedules, which exist with their clusters.

use atlas_model::ApiError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::api::shape::made_id;
use crate::behaviour::{Behaviour, recorded};
use crate::find::{Through, cluster_key};
use crate::store::{self, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("deleteGroupClusterBackupSchedule", delete),
    recorded("getGroupClusterBackupSchedule", get),
    recorded("updateGroupClusterBackupSchedule", update),
];

/// The policy items of a new cluster: frequency and retention.
const ITEMS: [(&str, i64, &str, i64); 5] = [
    ("hourly", 6, "days", 7),
    ("daily", 1, "days", 7),
    ("weekly", 6, "weeks", 4),
    ("monthly", 40, "months", 12),
    ("yearly", 12, "years", 1),
];

/// The fields of requests that no response has.
const INSTRUCTIONS: [&str; 5] = [
    "deleteCopiedBackups",
    "deleteCopySnapshots",
    "deleteSnapshots",
    "updateCopySnapshots",
    "updateSnapshots",
];

/// The key of a cluster's schedule, and the cluster's id.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<(String, String), ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let key = cluster_key(project, name);
    let cluster = sandbox.body(&key);
    let id = cluster["id"].as_str().unwrap_or_default();
    if cluster["backupEnabled"] != true || super::clusters::document::is_tenant(&cluster) {
        let detail = format!("Cluster {id} of project {project} has no backups.");
        let code = "BACKUP_CONFIG_NOT_FOUND";
        return Err(refuse::not_found(code, detail, &[id, project]));
    }
    Ok((below(&below(&key, "backup"), "schedule"), id.to_owned()))
}

/// The schedule of a cluster; the default one until it is changed.
fn schedule(sandbox: &Sandbox, key: &str, id: &str) -> Value {
    if sandbox.store.contains(key) {
        return sandbox.body(key);
    }
    let items = ITEMS.iter().map(|(often, interval, unit, value)| {
        json!({
            "frequencyInterval": interval,
            "frequencyType": often,
            "id": item_id(id, often),
            "retentionUnit": unit,
            "retentionValue": value,
        })
    });
    json!({
        "autoExportEnabled": false,
        "copyPolicyItemsEnabled": false,
        "copySettings": [],
        "policies": [{"id": policy_id(id), "policyItems": items.collect::<Vec<_>>()}],
        "referenceHourOfDay": 0,
        "referenceMinuteOfHour": 0,
        "restoreWindowDays": 7,
        "useOrgAndGroupNamesInExportPrefix": false,
    })
}

fn policy_id(cluster: &str) -> String {
    made_id(&format!("{cluster} policy"))
}

fn item_id(cluster: &str, item: &str) -> String {
    made_id(&format!("{cluster} policy item {item}"))
}

fn answer(call: &Call<'_>, id: &str, mut schedule: Value) -> Answer {
    schedule["clusterId"] = id.into();
    schedule["clusterName"] = call.path("clusterName").into();
    schedule["nextSnapshot"] = next(&schedule, call.now).to_string().into();
    Answer::one(schedule)
}

/// The time of the next snapshot: the reference time, or a multiple of six hours after it.
fn next(schedule: &Value, now: Timestamp) -> Timestamp {
    let number = |name: &str| schedule[name].as_i64().unwrap_or(0);
    let minutes = number("referenceHourOfDay")
        .saturating_mul(60)
        .saturating_add(number("referenceMinuteOfHour"));
    let reference = minutes.saturating_mul(60);
    let since = now.as_second().saturating_sub(reference).rem_euclid(STEP);
    later(now, SignedDuration::from_secs(STEP - since))
}

/// Six hours, in seconds.
const STEP: i64 = 6 * 3600;

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, id) = find(sandbox, call)?;
    Ok(answer(call, &id, schedule(sandbox, &key, &id)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, id) = find(sandbox, call)?;
    let mut body = schedule(sandbox, &key, &id);
    let mut asked = store::object(&call.body);
    asked.retain(|name, value| !value.is_null() && !INSTRUCTIONS.contains(&name.as_str()));
    if let Some(Value::Array(policies)) = asked.get_mut("policies") {
        for policy in policies.iter_mut().filter(|policy| policy.is_object()) {
            if policy["id"].is_null() {
                policy["id"] = policy_id(&id).into();
            }
            let items = policy.get_mut("policyItems").and_then(Value::as_array_mut);
            let mut seen = Vec::new();
            for item in items.into_iter().flatten().filter(|item| item.is_object()) {
                let often = item["frequencyType"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let same = seen.iter().filter(|known| **known == often).count();
                item["id"] = match same {
                    0 => item_id(&id, &often),
                    more => item_id(&id, &format!("{often} {more}")),
                }
                .into();
                seen.push(often);
            }
        }
    }
    store::merge(&mut body, &Value::Object(asked));
    sandbox.write(&key, body.clone(), call)?;
    Ok(answer(call, &id, body))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, id) = find(sandbox, call)?;
    let mut body = schedule(sandbox, &key, &id);
    let policy = body["policies"][0]["id"].clone();
    body["policies"] = json!([{"id": policy, "policyItems": []}]);
    sandbox.write(&key, body.clone(), call)?;
    Ok(answer(call, &id, body))
}
