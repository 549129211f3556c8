//! Service accounts of organizations and projects. A created account can request tokens, with its
//! roles, until it is deleted or its secret expires.

use atlas_model::ApiError;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::api_keys::{names_in, role_names, roles_in, roles_without};
use crate::behaviour::{Behaviour, documented};
use crate::login::Account;
use crate::store::{below, key};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupServiceAccount", create_in_project),
    documented("createGroupServiceAccountSecret", create_secret),
    documented("createOrgServiceAccount", create_in_org),
    documented("createOrgServiceAccountSecret", create_secret),
    documented("deleteGroupServiceAccount", remove_from_project),
    documented("deleteGroupServiceAccountSecret", delete_secret),
    documented("deleteOrgServiceAccount", delete),
    documented("deleteOrgServiceAccountSecret", delete_secret),
    documented("getGroupServiceAccount", get),
    documented("getOrgServiceAccount", get),
    documented("getOrgServiceAccountGroups", groups),
    documented("inviteGroupServiceAccount", invite),
    documented("listGroupServiceAccounts", list_of_project),
    documented("listOrgServiceAccounts", list_of_org),
    documented("updateGroupServiceAccount", update),
    documented("updateOrgServiceAccount", update),
];

/// The maximum number of service accounts of an organization.
const MOST: usize = 500;

/// The maximum number of secrets of a service account.
const MOST_SECRETS: usize = 2;

/// The lifetime of a secret, in hours.
const HOURS: std::ops::RangeInclusive<i64> = 8..=8760;

fn collection(org: &str) -> String {
    key(["orgs", org, "serviceAccounts"])
}

/// The scope of the roles of a call, and its id.
fn scope<'a>(call: &'a Call<'_>) -> (&'static str, &'a str) {
    match call.path("groupId") {
        "" => ("orgId", call.path("orgId")),
        project => ("groupId", project),
    }
}

/// The key of the service account that a call names; a project's account has a role in the project.
pub(crate) fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = find_in_org(sandbox, call)?;
    let (scope, id) = scope(call);
    let is_there =
        scope == "orgId" || !names_in(&sandbox.body(&key)["roles"], scope, id).is_empty();
    if is_there { Ok(key) } else { Err(absent(call)) }
}

/// The key of the service account that a call names, with roles anywhere.
fn find_in_org(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (scope, id) = scope(call);
    let org = if scope == "orgId" {
        sandbox.check_org(id)?;
        id.to_owned()
    } else {
        sandbox.check_project(id)?;
        sandbox.org_of(id)
    };
    let key = below(&collection(&org), call.path("clientId"));
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(call))
    }
}

fn absent(call: &Call<'_>) -> ApiError {
    refuse::missing("service account", call.path("clientId"))
}

/// A service account as responses to an organization's or a project's call show it.
fn view(body: &Value, scope: &str, id: &str) -> Value {
    json!({
        "clientId": body["clientId"],
        "createdAt": body["createdAt"],
        "description": body["description"],
        "name": body["name"],
        "roles": names_in(&body["roles"], scope, id),
        "secrets": body["secrets"],
        // Newer than the API description: the vendor's clients require it.
        "systemManaged": false,
    })
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    let (scope, id) = scope(call);
    view(&sandbox.body(key), scope, id)
}

/// Creates a service account of an organization. Returns it with its secret, which is shown only
/// once.
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
        let detail = format!("An organization may have at most {most} service accounts.");
        return Err(refuse::conflict(
            "MAX_SERVICE_ACCOUNTS_REACHED",
            detail,
            &[&most],
        ));
    }
    let (secret, text) = secret(sandbox, call, asked)?;
    let mut digits = sandbox.next_token("service account");
    digits.truncate(24);
    let id = format!("mdb_sa_id_{digits}");
    let body = json!({
        "clientId": id,
        "createdAt": call.now.to_string(),
        "description": asked["description"],
        "name": asked["name"],
        "roles": roles,
        "secrets": [secret],
    });
    let key = below(&collection, &id);
    sandbox.write(&key, body.clone(), call)?;
    sandbox.accounts.add(Account {
        client: Some((id, vec![text.clone()])),
        resource: Some(key),
        ..Account::default()
    });
    let (scope, id) = scope(call);
    let mut answer = if id.is_empty() {
        view(&body, "orgId", org)
    } else {
        view(&body, scope, id)
    };
    answer["secrets"][0] = whole(&secret, &text);
    Ok(answer)
}

/// A new secret: its stored form and its text.
fn secret(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    asked: &Value,
) -> Result<(Value, String), ApiError> {
    let hours = asked["secretExpiresAfterHours"].as_i64().unwrap_or(0);
    if !HOURS.contains(&hours) {
        let problem = format!("expected {} to {} hours", HOURS.start(), HOURS.end());
        return Err(refuse::invalid("secretExpiresAfterHours", &problem));
    }
    let text = format!("mdb_sa_sk_{}", sandbox.next_token("client secret"));
    let last = text.get(text.len().saturating_sub(4)..).unwrap_or_default();
    let secret = json!({
        "createdAt": call.now.to_string(),
        "expiresAt": later(call.now, SignedDuration::from_hours(hours)).to_string(),
        "id": sandbox.new_hex_id(),
        "maskedSecretValue": format!("mdb_sa_sk_****{last}"),
    });
    Ok((secret, text))
}

