//! Encryption at rest with customer keys, and private endpoints to the key stores.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::absent;
use crate::behaviour::masks::forget_secrets;
use crate::behaviour::{Behaviour, documented};
use crate::store::{self, Change};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented(
        "createGroupEncryptionAtRestPrivateEndpoint",
        Sandbox::generic,
    ),
    documented("getGroupEncryptionAtRest", get),
    documented("getGroupEncryptionAtRestPrivateEndpoint", Sandbox::generic),
    documented(
        "listGroupEncryptionAtRestPrivateEndpoints",
        Sandbox::generic,
    ),
    documented(
        "requestGroupEncryptionAtRestPrivateEndpointDeletion",
        delete,
    ),
    documented("updateGroupEncryptionAtRest", update),
];

/// The key stores, each disabled until it is configured.
const STORES: [&str; 3] = ["awsKms", "azureKeyVault", "googleCloudKms"];

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let stored = sandbox.body(&call.whole_key());
    let mut body = json!({"enabledForSearchNodes": false});
    for name in STORES {
        body[name] = json!({"enabled": false});
    }
    store::merge(&mut body, &stored);
    for name in STORES {
        body[name]["valid"] = (body[name]["enabled"] == true).into();
    }
    Ok(Answer::exactly(body))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = call.whole_key();
    let mut change = Value::Object(store::object(&call.body));
    // The role is documented as a secret, but no response shows a key store without it.
    let role = change["awsKms"]["roleId"].clone();
    if let Some(schema) = call.version.request_schema() {
        forget_secrets(schema, &mut change);
    }
    let mut body = sandbox.body(&key);
    for (name, value) in change.as_object().into_iter().flatten() {
        match body.get_mut(name.as_str()).filter(|it| it.is_object()) {
            Some(known) if value.is_object() => store::merge(known, value),
            _ => body[name.as_str()] = value.clone(),
        }
    }
    if role.is_string() {
        body["awsKms"]["enabled"] = body["awsKms"]["enabled"].as_bool().unwrap_or(true).into();
    }
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    get(sandbox, call)
}

/// Starts the deletion of an endpoint; it can be read until it is gone.
fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = call.whole_key();
    if !sandbox.store.contains(&key) {
        return Err(absent(&key));
    }
    sandbox.store.unschedule(&key);
    sandbox.store.merge(&key, &json!({"status": "DELETING"}));
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Remove);
    sandbox.writes += 1;
    Ok(Answer::empty())
}
