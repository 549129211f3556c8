//! Integrations with third-party services.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::masks::{mask, mask_end};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupIntegration", create),
    recorded("deleteGroupIntegration", delete),
    recorded("getGroupIntegration", get),
    recorded("listGroupIntegrations", list),
    documented("updateGroupIntegration", replace),
];

/// The project's integrations.
fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let collection = crate::store::below(&call.key(2), "integrations");
    let all = sandbox.store.children(&collection).into_iter();
    Ok(Answer::list(all.map(|(_, it)| it.body.clone()).collect()))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    Ok(Answer::one(sandbox.body(&key)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = call.whole_key();
    if sandbox.store.contains(&key) {
        let kind = call.path("integrationType");
        return Err(refuse::taken("integration", kind));
    }
    let id = sandbox.new_hex_id();
    sandbox.write(&key, document(call, &id), call)?;
    sandbox.writes += 1;
    list(sandbox, call)
}

fn replace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    let id = sandbox.body(&key)["id"].clone();
    let body = document(call, id.as_str().unwrap_or_default());
    if let Some(resource) = sandbox.store.get_mut(&key) {
        resource.body = body;
    }
    sandbox.writes += 1;
    list(sandbox, call)
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    sandbox.store.remove(&key);
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// An integration as it is stored: without its secrets.
fn document(call: &Call<'_>, id: &str) -> Value {
    let kind = call.path("integrationType");
    let mut body = call.body.clone();
    if !body.is_object() {
        body = json!({});
    }
    body["id"] = id.into();
    body["type"] = kind.into();
    if matches!(kind, "DATADOG" | "OPS_GENIE" | "PAGER_DUTY") && body.get("region").is_none() {
        body["region"] = "US".into();
    }
    if let Value::Object(fields) = &mut body {
        fields.remove("password");
        for (name, value) in fields.iter_mut() {
            let Some(text) = value.as_str() else { continue };
            let masked = match name.as_str() {
                "apiKey" | "apiToken" | "licenseKey" | "readToken" | "secret" | "serviceKey"
                | "writeToken" => mask(text),
                "microsoftTeamsWebhookUrl" | "url" => mask_end(text),
                _ => continue,
            };
            *value = masked.into();
        }
    }
    body
}
