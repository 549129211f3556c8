//! API keys of organizations and projects. A created key can log in, with its roles, until it is
//! deleted.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::refuse;
use crate::api::samples::uuid;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::login::Account;
use crate::store::{below, key};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("addGroupApiKey", add_to_project),
    recorded("createGroupApiKey", create_in_project),
    recorded("createOrgApiKey", create_in_org),
    recorded("deleteOrgApiKey", delete),
    recorded("getOrgApiKey", get),
    recorded("listGroupApiKeys", list_of_project),
    recorded("listOrgApiKeys", list_of_org),
    recorded("removeGroupApiKey", remove_from_project),
    recorded("updateGroupApiKeyRoles", update_in_project),
    recorded("updateOrgApiKey", update),
];

/// The maximum number of API keys of an organization.
const MOST: usize = 500;

/// The key of the collection of API keys of an organization.
fn collection(org: &str) -> String {
    key(["orgs", org, "apiKeys"])
}

/// The key of the API key that an organization's or a project's call names.
pub(crate) fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let org = if call.path("groupId").is_empty() {
        sandbox.check_org(call.path("orgId"))?;
        call.path("orgId").to_owned()
    } else {
        sandbox.check_project(call.path("groupId"))?;
        sandbox.org_of(call.path("groupId"))
    };
    let id = call.path("apiUserId");
    let key = below(&collection(&org), id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        let detail = format!("There is no API key {id}.");
        Err(refuse::not_found("API_KEY_NOT_FOUND", detail, &[id]))
    }
}

/// Creates an API key of an organization with roles of the form `{orgId, roleName}`. Returns it
/// with its private key, which is shown only once.
pub(crate) fn make(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    org: &str,
    asked: &Value,
    roles: &[Value],
) -> Result<Value, ApiError> {
    let collection = collection(org);
    if sandbox.store.children(&collection).len() >= MOST {
        let most = MOST.to_string();
        let detail = format!("An organization may have at most {most} API keys.");
        let code = "MAX_PUBLIC_API_KEY_REACHED";
        return Err(refuse::error(
            http::StatusCode::FORBIDDEN,
            code,
            detail,
            &[&most],
        ));
    }
    let id = sandbox.new_hex_id();
    let public = letters(&sandbox.next_token("public key"));
    let private = uuid(&sandbox.next_token("private key"));
    let body = json!({
        "desc": asked["desc"],
        "id": id,
        "privateKey": masked(&private),
        "publicKey": public,
        "roles": roles,
    });
    let key = below(&collection, &id);
    sandbox.write(&key, body, call)?;
    sandbox.accounts.add(Account {
        key: Some((public, private.clone())),
        resource: Some(key.clone()),
        ..Account::default()
    });
    let mut answer = shown(sandbox, call, &key);
    answer["privateKey"] = private.into();
    Ok(answer)
}

impl Sandbox {
    /// Removes the logins whose API keys or service accounts no longer exist.
    pub(crate) fn forget_logins(&mut self) {
        let store = &self.store;
        let gone = |account: &Account| {
            let resource = account.resource.as_ref();
            resource.is_some_and(|key| !store.contains(key))
        };
        self.accounts.remove(gone);
        let accounts = &self.accounts;
        self.buckets
            .retain(|number| accounts.by_number(number).is_some());
    }

    /// Returns 404 unless the organization exists.
    pub(crate) fn check_org(&self, org: &str) -> Result<(), ApiError> {
        if self.store.contains(&crate::api::generic::org_key(org)) {
            return Ok(());
        }
        Err(refuse::no_org(org))
    }
}