/// A secret as it is shown once.
fn whole(secret: &Value, text: &str) -> Value {
    let mut secret = secret.clone();
    if let Value::Object(fields) = &mut secret {
        fields.remove("maskedSecretValue");
        fields.insert("secret".to_owned(), text.into());
    }
    secret
}

fn create_in_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let roles = roles_in("orgId", org, &role_names(&call.body, "roles"));
    Ok(Answer::exactly(make(
        sandbox, call, org, &call.body, &roles,
    )?))
}

/// Creates a service account of the project's organization, which makes it a member of the
/// organization.
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

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn list_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(list(sandbox, call, org))
}

fn list_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = sandbox.org_of(project);
    Ok(list(sandbox, call, &org))
}

fn list(sandbox: &Sandbox, call: &Call<'_>, org: &str) -> Answer {
    let (scope, id) = scope(call);
    let collection = collection(org);
    let accounts = sandbox.store.children(&collection).into_iter();
    let accounts = accounts
        .filter(|(_, it)| scope == "orgId" || !names_in(&it.body["roles"], scope, id).is_empty());
    let shown = accounts.map(|(key, _)| shown(sandbox, call, key));
    Answer::list(shown.collect()).unshaped()
}

/// The projects in which a service account has roles.
fn groups(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let roles = sandbox.body(&key)["roles"].clone();
    let mut projects: Vec<&str> = Vec::new();
    for role in roles.as_array().into_iter().flatten() {
        if let Some(project) = role["groupId"].as_str()
            && !projects.contains(&project)
        {
            projects.push(project);
        }
    }
    let groups = projects
        .into_iter()
        .map(|project| json!({"groupId": project, "roles": names_in(&roles, "groupId", project)}));
    Ok(Answer::list(groups.collect()).unshaped())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut body = sandbox.body(&key);
    for field in ["description", "name"] {
        if let Some(text) = call.text(field) {
            body[field] = text.into();
        }
    }
    sandbox.store.merge(&key, &body);
    if call.body["roles"].is_array() {
        set_roles(sandbox, call, &key);
    }
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

/// Assigns a service account the roles of a request in the organization or project of the call.
fn set_roles(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) {
    let (scope, id) = scope(call);
    let mut roles = roles_without(&sandbox.body(key)["roles"], scope, id);
    roles.extend(roles_in(scope, id, &role_names(&call.body, "roles")));
    sandbox.store.merge(key, &json!({ "roles": roles }));
}

fn invite(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_in_org(sandbox, call)?;
    set_roles(sandbox, call, &key);
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

/// Removes a service account from a project; it stays in the organization.
fn remove_from_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let roles = sandbox.body(&key)["roles"].clone();
    let roles = roles_without(&roles, "groupId", call.path("groupId"));
    sandbox.store.merge(&key, &json!({ "roles": roles }));
    Ok(Answer::empty())
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    sandbox.forget_logins();
    Ok(Answer::empty())
}

fn create_secret(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut secrets = sandbox.body(&key)["secrets"].clone();
    let count = secrets.as_array().map_or(0, Vec::len);
    if count >= MOST_SECRETS {
        let most = MOST_SECRETS.to_string();
        let detail =
            format!("A service account may have at most {most} secrets; delete one first.");
        return Err(refuse::conflict(
            "MAX_SERVICE_ACCOUNT_SECRETS_REACHED",
            detail,
            &[&most],
        ));
    }
    let (secret, text) = secret(sandbox, call, &call.body)?;
    let answer = whole(&secret, &text);
    if let Value::Array(secrets) = &mut secrets {
        secrets.push(secret);
    }
    sandbox.store.merge(&key, &json!({ "secrets": secrets }));
    if let Some(known) = client_secrets(sandbox, &key) {
        known.push(text);
    }
    Ok(Answer::exactly(answer))
}

fn delete_secret(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let id = call.path("secretId");
    let mut body = sandbox.body(&key);
    let secrets = body["secrets"].as_array_mut();
    let place = secrets.and_then(|secrets| {
        let place = secrets.iter().position(|secret| secret["id"] == id)?;
        secrets.remove(place);
        Some(place)
    });
    let Some(place) = place else {
        return Err(refuse::missing("secret", id));
    };
    sandbox.store.merge(&key, &body);
    if let Some(known) = client_secrets(sandbox, &key)
        && place < known.len()
    {
        known.remove(place);
    }
    Ok(Answer::empty())
}

/// The texts of the secrets of a service account, in the order of its `secrets`.
fn client_secrets<'a>(sandbox: &'a mut Sandbox, key: &str) -> Option<&'a mut Vec<String>> {
    let of_key = |account: &Account| account.resource.as_deref() == Some(key);
    let account = sandbox.accounts.find_mut(of_key)?;
    account.client.as_mut().map(|(_, secrets)| secrets)
}
