//! Invitations to organizations and projects.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::{org_key, project_key};
use crate::api::refuse;
use crate::behaviour::api_keys::role_names;
use crate::behaviour::users::INVITATION;
use crate::behaviour::{Behaviour, recorded};
use crate::store::{Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupInvite", create),
    recorded("createOrgInvite", create),
    recorded("deleteGroupInvite", delete),
    recorded("deleteOrgInvite", delete),
    recorded("getGroupInvite", get),
    recorded("getOrgInvite", get),
    recorded("listGroupInvites", list),
    recorded("listOrgInvites", list),
    recorded("updateGroupInviteById", update),
    recorded("updateGroupInvites", update_by_name),
    recorded("updateOrgInviteById", update),
    recorded("updateOrgInvites", update_by_name),
];

/// The key of the invitations of a call, whose organization or project exists.
fn collection(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let owner = match call.path("groupId") {
        "" => {
            sandbox.check_org(call.path("orgId"))?;
            org_key(call.path("orgId"))
        }
        project => {
            sandbox.check_project(project)?;
            project_key(project)
        }
    };
    Ok(below(&owner, "invites"))
}

/// The key of the invitation of a call.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("invitationId");
    let key = below(&collection(sandbox, call)?, id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("invitation", id))
    }
}

/// A new invitation without its target.
fn new(sandbox: &mut Sandbox, call: &Call<'_>) -> Value {
    json!({
        "createdAt": call.now.to_string(),
        "expiresAt": later(call.now, INVITATION).to_string(),
        "id": sandbox.new_hex_id(),
        "inviterUsername": call.login,
        "username": call.text("username").unwrap_or_default(),
    })
}

/// Adds the organization to an invitation.
fn to_org(sandbox: &Sandbox, invitation: &mut Value, org: &str) {
    invitation["groupRoleAssignments"] = json!([]);
    invitation["orgId"] = org.into();
    invitation["orgName"] = sandbox.body(&org_key(org))["name"].clone();
    invitation["teamIds"] = json!([]);
}

/// Stores an invitation until it expires.
fn keep(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    collection: &str,
    invitation: &Value,
) -> Result<(), ApiError> {
    let key = below(collection, invitation["id"].as_str().unwrap_or_default());
    sandbox.write(&key, invitation.clone(), call)?;
    let ends = later(call.now, INVITATION);
    sandbox.store.schedule(ends, &key, Change::Remove);
    Ok(())
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let mut invitation = new(sandbox, call);
    match call.path("groupId") {
        "" => to_org(sandbox, &mut invitation, call.path("orgId")),
        project => {
            invitation["groupId"] = project.into();
            invitation["groupName"] = sandbox.body(&project_key(project))["name"].clone();
        }
    }
    set(call, &mut invitation);
    keep(sandbox, call, &collection, &invitation)?;
    Ok(Answer::exactly(invitation))
}

/// Invites a user to the organization of a project, with roles in that project.
pub(crate) fn to_org_of(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    project: &str,
) -> Result<Answer, ApiError> {
    let org = sandbox.org_of(project);
    let mut invitation = new(sandbox, call);
    to_org(sandbox, &mut invitation, &org);
    let roles = role_names(&call.body, "roles").into_iter();
    let roles = roles.map(|role| json!({"groupId": project, "groupRole": role}));
    invitation["groupRoleAssignments"] = roles.collect();
    invitation["roles"] = json!(["ORG_MEMBER"]);
    keep(
        sandbox,
        call,
        &below(&org_key(&org), "invites"),
        &invitation,
    )?;
    Ok(Answer::exactly(invitation))
}

/// Copies the roles and teams of a request into an invitation.
fn set(call: &Call<'_>, invitation: &mut Value) {
    if call.body["roles"].is_array() || invitation.get("roles").is_none() {
        invitation["roles"] = role_names(&call.body, "roles").into();
    }
    if invitation.get("orgId").is_none() {
        return;
    }
    if call.body["teamIds"].is_array() {
        invitation["teamIds"] = call.body["teamIds"].clone();
    }
    if let Some(assignments) = call.body["groupRoleAssignments"].as_array() {
        let assignments = assignments.iter().flat_map(|assignment| {
            let roles = role_names(assignment, "roles").into_iter();
            roles.map(|role| json!({"groupId": assignment["groupId"], "groupRole": role}))
        });
        invitation["groupRoleAssignments"] = assignments.collect();
    }
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let invitations = sandbox.store.children(&collection).into_iter();
    let invitations = invitations.map(|(_, invitation)| invitation.body.clone());
    let name = call.query("username");
    let wanted = |it: &Value| name.is_none_or(|name| it["username"] == name);
    Ok(Answer::list(invitations.filter(wanted).collect()).unshaped())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(change(sandbox, call, &key))
}

/// Changes the invitation of a user.
fn update_by_name(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let name = call.text("username").unwrap_or_default();
    let invitations = sandbox.store.children(&collection).into_iter();
    let mut of_name = invitations.filter(|(_, it)| it.text("username") == Some(name));
    let found = of_name.next_back().map(|(key, _)| key.to_owned());
    let key = found.ok_or_else(|| refuse::missing("invitation of", name))?;
    Ok(change(sandbox, call, &key))
}

fn change(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) -> Answer {
    let mut invitation = sandbox.body(key);
    set(call, &mut invitation);
    sandbox.store.merge(key, &invitation);
    Answer::exactly(invitation)
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
