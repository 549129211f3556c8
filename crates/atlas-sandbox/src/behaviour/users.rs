//! Users, as accounts and as members of organizations. The versions of an operation show the same
//! user in different shapes; see [`account`], [`member`] and [`project_member`].

use atlas_model::ApiError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::api_keys::{names_in, roles_in, roles_without};
use crate::behaviour::{Behaviour, recorded};
use crate::store::key;
use crate::time::later;
use crate::world::{FIRST_SNAPSHOT, ORG, PROJECT, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createUser", create),
    recorded("getUser", get),
    recorded("getUserByName", get_by_name),
];

/// The time for which an invitation can be accepted.
pub(crate) const INVITATION: SignedDuration = SignedDuration::from_hours(720);

/// Adds the built-in user, the owner of the default organization.
pub(crate) fn standing(store: &mut crate::store::Store) {
    let id = "32b6e34b3d91647abb20e7c1";
    let body = json!({
        "country": "IE",
        "createdAt": FIRST_SNAPSHOT.to_string(),
        "emailAddress": "owner@sandbox.example",
        "firstName": "Ada",
        "id": id,
        "lastName": "Lovelace",
        "mobileNumber": "2025550123",
        "roles": [
            {"orgId": ORG, "roleName": "ORG_OWNER"},
            {"groupId": PROJECT, "roleName": "GROUP_OWNER"},
        ],
        "teamIds": [],
        "username": "owner@sandbox.example",
    });
    store.insert(user_key(id), body, FIRST_SNAPSHOT);
}

/// The key of a user.
pub(crate) fn user_key(id: &str) -> String {
    key(["users", id])
}

/// Whether a response has the shape before version 2025-02-19.
pub(crate) fn is_old(call: &Call<'_>) -> bool {
    call.version.name.as_str() < "2025-02-19"
}

/// A user as an account with all roles. The password is never returned.
pub(crate) fn account(call: &Call<'_>, user: &Value) -> Value {
    let mut shown = Map::new();
    for field in ACCOUNT {
        if let Some(value) = user.get(field) {
            shown.insert(field.to_owned(), value.clone());
        }
    }
    let id = user["id"].as_str().unwrap_or_default();
    shown.insert("links".to_owned(), own_links(call, &user_key(id)));
    Value::Object(shown)
}

const ACCOUNT: [&str; 10] = [
    "country",
    "createdAt",
    "emailAddress",
    "firstName",
    "id",
    "lastName",
    "mobileNumber",
    "roles",
    "teamIds",
    "username",
];

/// The fields that members of an organization and of a project share.
fn membership(call: &Call<'_>, user: &Value, org: &str) -> Value {
    let mut shown = json!({
        "id": user["id"],
        "username": user["username"],
    });
    if let Some(invitation) = user["invitations"].get(org) {
        let ends = invitation["expiresAt"].as_str();
        let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
        let is_over = ends.is_some_and(|ends| ends <= call.now);
        let status = if is_over {
            "INVITATION_EXPIRED"
        } else {
            "PENDING"
        };
        shown["orgMembershipStatus"] = status.into();
        shown["invitationCreatedAt"] = invitation["createdAt"].clone();
        shown["invitationExpiresAt"] = invitation["expiresAt"].clone();
        shown["inviterUsername"] = invitation["inviterUsername"].clone();
        return shown;
    }
    shown["orgMembershipStatus"] = "ACTIVE".into();
    for field in [
        "country",
        "createdAt",
        "firstName",
        "lastName",
        "mobileNumber",
    ] {
        if let Some(value) = user.get(field) {
            shown[field] = value.clone();
        }
    }
    shown
}

