//! Teams of organizations, and their roles in projects.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::{org_key, project_key};
use crate::api::refuse;
use crate::behaviour::api_keys::role_names;
use crate::behaviour::users::{account, chosen, is_in_org, is_old, member, unknown};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("addGroupTeams", add_to_project),
    documented("addOrgTeamUser", add_user),
    recorded("addOrgTeamUsers", add_users),
    recorded("createOrgTeam", create),
    recorded("deleteOrgTeam", delete),
    documented("getGroupTeam", get_in_project),
    recorded("getOrgTeam", get),
    recorded("getOrgTeamByName", get_by_name),
    recorded("listGroupTeams", list_of_project),
    recorded("listOrgTeamUsers", list_users),
    recorded("listOrgTeams", list),
    recorded("removeGroupTeam", remove_from_project),
    documented("removeOrgTeamUser", remove_user_by_body),
    recorded("removeOrgTeamUserFromTeam", remove_user),
    recorded("renameOrgTeam", rename),
    recorded("updateGroupTeam", update_in_project),
];

/// The maximum number of users that a request adds to a team.
const MOST_USERS: usize = 250;

fn collection(org: &str) -> String {
    below(&org_key(org), "teams")
}

/// The key of the team of a call of an organization.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    known(sandbox, org, call.path("teamId"))
}

fn known(sandbox: &Sandbox, org: &str, id: &str) -> Result<String, ApiError> {
    let key = below(&collection(org), id);
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let detail = format!("There is no team {id}.");
    Err(refuse::not_found("TEAM_NOT_FOUND", detail, &[id]))
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    linked(call, key, sandbox.body(key))
}

/// The members of a team.
fn members<'a>(sandbox: &'a Sandbox, team: &str) -> Vec<&'a Value> {
    sandbox.users(|user| is_in(user, team))
}

fn is_in(user: &Value, team: &str) -> bool {
    let teams = user["teamIds"].as_array().into_iter().flatten();
    teams.into_iter().any(|known| known == team)
}

/// Adds a user to a team, or removes the user.
fn set(user: &mut Value, team: &str, is_in_it: bool) {
    let teams = user["teamIds"].as_array().into_iter().flatten();
    let mut teams: Vec<Value> = teams.filter(|known| *known != team).cloned().collect();
    if is_in_it {
        teams.push(team.into());
    }
    user["teamIds"] = teams.into();
}

