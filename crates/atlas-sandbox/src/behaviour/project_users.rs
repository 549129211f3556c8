//! The users of projects.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::api_keys::{names_in, role_names, roles_in, roles_without};
use crate::behaviour::invitations;
use crate::behaviour::users::{
    account, chosen, is_in_org, is_old, project_member, user_key, with_role,
};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("addGroupAccessUser", invite_or_add),
    documented("addGroupUserRole", add_role),
    documented("addGroupUsers", add),
    documented("getGroupUser", get),
    recorded("listGroupUsers", list),
    documented("removeGroupUser", remove),
    documented("removeGroupUserRole", remove_role),
    documented("updateGroupUserRoles", set_roles),
];

/// The user of a call, who has a role in its project.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<Value, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let id = call.path("userId");
    let user = sandbox.body(&user_key(id));
    if names_in(&user["roles"], "groupId", project).is_empty() {
        let detail = format!("User {id} is not in project {project}.");
        return Err(refuse::not_found(
            "USER_NOT_IN_GROUP",
            detail,
            &[id, project],
        ));
    }
    Ok(user)
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, user: &Value) -> Value {
    let project = call.path("groupId");
    project_member(call, user, project, &sandbox.org_of(project))
}

/// Whether a user is in a team that has a role in the project.
fn is_in_team(sandbox: &Sandbox, user: &Value, project: &str) -> bool {
    let teams = user["teamIds"].as_array().into_iter().flatten();
    let mut teams = teams.filter_map(Value::as_str);
    teams.any(|team| {
        let key = crate::store::key(["groups", project, "teams", team]);
        sandbox.store.contains(&key)
    })
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    let wanted = |user: &Value| {
        !names_in(&user["roles"], "groupId", project).is_empty()
            || (call.is_set("flattenTeams") && is_in_team(sandbox, user, project))
            || (call.is_set("includeOrgUsers") && is_in_org(user, &org))
    };
    let users = sandbox.users(wanted).into_iter();
    let members = if is_old(call) {
        users.map(|user| account(call, user)).collect()
    } else {
        let shown = users.map(|user| project_member(call, user, project, &org));
        shown.collect()
    };
    Ok(Answer::list(chosen(call, members)).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let user = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &user)))
}

/// Adds a user to a project, with an invitation to its organization if needed.
fn add(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    let name = call.text("username").unwrap_or_default();
    let mut user = sandbox.invited(call, &org, name)?;
    if names_in(&user["roles"], "orgId", &org).is_empty() {
        with_role(&mut user, "orgId", &org, "ORG_MEMBER", true);
    }
    for role in role_names(&call.body, "roles") {
        with_role(&mut user, "groupId", project, &role, true);
    }
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(shown(sandbox, call, &user)))
}

/// Adds a user of the organization to a project, or invites another user.
fn invite_or_add(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    let name = call.text("username").unwrap_or_default();
    let user = sandbox
        .user_named(name)
        .filter(|user| is_in_org(user, &org));
    let Some(mut user) = user.cloned() else {
        return invitations::to_org_of(sandbox, call, project);
    };
    for role in role_names(&call.body, "roles") {
        with_role(&mut user, "groupId", project, &role, true);
    }
    sandbox.keep_user(call, &user)?;
    Ok(Answer::empty())
}

fn set_roles(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let mut user = find(sandbox, call)?;
    let project = call.path("groupId");
    let names = role_names(&call.body, "groupRoles");
    let mut roles = roles_without(&user["roles"], "groupId", project);
    roles.extend(roles_in("groupId", project, &names));
    user["roles"] = roles.into();
    sandbox.keep_user(call, &user)?;
    Ok(Answer::one(json!({ "groupRoles": names })))
}

fn add_role(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_role(sandbox, call, true)
}

fn remove_role(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_role(sandbox, call, false)
}

fn change_role(sandbox: &mut Sandbox, call: &Call<'_>, adds: bool) -> Result<Answer, ApiError> {
    let mut user = find(sandbox, call)?;
    let role = call.text("groupRole").unwrap_or_default();
    with_role(&mut user, "groupId", call.path("groupId"), role, adds);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(shown(sandbox, call, &user)))
}

fn remove(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let mut user = find(sandbox, call)?;
    let project = call.path("groupId");
    user["roles"] = roles_without(&user["roles"], "groupId", project).into();
    sandbox.keep_user(call, &user)?;
    Ok(Answer::empty())
}
