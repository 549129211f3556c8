//! Online archives.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::absent;
use crate::api::refuse;
use crate::behaviour::{Behaviour, recorded};
use crate::find::{Through, cluster_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupClusterOnlineArchive", create),
    recorded("deleteGroupClusterOnlineArchive", delete),
    recorded("getGroupClusterOnlineArchive", get),
    recorded("listGroupClusterOnlineArchives", list),
    recorded("updateGroupClusterOnlineArchive", update),
];

/// The fields of the criteria that cannot change.
const FIXED: [&str; 3] = ["type", "dateField", "dateFormat"];

fn archives(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(below(&cluster_key(project, name), "onlineArchives"))
}

/// The key of the archive that the path names.
fn archive(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = below(&archives(sandbox, call)?, call.path("archiveId"));
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let archives = archives(sandbox, call)?;
    let id = sandbox.new_hex_id();
    let asked = store::object(&call.body);
    let mut body = json!({
        "_id": id,
        "clusterName": call.path("clusterName"),
        "collectionType": "STANDARD",
        "dataProcessRegion": {"cloudProvider": "AWS", "region": "US_EAST_1"},
        "groupId": call.path("groupId"),
        "partitionFields": partitions(&asked.get("criteria").cloned().unwrap_or_default()),
        "paused": false,
        "schedule": {"type": "DEFAULT"},
        "state": "PENDING",
    });
    store::merge(&mut body, &Value::Object(asked));
    body["paused"] = false.into();
    if body["criteria"]["type"].is_null() {
        body["criteria"]["type"] = "DATE".into();
    }
    let key = below(&archives, &id);
    sandbox.write(&key, body, call)?;
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"state": "ACTIVE"}));
    sandbox.store.schedule(at, &key, ready);
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// The default partition fields of documents.
fn partitions(criteria: &Value) -> Value {
    match criteria.get("dateField") {
        Some(field) => json!([{"fieldName": field, "fieldType": "date", "order": 0}]),
        None => json!([]),
    }
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let archives = archives(sandbox, call)?;
    let archives = sandbox.store.children(&archives).into_iter();
    let archives = archives.map(|(_, archive)| archive.body.clone());
    Ok(Answer::list(archives.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = archive(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = archive(sandbox, call)?;
    let mut body = sandbox.body(&key);
    let asked = store::object(&call.body);
    let criteria = asked.get("criteria").map(store::object).unwrap_or_default();
    let is_fixed = |field: &&str| {
        let asked = criteria.get(*field);
        asked.is_some_and(|asked| body["criteria"].get(*field) != Some(asked))
    };
    if FIXED.iter().any(is_fixed) {
        let detail = "A field of the online archive cannot be changed.";
        let code = "ONLINE_ARCHIVE_CANNOT_MODIFY_FIELD";
        return Err(refuse::bad_request(code, detail, &[]));
    }
    let paused = asked.get("paused").and_then(Value::as_bool);
    let state = body["state"].as_str().unwrap_or_default().to_owned();
    match paused {
        Some(true) if !matches!(state.as_str(), "ACTIVE" | "PAUSING" | "PAUSED") => {
            let detail = "Only an active online archive can be paused; wait until it is active.";
            let code = "ONLINE_ARCHIVE_MUST_BE_ACTIVE_TO_PAUSE";
            return Err(refuse::conflict(code, detail, &[]));
        }
        Some(true) => body["state"] = "PAUSED".into(),
        Some(false) if state == "PAUSED" => body["state"] = "ACTIVE".into(),
        _ => {}
    }
    for nested in ["criteria", "dataExpirationRule", "schedule"] {
        let Some(Value::Object(changed)) = asked.get(nested) else {
            continue;
        };
        let mut known = store::object(&body[nested]);
        if nested == "schedule" {
            known.clear();
        }
        known.extend(changed.clone());
        body[nested] = Value::Object(known);
    }
    if let Some(paused) = paused {
        body["paused"] = paused.into();
    }
    sandbox.store.merge(&key, &body);
    Ok(Answer::exactly(body))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = archive(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::braces())
}
