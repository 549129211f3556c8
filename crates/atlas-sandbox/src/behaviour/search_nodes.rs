//! Search nodes of clusters.

use atlas_model::ApiError;
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::api::shape::made_id;
use crate::behaviour::{Behaviour, recorded};
use crate::find::cluster_key;
use crate::store::{Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupClusterSearchDeployment", create),
    recorded("deleteGroupClusterSearchDeployment", delete),
    recorded("getGroupClusterSearchDeployment", get),
    recorded("updateGroupClusterSearchDeployment", update),
];

/// The key of the search nodes of a cluster. These operations have their own error for an unknown
/// cluster.
fn nodes(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_project(project)?;
    let key = cluster_key(project, name);
    if sandbox.store.contains(&key) {
        return Ok(below(&below(&key, "search"), "deployment"));
    }
    let problem = format!("there is no cluster {name}");
    let detail = format!("Invalid attribute clusterName: {problem}.");
    let code = "ATLAS_SEARCH_DEPLOYMENT_INVALID_ATTRIBUTE";
    Err(refuse::bad_request(
        code,
        detail,
        &["clusterName", &problem],
    ))
}

/// The key of existing search nodes.
fn known(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = nodes(sandbox, call)?;
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let name = call.path("clusterName");
    let detail = format!("Cluster {name} has no search nodes.");
    let code = "ATLAS_SEARCH_DEPLOYMENT_DOES_NOT_EXIST";
    Err(refuse::bad_request(code, detail, &[name]))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = nodes(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = nodes(sandbox, call)?;
    let name = call.path("clusterName");
    if sandbox.store.contains(&key) {
        let detail = format!("Cluster {name} has search nodes already.");
        let code = "ATLAS_SEARCH_DEPLOYMENT_DUPLICATE";
        return Err(refuse::bad_request(code, detail, &[name]));
    }
    let id = sandbox.new_hex_id();
    let mut body = json!({
        "encryptionAtRestProvider": "NONE",
        "groupId": call.path("groupId"),
        "id": id,
        "stateName": "UPDATING",
    });
    put_specs(sandbox, call, &mut body);
    sandbox.write(&key, body, call)?;
    ready_later(sandbox, call, &key);
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Stores the specifications of a request; they apply to each shard of the cluster.
fn put_specs(sandbox: &Sandbox, call: &Call<'_>, body: &mut Value) {
    let Some(specs) = call.body.get("specs") else {
        return;
    };
    body["specs"] = specs.clone();
    let cluster = sandbox.body(&cluster_key(call.path("groupId"), call.path("clusterName")));
    let shards = cluster["replicationSpecs"].as_array();
    let effective = shards.into_iter().flatten().map(|shard| {
        json!({
            "replicationSpecId": shard["id"],
            "shardId": made_id(shard["id"].as_str().unwrap_or_default()),
            "specs": specs,
        })
    });
    body["effectiveSpecs"] = effective.collect();
}

fn ready_later(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) {
    sandbox.store.unschedule(key);
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"stateName": "IDLE"}));
    sandbox.store.schedule(at, key, ready);
}

/// The response still has the state `IDLE`; later reads have `UPDATING`.
fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = known(sandbox, call)?;
    let mut body = sandbox.body(&key);
    put_specs(sandbox, call, &mut body);
    body["stateName"] = "UPDATING".into();
    sandbox.store.merge(&key, &body);
    ready_later(sandbox, call, &key);
    body["stateName"] = "IDLE".into();
    Ok(Answer::exactly(body))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = known(sandbox, call)?;
    sandbox.store.remove(&key);
    let status = match call.version.name.as_str() {
        "2023-01-01" => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    Ok(Answer::empty().status(status))
}
