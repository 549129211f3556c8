//! Custom database roles.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::project_settings::limit_of;
use crate::behaviour::{Behaviour, recorded};
use crate::store::{below, key, last};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupCustomDbRoleRole", create),
    recorded("deleteGroupCustomDbRoleRole", delete),
    recorded("getGroupCustomDbRoleRole", get),
    recorded("listGroupCustomDbRoleRoles", list),
    recorded("updateGroupCustomDbRoleRole", update),
];

fn collection(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    Ok(key(["groups", project, "customDBRoles", "roles"]))
}

fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let name = call.path("roleName");
    let key = below(&collection(sandbox, call)?, name);
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let detail = format!("There is no custom role {name}.");
    Err(refuse::not_found(
        "ATLAS_CUSTOM_ROLE_NOT_FOUND",
        detail,
        &[name],
    ))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let name = call.text("roleName").unwrap_or_default();
    let key = below(&collection, name);
    if sandbox.store.contains(&key) {
        let detail = format!("There is a custom role {name} already.");
        let code = "ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS";
        return Err(refuse::conflict(code, detail, &[name]));
    }
    let project = call.path("groupId");
    let most = limit_of(
        sandbox,
        project,
        "atlas.project.security.databaseAccess.customRoles",
    );
    if sandbox.store.children(&collection).len() >= most {
        let detail = format!("A project may have at most {most} custom roles.");
        let code = "CUSTOM_ROLES_LIMIT_EXCEEDED";
        return Err(refuse::error(
            http::StatusCode::FORBIDDEN,
            code,
            detail,
            &[],
        ));
    }
    let mut role = json!({"actions": [], "inheritedRoles": [], "roleName": name});
    crate::store::merge(&mut role, &call.body);
    sandbox.write(&key, role, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let roles = sandbox.store.children(&collection).into_iter();
    let roles = roles.map(|(_, role)| role.body.clone());
    Ok(Answer::list(roles.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.merge(&key, &call.body);
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Deletes a role, unless a database user would be left without one.
fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let name = call.path("roleName");
    let users = below(&project_key(call.path("groupId")), "databaseUsers");
    let has_only_it = |user: &Value| {
        let roles = user["roles"].as_array();
        roles.is_some_and(|roles| {
            !roles.is_empty() && roles.iter().all(|role| role["roleName"] == name)
        })
    };
    let left = ["admin", "$external"].iter().flat_map(|database| {
        let users = sandbox.store.children(&below(&users, database)).into_iter();
        let left = users.filter(|(_, user)| has_only_it(&user.body));
        left.map(|(key, _)| last(key)).collect::<Vec<_>>()
    });
    let left: Vec<String> = left.collect();
    if !left.is_empty() {
        let left = left.join(", ");
        let detail = format!("These users would be left without a role: {left}.");
        let code = "ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS";
        return Err(refuse::conflict(code, detail, &[&left]));
    }
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