/// A user as a member of an organization.
pub(crate) fn member(sandbox: &Sandbox, call: &Call<'_>, user: &Value, org: &str) -> Value {
    let mut shown = membership(call, user, org);
    let mut assignments: Vec<Value> = Vec::new();
    for role in user["roles"].as_array().into_iter().flatten() {
        let Some(project) = role["groupId"].as_str() else {
            continue;
        };
        let known = assignments.iter().any(|it| it["groupId"] == project);
        let exists = sandbox.store.contains(&project_key(project));
        if !known && exists && sandbox.org_of(project) == org {
            let roles = names_in(&user["roles"], "groupId", project);
            assignments.push(json!({"groupId": project, "groupRoles": roles}));
        }
    }
    shown["roles"] = json!({
        "groupRoleAssignments": assignments,
        "orgRoles": names_in(&user["roles"], "orgId", org),
    });
    let teams = user["teamIds"].as_array().into_iter().flatten();
    let of_org = teams.filter(|team| {
        let team = team.as_str().unwrap_or_default();
        sandbox.store.contains(&key(["orgs", org, "teams", team]))
    });
    shown["teamIds"] = of_org.cloned().collect();
    shown
}

/// A user as a member of a project.
pub(crate) fn project_member(call: &Call<'_>, user: &Value, project: &str, org: &str) -> Value {
    let mut shown = membership(call, user, org);
    shown["roles"] = names_in(&user["roles"], "groupId", project).into();
    shown
}

impl Sandbox {
    /// The users that match, in the order of creation.
    pub(crate) fn users(&self, wanted: impl Fn(&Value) -> bool) -> Vec<&Value> {
        let all = self.store.children("/users").into_iter();
        let all = all.map(|(_, resource)| &resource.body);
        all.filter(|user| wanted(user)).collect()
    }

    /// The user with the given name.
    pub(crate) fn user_named(&self, name: &str) -> Option<&Value> {
        let found = self.users(|user| user["username"] == name);
        found.first().copied()
    }

    /// The member of an organization with the given id.
    pub(crate) fn org_user(&self, org: &str, id: &str) -> Result<Value, ApiError> {
        self.check_org(org)?;
        let user = self.body(&user_key(id));
        if is_in_org(&user, org) {
            return Ok(user);
        }
        let detail = format!("User {id} is not in organization {org}.");
        Err(refuse::not_found("USER_NOT_IN_ORG", detail, &[id, org]))
    }

    /// The user with the given name, who is invited to the organization unless already a member.
    pub(crate) fn invited(
        &mut self,
        call: &Call<'_>,
        org: &str,
        name: &str,
    ) -> Result<Value, ApiError> {
        let mut user = match self.user_named(name) {
            Some(user) => user.clone(),
            None => json!({
                "createdAt": call.now.to_string(),
                "emailAddress": name,
                "firstName": "",
                "id": self.new_hex_id(),
                "isInvited": true,
                "lastName": "",
                "roles": [],
                "teamIds": [],
                "username": name,
            }),
        };
        if !is_in_org(&user, org) {
            let invitation = json!({
                "createdAt": call.now.to_string(),
                "expiresAt": later(call.now, INVITATION).to_string(),
                "inviterUsername": call.login,
            });
            if !user["invitations"].is_object() {
                user["invitations"] = json!({});
            }
            user["invitations"][org] = invitation;
            self.keep_user(call, &user)?;
        }
        Ok(user)
    }

    /// Writes a user.
    pub(crate) fn keep_user(&mut self, call: &Call<'_>, user: &Value) -> Result<(), ApiError> {
        let key = user_key(user["id"].as_str().unwrap_or_default());
        if self.store.contains(&key) {
            self.store.merge(&key, user);
            return Ok(());
        }
        self.write(&key, user.clone(), call)
    }

    /// Revokes the roles in an organization or a project of all users and logins.
    pub(crate) fn take_back_roles(&mut self, scope: &str, id: &str) {
        self.take_back(scope, id, |_| true);
    }

    /// Revokes the roles in a project of all API keys and service accounts.
    pub(crate) fn take_back_roles_of_logins(&mut self, project: &str) {
        self.take_back("groupId", project, |key| !key.starts_with("/users/"));
    }

    fn take_back(&mut self, scope: &str, id: &str, wanted: impl Fn(&str) -> bool) {
        let has = |body: &Value| !names_in(&body["roles"], scope, id).is_empty();
        let affected = self.store.all().filter(|(key, it)| {
            let holds_roles = key.starts_with("/users/")
                || key.contains("/apiKeys/")
                || key.contains("/serviceAccounts/");
            holds_roles && wanted(key) && has(&it.body)
        });
        let keys: Vec<String> = affected.map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            let roles = roles_without(&self.body(&key)["roles"], scope, id);
            self.store.merge(&key, &json!({ "roles": roles }));
        }
    }
}