/// Refuses a name that another team of the organization has.
fn check_name(sandbox: &Sandbox, org: &str, name: &str, own: &str) -> Result<(), ApiError> {
    let collection = collection(org);
    let teams = sandbox.store.children(&collection);
    let taken = |(key, team): &(&str, &crate::store::Resource)| {
        team.text("name") == Some(name) && *key != own
    };
    if !teams.iter().any(taken) {
        return Ok(());
    }
    let detail = format!("There is a team {name} in organization {org} already.");
    Err(refuse::conflict(
        "TEAM_NAME_NOT_AVAILABLE",
        detail,
        &[name, org],
    ))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let name = call.text("name").unwrap_or_default();
    check_name(sandbox, org, name, "")?;
    let asked = call.body["usernames"].as_array().into_iter().flatten();
    let names = asked.filter_map(Value::as_str).take(MOST_USERS);
    let users: Result<Vec<Value>, ApiError> = names
        .map(|name| {
            let user = sandbox.user_named(name).filter(|user| is_in_org(user, org));
            user.cloned().ok_or_else(|| unknown(name))
        })
        .collect();
    let users = users?;
    let id = sandbox.new_hex_id();
    let key = below(&collection(org), &id);
    sandbox.write(&key, json!({"id": id, "name": name}), call)?;
    for mut user in users {
        set(&mut user, &id, true);
        sandbox.keep_user(call, &user)?;
    }
    let mut team = shown(sandbox, call, &key);
    team["usernames"] = call.body["usernames"].clone();
    Ok(Answer::exactly(team).located(key))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let collection = collection(org);
    let teams = sandbox.store.children(&collection).into_iter();
    let teams = teams.map(|(key, _)| shown(sandbox, call, key));
    Ok(Answer::list(teams.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn get_by_name(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let name = call.path("teamName");
    let collection = collection(org);
    let teams = sandbox.store.children(&collection);
    let found = teams
        .iter()
        .find(|(_, team)| team.text("name") == Some(name));
    let Some((key, _)) = found else {
        let detail = format!("There is no team {name}.");
        return Err(refuse::not_found("TEAM_NAME_NOT_FOUND", detail, &[name]));
    };
    Ok(Answer::exactly(shown(sandbox, call, key)))
}

fn rename(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let name = call.text("name").unwrap_or_default();
    check_name(sandbox, call.path("orgId"), name, &key)?;
    sandbox.store.merge(&key, &json!({ "name": name }));
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let team = call.path("teamId");
    let users: Vec<Value> = members(sandbox, team).into_iter().cloned().collect();
    for mut user in users {
        set(&mut user, team, false);
        sandbox.keep_user(call, &user)?;
    }
    let in_projects: Vec<String> = sandbox
        .store
        .children("/groups")
        .into_iter()
        .map(|(project, _)| below(&below(project, "teams"), team))
        .collect();
    for key in in_projects {
        sandbox.store.remove(&key);
    }
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

fn list_users(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let users = members(sandbox, call.path("teamId")).into_iter();
    let users = if is_old(call) {
        users.map(|user| account(call, user)).collect()
    } else {
        let org = call.path("orgId");
        users.map(|user| member(sandbox, call, user, org)).collect()
    };
    Ok(Answer::list(chosen(call, users)).unshaped())
}

fn add_users(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let (org, team) = (call.path("orgId"), call.path("teamId"));
    let asked = call.body.as_array().into_iter().flatten().take(MOST_USERS);
    let users: Result<Vec<Value>, ApiError> = asked
        .map(|asked| sandbox.org_user(org, asked["id"].as_str().unwrap_or_default()))
        .collect();
    for mut user in users? {
        set(&mut user, team, true);
        sandbox.keep_user(call, &user)?;
    }
    let users = members(sandbox, team).into_iter();
    let users = users.map(|user| account(call, user));
    Ok(Answer::list(users.collect()).unshaped())
}

fn add_user(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_user(sandbox, call, true)
}

fn remove_user_by_body(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change_user(sandbox, call, false)
}

fn change_user(sandbox: &mut Sandbox, call: &Call<'_>, adds: bool) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let org = call.path("orgId");
    let mut user = sandbox.org_user(org, call.text("id").unwrap_or_default())?;
    set(&mut user, call.path("teamId"), adds);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::exactly(member(sandbox, call, &user, org)))
}

fn remove_user(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let (id, team) = (call.path("userId"), call.path("teamId"));
    let mut user = sandbox.org_user(call.path("orgId"), id)?;
    if !is_in(&user, team) {
        let detail = format!("User {id} is not in team {team}.");
        return Err(refuse::not_found("USER_NOT_FOUND", detail, &[id]));
    }
    set(&mut user, team, false);
    sandbox.keep_user(call, &user)?;
    Ok(Answer::empty())
}

/// The key of the teams with roles in the project of a call.
fn of_project(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    Ok(below(&project_key(project), "teams"))
}

/// The key of the team of a call of a project.
fn find_in_project(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = below(&of_project(sandbox, call)?, call.path("teamId"));
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let detail = "The team has no role in the project.";
    Err(refuse::not_found("TEAM_NOT_IN_GROUP", detail, &[]))
}

fn teams_of(sandbox: &Sandbox, call: &Call<'_>, collection: &str) -> Answer {
    let teams = sandbox.store.children(collection).into_iter();
    let teams = teams.map(|(key, _)| shown(sandbox, call, key));
    Answer::list(teams.collect()).unshaped()
}

fn list_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = of_project(sandbox, call)?;
    Ok(teams_of(sandbox, call, &collection))
}

fn get_in_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_in_project(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn add_to_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = of_project(sandbox, call)?;
    let org = sandbox.org_of(call.path("groupId"));
    let asked: Vec<&Value> = call.body.as_array().into_iter().flatten().collect();
    for asked in &asked {
        let id = asked["teamId"].as_str().unwrap_or_default();
        known(sandbox, &org, id)?;
        if sandbox.store.contains(&below(&collection, id)) {
            let detail = "The team has a role in the project already.";
            return Err(refuse::conflict("TEAM_EXISTS_IN_GROUP", detail, &[]));
        }
    }
    for asked in asked {
        let id = asked["teamId"].as_str().unwrap_or_default();
        let body = json!({"roleNames": role_names(asked, "roleNames"), "teamId": id});
        sandbox.write(&below(&collection, id), body, call)?;
    }
    Ok(teams_of(sandbox, call, &collection))
}

fn update_in_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_in_project(sandbox, call)?;
    let names = role_names(&call.body, "roleNames");
    sandbox.store.merge(&key, &json!({ "roleNames": names }));
    let collection = of_project(sandbox, call)?;
    Ok(teams_of(sandbox, call, &collection))
}

fn remove_from_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_in_project(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
