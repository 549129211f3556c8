//! Organizations and their settings.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::org_key;
use crate::api::refuse;
use crate::behaviour::api_keys::{self, role_names, roles_in};
use crate::behaviour::users::user_key;
use crate::behaviour::{Behaviour, documented, federation, recorded, service_accounts};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createOrg", create),
    documented("deleteOrg", delete),
    recorded("getOrg", get),
    documented("getOrgSettings", get_settings),
    recorded("listOrgs", list),
    documented("updateOrg", update),
    documented("updateOrgSettings", update_settings),
];

fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    let mut org = sandbox.body(key);
    if org.get("skipDefaultAlertsSettings").is_none() {
        org["skipDefaultAlertsSettings"] = false.into();
    }
    linked(call, key, org)
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let part = call.query("name").unwrap_or_default().to_lowercase();
    let all = sandbox.store.children("/orgs").into_iter();
    let wanted = all.filter(|(key, org)| {
        let name = org.text("name").unwrap_or_default().to_lowercase();
        name.contains(&part) && sandbox.sees_org(call, &crate::store::last(key))
    });
    let orgs = wanted.map(|(key, _)| shown(sandbox, call, key));
    Ok(Answer::list(orgs.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(Answer::exactly(shown(sandbox, call, &org_key(org))))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let key = org_key(org);
    if let Some(name) = call.text("name") {
        super::projects::check_name(name)?;
        sandbox.store.merge(&key, &json!({ "name": name }));
    }
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

/// Creates an organization and, if requested, its first owner, API key and service account.
fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    super::projects::check_name(call.text("name").unwrap_or_default())?;
    let owner = call.text("orgOwnerId").map(str::to_owned);
    if let Some(owner) = owner.as_deref()
        && !sandbox.store.contains(&user_key(owner))
    {
        let detail = format!("There is no user {owner}.");
        return Err(refuse::not_found("USER_NOT_FOUND", detail, &[owner]));
    }
    let settings = call.text("federationSettingsId").map(str::to_owned);
    if let Some(settings) = &settings {
        federation::check(sandbox, settings)?;
    }
    let id = sandbox.new_hex_id();
    let key = org_key(&id);
    let skips = call.body["skipDefaultAlertsSettings"] == true;
    let org = json!({
        "id": id,
        "isDeleted": false,
        "name": call.body["name"],
        "skipDefaultAlertsSettings": skips,
    });
    sandbox.write(&key, org, call)?;
    let made = with_members(sandbox, call, &id, owner.as_deref(), settings.as_deref());
    made.inspect_err(|_| {
        sandbox.store.remove(&key);
        sandbox.forget_logins();
    })
}

fn with_members(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    id: &str,
    owner: Option<&str>,
    settings: Option<&str>,
) -> Result<Answer, ApiError> {
    let key = org_key(id);
    let organization = shown(sandbox, call, &key);
    let mut answer = json!({
        "organization": organization,
        "skipDefaultAlertsSettings": organization["skipDefaultAlertsSettings"],
    });
    let asked = &call.body["apiKey"];
    if asked.is_object() {
        let roles = roles_in("orgId", id, &role_names(asked, "roles"));
        answer["apiKey"] = api_keys::make(sandbox, call, id, asked, &roles)?;
    }
    let asked = &call.body["serviceAccount"];
    if asked.is_object() {
        let roles = roles_in("orgId", id, &role_names(asked, "roles"));
        answer["serviceAccount"] = service_accounts::make(sandbox, call, id, asked, &roles)?;
    }
    if let Some(owner) = owner {
        let mut user = sandbox.body(&user_key(owner));
        crate::behaviour::users::with_role(&mut user, "orgId", id, "ORG_OWNER", true);
        sandbox.keep_user(call, &user)?;
        answer["orgOwnerId"] = owner.into();
    }
    if let Some(settings) = settings {
        federation::connect(sandbox, call, settings, id)?;
        answer["federationSettingsId"] = settings.into();
    }
    sandbox.own_org(call, id);
    Ok(Answer::exactly(answer).located(key))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let projects = sandbox.store.children("/groups");
    if projects.iter().any(|(_, it)| it.text("orgId") == Some(org)) {
        let detail = "The organization has projects; delete them first.";
        return Err(refuse::conflict("ORG_NOT_EMPTY", detail, &[]));
    }
    sandbox.store.remove(&org_key(org));
    sandbox.forget_logins();
    sandbox.take_back_roles("orgId", org);
    federation::disconnect(sandbox, org);
    Ok(Answer::empty())
}

/// The settings of a new organization.
fn settings(sandbox: &Sandbox, org: &str) -> Value {
    let mut settings = json!({
        "apiAccessListRequired": false,
        "genAIFeaturesEnabled": true,
        "multiFactorAuthRequired": false,
        "restrictEmployeeAccess": false,
        "streamsCrossGroupEnabled": false,
    });
    let changed = sandbox.body(&below(&org_key(org), "settings"));
    crate::store::merge(&mut settings, &changed);
    settings
}

fn get_settings(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    Ok(Answer::one(settings(sandbox, org)))
}

fn update_settings(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let key = below(&org_key(org), "settings");
    if !sandbox.store.contains(&key) {
        sandbox.write(&key, json!({}), call)?;
    }
    sandbox.store.merge(&key, &call.body);
    Ok(Answer::one(settings(sandbox, org)))
}