/// Whether a user is in an organization or is invited to it.
pub(crate) fn is_in_org(user: &Value, org: &str) -> bool {
    !names_in(&user["roles"], "orgId", org).is_empty() || user["invitations"].get(org).is_some()
}

/// The users of a list that match a query.
pub(crate) fn chosen(call: &Call<'_>, members: Vec<Value>) -> Vec<Value> {
    let mut statuses: Vec<&str> = Vec::new();
    for (name, value) in &call.query {
        if name == "orgMembershipStatus" || name == "orgMembershipStatuses" {
            statuses.extend(value.split(',').filter(|status| !status.is_empty()));
        }
    }
    let fits = |member: &Value| {
        let status = member["orgMembershipStatus"].as_str().unwrap_or("ACTIVE");
        let has = |name: &str, field: &str| {
            let wanted = call.query(name);
            wanted.is_none_or(|wanted| member[field] == wanted)
        };
        has("username", "username")
            && has("userId", "id")
            && (statuses.is_empty() || statuses.contains(&status))
    };
    members.into_iter().filter(fits).collect()
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let name = call.text("username").unwrap_or_default();
    let known = sandbox.user_named(name).cloned();
    if known.as_ref().is_some_and(|user| user["isInvited"] != true) {
        let detail = format!("There is a user {name} already.");
        return Err(refuse::conflict("USER_ALREADY_EXISTS", detail, &[name]));
    }
    // An invited user accepts by creating an account, and keeps the id, roles and teams.
    let known = known.unwrap_or_default();
    let id = match known["id"].as_str() {
        Some(id) => id.to_owned(),
        None => sandbox.new_hex_id(),
    };
    let mut user = json!({
        "createdAt": call.now.to_string(),
        "emailAddress": name,
        "id": id,
        "invitations": {},
        "isInvited": false,
        "roles": [],
        "teamIds": known["teamIds"].as_array().cloned().unwrap_or_default(),
        "username": name,
    });
    for field in ["country", "firstName", "lastName", "mobileNumber", "roles"] {
        if let Some(value) = call.body.get(field) {
            user[field] = value.clone();
        }
    }
    if let (Some(old), Some(roles)) = (known["roles"].as_array(), user["roles"].as_array_mut()) {
        let missing = old.iter().filter(|role| !roles.contains(role));
        let missing: Vec<Value> = missing.cloned().collect();
        roles.extend(missing);
    }
    sandbox.keep_user(call, &user)?;
    let answer = Answer::exactly(account(call, &user));
    Ok(answer.located(user_key(&id)))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("userId");
    let key = user_key(id);
    let user = sandbox.body(&key);
    if sandbox.store.contains(&key) && sandbox.sees_user(call, &user) {
        return Ok(Answer::exactly(account(call, &user)));
    }
    let detail = format!("There is no user {id}.");
    Err(refuse::not_found("USER_NOT_FOUND", detail, &[id]))
}

fn get_by_name(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let name = call.path("userName");
    let seen = sandbox
        .user_named(name)
        .filter(|user| sandbox.sees_user(call, user));
    let user = seen.ok_or_else(|| unknown(name))?;
    Ok(Answer::exactly(account(call, user)))
}

/// 404 for the name of a user.
pub(crate) fn unknown(name: &str) -> ApiError {
    let detail = format!("There is no user {name}.");
    refuse::not_found("USERNAME_NOT_FOUND", detail, &[name])
}

/// Adds or removes a role of a user.
pub(crate) fn with_role(user: &mut Value, scope: &str, id: &str, role: &str, adds: bool) {
    let mut names = names_in(&user["roles"], scope, id);
    names.retain(|name| name != role);
    if adds {
        names.push(role.to_owned());
    }
    let mut roles = roles_without(&user["roles"], scope, id);
    roles.extend(roles_in(scope, id, &names));
    user["roles"] = roles.into();
}
