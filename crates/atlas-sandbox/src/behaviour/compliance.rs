//! The backup compliance policy of a project.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::shape::made_id;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("disableGroupBackupCompliancePolicy", disable),
    recorded("getGroupBackupCompliancePolicy", get),
    recorded("updateGroupBackupCompliancePolicy", put),
];

fn policy(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    Ok(below(&project_key(project), "backupCompliancePolicy"))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = policy(sandbox, call)?;
    if sandbox.store.contains(&key) {
        return Ok(Answer::exactly(sandbox.body(&key)));
    }
    // The response of Atlas before a policy exists was not recorded.
    sandbox.generic(call)
}

fn put(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = policy(sandbox, call)?;
    let former = sandbox.body(&key);
    let state = match former["state"].as_str() {
        None | Some("ENABLING") => "ENABLING",
        Some(_) => "UPDATING",
    };
    let project = call.path("groupId");
    let mut body = json!({
        "copyProtectionEnabled": false,
        "encryptionAtRestEnabled": false,
        "pitEnabled": false,
        "restoreWindowDays": 0,
        "scheduledPolicyItems": [],
    });
    store::merge(&mut body, &Value::Object(store::object(&call.body)));
    let items = body["scheduledPolicyItems"].as_array_mut();
    for (index, item) in items.into_iter().flatten().enumerate() {
        if item.is_object() {
            item["id"] = made_id(&format!("{key} item {index}")).into();
        }
    }
    if body["onDemandPolicyItem"].is_object() {
        body["onDemandPolicyItem"]["id"] = made_id(&format!("{key} on demand")).into();
    } else {
        body["onDemandPolicyItem"] = Value::Null;
    }
    body["deletable"] = false.into();
    body["projectId"] = project.into();
    body["state"] = state.into();
    body["updatedDate"] = call.now.to_string().into();
    body["updatedUser"] = call.login.clone().into();
    sandbox.store.unschedule(&key);
    sandbox.write(&key, body.clone(), call)?;
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"state": "ACTIVE"}));
    sandbox.store.schedule(at, &key, ready);
    Ok(Answer::exactly(body))
}

fn disable(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = policy(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
