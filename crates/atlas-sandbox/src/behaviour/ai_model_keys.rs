//! Keys of projects for AI models, which the organization can list.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::store::{below, last};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupAiModelApiKey", create),
    documented("deleteGroupAiModelApiKey", delete),
    documented("getGroupAiModelApiKey", get),
    documented("getOrgAiModelApiKey", get),
    documented("listGroupAiModelApiKeys", list),
    documented("listOrgAiModelApiKeys", list),
    documented("updateGroupAiModelApiKey", update),
];

/// The maximum number of keys of a project.
const MOST: usize = 100;

fn collection(project: &str) -> String {
    below(&project_key(project), "aiModelApiKeys")
}

/// The projects of a call: its project, or those of its organization.
fn projects(sandbox: &Sandbox, call: &Call<'_>) -> Result<Vec<String>, ApiError> {
    let project = call.path("groupId");
    if !project.is_empty() {
        sandbox.check_project(project)?;
        return Ok(vec![project.to_owned()]);
    }
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let projects = sandbox.store.children("/groups").into_iter();
    let of_org = projects.filter(|(_, project)| project.text("orgId") == Some(org));
    Ok(of_org.map(|(key, _)| last(key)).collect())
}

fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("apiKeyId");
    let projects = projects(sandbox, call)?.into_iter();
    let mut keys = projects.map(|project| below(&collection(&project), id));
    let found = keys.find(|key| sandbox.store.contains(key));
    found.ok_or_else(|| refuse::missing("API key", id))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let collection = collection(project);
    if sandbox.store.children(&collection).len() >= MOST {
        let most = MOST.to_string();
        let detail = format!("A project may have at most {most} keys for AI models.");
        return Err(refuse::conflict(
            "MAX_AI_MODEL_API_KEYS_REACHED",
            detail,
            &[&most],
        ));
    }
    let id = sandbox.new_hex_id();
    let secret = format!("al-{}", sandbox.next_token("model key"));
    let last = secret.get(secret.len().saturating_sub(4)..);
    let body = json!({
        "apiKeyId": id,
        "cloud": call.text("cloud").unwrap_or("ANY"),
        "createdAt": call.now.to_string(),
        "createdBy": call.login,
        "endpoint": "https://ai.sandbox.example/v1",
        "geography": call.text("geography").unwrap_or("ANY"),
        "groupId": project,
        "maskedSecret": format!("al-****{}", last.unwrap_or_default()),
        "name": call.body["name"],
        "status": "ACTIVE",
    });
    sandbox.write(&below(&collection, &id), body.clone(), call)?;
    let mut answer = body;
    answer["secret"] = secret.into();
    Ok(Answer::exactly(answer))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let mut keys: Vec<Value> = Vec::new();
    for project in projects(sandbox, call)? {
        let collection = collection(&project);
        let of_project = sandbox.store.children(&collection).into_iter();
        keys.extend(of_project.map(|(_, key)| key.body.clone()));
    }
    Ok(Answer::list(keys).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    if let Some(name) = call.text("name") {
        sandbox.store.merge(&key, &json!({ "name": name }));
    }
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
