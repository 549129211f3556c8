//! Resource policies of organizations. They are stored but not evaluated, so no resource is ever
//! non-compliant.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::org_key;
use crate::api::refuse;
use crate::api::shape::made_id;
use crate::behaviour::{Behaviour, documented};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createOrgResourcePolicy", create),
    documented("deleteOrgResourcePolicy", delete),
    documented("getOrgResourcePolicy", get),
    documented("listOrgResourcePolicies", list),
    documented("updateOrgResourcePolicy", update),
    documented("validateOrgResourcePolicies", validate),
];

/// The maximum number of policies of an organization.
const MOST: usize = 50;

fn collection(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(below(&org_key(org), "resourcePolicies"))
}

fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("resourcePolicyId");
    let key = below(&collection(sandbox, call)?, id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("resource policy", id))
    }
}

/// The user who changes a policy.
fn author(call: &Call<'_>) -> Value {
    json!({"id": made_id(&call.login), "name": call.login})
}

/// The policy of a request, with generated ids.
fn policy(sandbox: &mut Sandbox, call: &Call<'_>) -> Value {
    json!({
        "createdByUser": author(call),
        "createdDate": call.now.to_string(),
        "description": call.text("description").unwrap_or_default(),
        "id": sandbox.new_hex_id(),
        "lastUpdatedByUser": author(call),
        "lastUpdatedDate": call.now.to_string(),
        "name": call.body["name"],
        "orgId": call.path("orgId"),
        "policies": policies(sandbox, call),
        "version": "v1",
    })
}

/// The policy texts of a request, each with an id.
fn policies(sandbox: &mut Sandbox, call: &Call<'_>) -> Vec<Value> {
    let asked = call.body["policies"].as_array().into_iter().flatten();
    asked
        .map(|policy| json!({"body": policy["body"], "id": sandbox.new_hex_id()}))
        .collect()
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    if sandbox.store.children(&collection).len() >= MOST {
        let most = MOST.to_string();
        let detail = format!("An organization may have at most {most} resource policies.");
        return Err(refuse::bad_request(
            "MAX_RESOURCE_POLICIES_REACHED",
            detail,
            &[&most],
        ));
    }
    let policy = policy(sandbox, call);
    let key = below(&collection, policy["id"].as_str().unwrap_or_default());
    sandbox.write(&key, policy.clone(), call)?;
    Ok(Answer::exactly(policy))
}

fn validate(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    collection(sandbox, call)?;
    Ok(Answer::exactly(policy(sandbox, call)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let policies = sandbox.store.children(&collection).into_iter();
    let policies = policies.map(|(_, policy)| policy.body.clone());
    Ok(Answer::list(policies.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut changed = json!({
        "lastUpdatedByUser": author(call),
        "lastUpdatedDate": call.now.to_string(),
    });
    for field in ["description", "name"] {
        if let Some(text) = call.text(field) {
            changed[field] = text.into();
        }
    }
    if call.body["policies"].is_array() {
        changed["policies"] = policies(sandbox, call).into();
    }
    sandbox.store.merge(&key, &changed);
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
