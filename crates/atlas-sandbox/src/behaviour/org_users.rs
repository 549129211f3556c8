//! The users of organizations.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::api_keys::{role_names, roles_in, roles_without};
use crate::behaviour::users::{account, chosen, is_in_org, is_old, member, with_role};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{below, key};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("addOrgUserRole", add_role),
    documented("createOrgUser", invite),
    documented("getOrgUser", get_in_org),
    recorded("listOrgUsers", list_of_org),
    documented("removeOrgUser", remove_from_org),
    documented("removeOrgUserRole", remove_role),
    documented("updateOrgUser", update_in_org),
    documented("updateOrgUserRoles", set_org_roles),
];

fn list_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let users = sandbox.users(|user| is_in_org(user, org)).into_iter();
    let members = if is_old(call) {
        users.map(|user| account(call, user)).collect()
    } else {
        users.map(|user| member(sandbox, call, user, org)).collect()
    };
    Ok(Answer::list(chosen(call, members)).unshaped())
}

fn get_in_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    let user = sandbox.org_user(org, call.path("userId"))?;
    Ok(Answer::exactly(member(sandbox, call, &user, org)))
}

/// Invites a user to an organization, with roles in it and its projects, and teams.
fn invite(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let name = call.text("username").unwrap_or_default();
    if sandbox
        .user_named(name)
        .is_some_and(|user| is_in_org(user, org))
    {
        let detail = format!("User {name} is in organization {org} already.");
        return Err(refuse::conflict(
            "USER_ALREADY_IN_ORG",
            detail,
            &[name, org],
        ));
    }
    let mut user = sandbox.invited(call, org, name)?;
    give(sandbox, call, &mut user, org);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(member(sandbox, call, &user, org)))
}

/// Assigns the roles and teams of a request to a user.
fn give(sandbox: &Sandbox, call: &Call<'_>, user: &mut Value, org: &str) {
    let asked = &call.body["roles"];
    if asked["orgRoles"].is_array() {
        let mut roles = roles_without(&user["roles"], "orgId", org);
        roles.extend(roles_in("orgId", org, &role_names(asked, "orgRoles")));
        user["roles"] = roles.into();
    }
    if let Some(assignments) = asked["groupRoleAssignments"].as_array() {
        let kept = user["roles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|role| {
                let project = role["groupId"].as_str();
                project.is_none_or(|project| sandbox.org_of(project) != org)
            });
        let mut roles: Vec<Value> = kept.cloned().collect();
        for assignment in assignments {
            let project = assignment["groupId"].as_str().unwrap_or_default();
            roles.extend(roles_in(
                "groupId",
                project,
                &role_names(assignment, "groupRoles"),
            ));
        }
        user["roles"] = roles.into();
    }
    if call.body["teamIds"].is_array() {
        user["teamIds"] = call.body["teamIds"].clone();
    }
}

fn update_in_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    let mut user = sandbox.org_user(org, call.path("userId"))?;
    give(sandbox, call, &mut user, org);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(member(sandbox, call, &user, org)))
}

fn set_org_roles(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    let mut user = sandbox.org_user(org, call.path("userId"))?;
    let names = role_names(&call.body, "orgRoles");
    let mut roles = roles_without(&user["roles"], "orgId", org);
    roles.extend(roles_in("orgId", org, &names));
    user["roles"] = roles.into();
    sandbox.keep_user(call, &user)?;
    Ok(Answer::one(json!({ "orgRoles": names })))
}

fn add_role(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_role(sandbox, call, true)
}

fn remove_role(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_role(sandbox, call, false)
}

fn change_role(sandbox: &mut Sandbox, call: &Call<'_>, adds: bool) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    let mut user = sandbox.org_user(org, call.path("userId"))?;
    let role = call.text("orgRole").unwrap_or_default();
    with_role(&mut user, "orgId", org, role, adds);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(member(sandbox, call, &user, org)))
}

/// Removes a user from an organization, its projects and its teams.
fn remove_from_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    let mut user = sandbox.org_user(org, call.path("userId"))?;
    let roles = user["roles"].as_array().into_iter().flatten();
    let kept = roles.filter(|role| {
        let project = role["groupId"].as_str();
        role["orgId"] != org && project.is_none_or(|project| sandbox.org_of(project) != org)
    });
    user["roles"] = kept.cloned().collect();
    let teams = below(&key(["orgs", org]), "teams");
    let ids = user["teamIds"].as_array().into_iter().flatten();
    let kept = ids.filter(|id| {
        let id = id.as_str().unwrap_or_default();
        !sandbox.store.contains(&below(&teams, id))
    });
    user["teamIds"] = kept.cloned().collect();
    if let Some(invitations) = user["invitations"].as_object_mut() {
        invitations.remove(org);
    }
    sandbox.keep_user(call, &user)?;
    Ok(Answer::empty())
}