/// The role names in a field of a body, without duplicates.
pub(crate) fn role_names(body: &Value, field: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for role in body[field].as_array().into_iter().flatten() {
        if let Some(name) = role.as_str()
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Roles of an organization or a project (`orgId` or `groupId`), as lists of roles store them.
pub(crate) fn roles_in(scope: &str, id: &str, names: &[String]) -> Vec<Value> {
    let names = names.iter();
    names
        .map(|name| json!({scope: id, "roleName": name}))
        .collect()
}

/// The roles of a list without those of an organization or a project.
pub(crate) fn roles_without(roles: &Value, scope: &str, id: &str) -> Vec<Value> {
    let roles = roles.as_array().into_iter().flatten();
    roles.filter(|role| role[scope] != id).cloned().collect()
}

/// The names of the roles that apply to an organization or a project.
pub(crate) fn names_in(roles: &Value, scope: &str, id: &str) -> Vec<String> {
    let roles = roles.as_array().into_iter().flatten();
    roles
        .filter(|role| role[scope] == id)
        .filter_map(|role| role["roleName"].as_str().map(str::to_owned))
        .collect()
}

fn create_in_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let roles = roles_in("orgId", org, &role_names(&call.body, "roles"));
    Ok(Answer::exactly(make(
        sandbox, call, org, &call.body, &roles,
    )?))
}

/// Creates an API key of the project's organization, which makes it a member of the organization.
fn create_in_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    let mut roles = roles_in("groupId", project, &role_names(&call.body, "roles"));
    roles.extend(roles_in("orgId", &org, &["ORG_MEMBER".to_owned()]));
    Ok(Answer::exactly(make(
        sandbox, call, &org, &call.body, &roles,
    )?))
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    linked(call, key, sandbox.body(key))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn list_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(list(sandbox, call, org, |_| true))
}

fn list_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    let has_role = |body: &Value| !names_in(&body["roles"], "groupId", project).is_empty();
    Ok(list(sandbox, call, &org, has_role))
}

fn list(sandbox: &Sandbox, call: &Call<'_>, org: &str, wanted: impl Fn(&Value) -> bool) -> Answer {
    let collection = collection(org);
    let keys = sandbox.store.children(&collection).into_iter();
    let keys = keys.filter(|(_, resource)| wanted(&resource.body));
    Answer::list(keys.map(|(key, _)| shown(sandbox, call, key)).collect()).unshaped()
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, "orgId")
}

fn update_in_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, "groupId")
}

/// Changes the description of a key, and its roles in the organization or project of the call.
fn change(sandbox: &mut Sandbox, call: &Call<'_>, scope: &str) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut body = sandbox.body(&key);
    if let Some(desc) = call.text("desc") {
        body["desc"] = desc.into();
    }
    if call.body["roles"].is_array() {
        let id = call.path(scope);
        let mut roles = roles_without(&body["roles"], scope, id);
        roles.extend(roles_in(scope, id, &role_names(&call.body, "roles")));
        body["roles"] = roles.into();
    }
    sandbox.store.merge(&key, &body);
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn add_to_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let project = call.path("groupId");
    let mut body = sandbox.body(&key);
    let asked = call.body.as_array().into_iter().flatten();
    let mut names = names_in(&body["roles"], "groupId", project);
    for name in asked.flat_map(|asked| role_names(asked, "roles")) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut roles = roles_without(&body["roles"], "groupId", project);
    roles.extend(roles_in("groupId", project, &names));
    body["roles"] = roles.into();
    sandbox.store.merge(&key, &body);
    Ok(Answer::empty())
}

fn remove_from_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut body = sandbox.body(&key);
    body["roles"] = roles_without(&body["roles"], "groupId", call.path("groupId")).into();
    sandbox.store.merge(&key, &body);
    Ok(Answer::empty())
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    sandbox.forget_logins();
    Ok(Answer::empty())
}

/// Eight lowercase letters from hexadecimal digits.
fn letters(digits: &str) -> String {
    let pairs = digits.as_bytes().chunks(2).take(8);
    let values = pairs.filter_map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    values.map(|value| char::from(b'a' + value % 26)).collect()
}

/// A private key as responses show it after its creation.
fn masked(private: &str) -> String {
    let last = private.rsplit('-').next().unwrap_or_default();
    format!("********-****-****-{last}")
}
