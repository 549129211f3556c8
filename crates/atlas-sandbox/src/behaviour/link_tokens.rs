//! Tokens that link an organization to a self-managed deployment, for live migrations.

use atlas_model::ApiError;
use atlas_model::api_error::code;
use http::StatusCode;
use serde_json::json;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::org_key;
use crate::behaviour::{Behaviour, recorded};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createOrgLiveMigrationLinkToken", create),
    recorded("deleteOrgLiveMigrationLinkTokens", delete),
];

/// The key of the link of an organization, which has at most one.
fn link_key(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(below(&org_key(org), "liveMigrationLink"))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = link_key(sandbox, call)?;
    sandbox.write(&key, json!({}), call)?;
    let token = sandbox.next_token("link token");
    Ok(Answer::exactly(json!({ "linkToken": token })))
}

/// Removes the link. Without one, the error has null parameters, as recorded.
fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = link_key(sandbox, call)?;
    if sandbox.store.remove(&key).is_some() {
        return Ok(Answer::empty());
    }
    let detail = "The organization has no link to a self-managed deployment.";
    Err(ApiError::new(
        StatusCode::NOT_FOUND,
        code::UNEXPECTED_ERROR,
        detail,
    ))
}
