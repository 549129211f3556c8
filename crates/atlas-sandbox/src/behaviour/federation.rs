//! Federations: their organizations and the role mappings of those. The default organization is
//! connected to a built-in federation.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{Store, below, key, last};
use crate::world::{FIRST_SNAPSHOT, ORG, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented(
        "createFederationSettingConnectedOrgConfigRoleMapping",
        create_mapping,
    ),
    documented("deleteFederationSetting", delete),
    documented(
        "deleteFederationSettingConnectedOrgConfigRoleMapping",
        delete_mapping,
    ),
    recorded("getFederationSettingConnectedOrgConfig", get),
    documented(
        "getFederationSettingConnectedOrgConfigRoleMapping",
        get_mapping,
    ),
    documented("getOrgFederationSettings", of_org),
    documented(
        "listFederationSettingConnectedOrgConfigRoleMappings",
        list_mappings,
    ),
    recorded("listFederationSettingConnectedOrgConfigs", list),
    documented("removeFederationSettingConnectedOrgConfig", remove),
    recorded("updateFederationSettingConnectedOrgConfig", update),
    documented(
        "updateFederationSettingConnectedOrgConfigRoleMapping",
        update_mapping,
    ),
];

/// The federation of the default organization.
const FEDERATION: &str = "32b6e34b3d91647abb20e7c3";

/// Adds the built-in federation.
pub(crate) fn standing(store: &mut Store) {
    store.insert(
        federation_key(FEDERATION),
        json!({"id": FEDERATION}),
        FIRST_SNAPSHOT,
    );
    let key = below(&configs(FEDERATION), ORG);
    store.insert(key, config(ORG), FIRST_SNAPSHOT);
}

fn federation_key(id: &str) -> String {
    key(["federationSettings", id])
}

fn configs(id: &str) -> String {
    below(&federation_key(id), "connectedOrgConfigs")
}

/// The configuration of a newly connected organization.
fn config(org: &str) -> Value {
    json!({
        "dataAccessIdentityProviderIds": [],
        "domainAllowList": [],
        "domainRestrictionEnabled": false,
        "orgId": org,
        "postAuthRoleGrants": [],
    })
}

/// Returns the key of a federation; 404 if it does not exist.
pub(crate) fn check(sandbox: &Sandbox, id: &str) -> Result<String, ApiError> {
    let key = federation_key(id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("federation settings", id))
    }
}

/// Connects an organization to a federation.
pub(crate) fn connect(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    id: &str,
    org: &str,
) -> Result<(), ApiError> {
    check(sandbox, id)?;
    let key = below(&configs(id), org);
    sandbox.write(&key, config(org), call)
}

/// Removes an organization from its federation.
pub(crate) fn disconnect(sandbox: &mut Sandbox, org: &str) {
    if let Some(key) = config_of(sandbox, org) {
        sandbox.store.remove(&key);
    }
}

/// The key of the configuration of an organization in any federation.
fn config_of(sandbox: &Sandbox, org: &str) -> Option<String> {
    let federations = sandbox.store.children("/federationSettings").into_iter();
    let mut keys = federations.map(|(key, _)| below(&configs(&last(key)), org));
    keys.find(|key| sandbox.store.contains(key))
}

/// The key of the configuration of a call.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("federationSettingsId");
    check(sandbox, id)?;
    let org = call.path("orgId");
    let key = below(&configs(id), org);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("connected organization", org))
    }
}

/// A configuration as responses show it: with its role mappings, and null for missing values.
pub(crate) fn shown(sandbox: &Sandbox, key: &str) -> Value {
    let mut body = sandbox.body(key);
    for field in ["identityProviderId", "userConflicts"] {
        if body.get(field).is_none() {
            body[field] = Value::Null;
        }
    }
    body["roleMappings"] = mappings(sandbox, key).into();
    body
}

/// The role mappings of a configuration.
fn mappings(sandbox: &Sandbox, key: &str) -> Vec<Value> {
    let collection = below(key, "roleMappings");
    let mappings = sandbox.store.children(&collection).into_iter();
    mappings.map(|(_, mapping)| mapping.body.clone()).collect()
}

/// The configurations of a federation.
pub(crate) fn all(sandbox: &Sandbox, id: &str) -> Vec<Value> {
    let collection = configs(id);
    let configs = sandbox.store.children(&collection).into_iter();
    configs.map(|(key, _)| shown(sandbox, key)).collect()
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("federationSettingsId");
    check(sandbox, id)?;
    Ok(Answer::list(all(sandbox, id)).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, &key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut fields = crate::store::object(&call.body);
    if let Some(Value::Array(mappings)) = fields.remove("roleMappings") {
        // This key has no resource itself, only below it.
        sandbox.store.remove(&below(&key, "roleMappings"));
        for mapping in mappings {
            keep_mapping(sandbox, call, &key, &mapping)?;
        }
    }
    sandbox.store.merge(&key, &Value::Object(fields));
    Ok(Answer::exactly(shown(sandbox, &key)))
}

fn remove(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

/// Deletes a federation that has at most one organization.
fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("federationSettingsId");
    let key = check(sandbox, id)?;
    let connected = sandbox.store.children(&configs(id)).len();
    if connected > 1 {
        // The code is the sandbox's own: that of Atlas is not known.
        let detail = format!("Federation {id} has {connected} organizations; remove all but one.");
        let code = "FEDERATION_SETTINGS_HAS_CONNECTED_ORGS";
        return Err(refuse::conflict(code, detail, &[id]));
    }
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

/// The federation of an organization, in short form.
fn of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.path("orgId");
    sandbox.check_org(org)?;
    let key = config_of(sandbox, org);
    let key = key.ok_or_else(|| refuse::missing("federation settings of", org))?;
    let id = key.split('/').nth(2).unwrap_or_default();
    let config = shown(sandbox, &key);
    let mut domains: Vec<Value> = Vec::new();
    let providers = below(&federation_key(id), "identityProviders");
    for (_, provider) in sandbox.store.children(&providers) {
        let of_provider = provider.body["associatedDomains"].as_array();
        domains.extend(of_provider.into_iter().flatten().cloned());
    }
    let mut answer = json!({
        "federatedDomains": domains,
        "hasRoleMappings": !mappings(sandbox, &key).is_empty(),
        "id": id,
    });
    if let Some(provider) = config["identityProviderId"].as_str() {
        answer["identityProviderId"] = provider.into();
        answer["identityProviderStatus"] = "ACTIVE".into();
    }
    Ok(Answer::exactly(answer))
}

/// The key of the role mapping of a call.
fn find_mapping(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("id");
    let key = below(&below(&find(sandbox, call)?, "roleMappings"), id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("role mapping", id))
    }
}

/// Stores a new role mapping of a configuration and returns it with its id.
fn keep_mapping(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    config: &str,
    asked: &Value,
) -> Result<Value, ApiError> {
    let mut mapping = Value::Object(crate::store::object(asked));
    let id = sandbox.new_hex_id();
    mapping["id"] = id.clone().into();
    let key = below(&below(config, "roleMappings"), &id);
    sandbox.write(&key, mapping.clone(), call)?;
    Ok(mapping)
}

fn create_mapping(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let config = find(sandbox, call)?;
    let group = call.text("externalGroupName").unwrap_or_default();
    let known = mappings(sandbox, &config);
    if known.iter().any(|it| it["externalGroupName"] == group) {
        return Err(refuse::taken("role mapping of group", group));
    }
    Ok(Answer::exactly(keep_mapping(
        sandbox, call, &config, &call.body,
    )?))
}

fn list_mappings(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let config = find(sandbox, call)?;
    Ok(Answer::list(mappings(sandbox, &config)).unshaped())
}

fn get_mapping(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_mapping(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update_mapping(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_mapping(sandbox, call)?;
    sandbox.store.merge(&key, &call.body);
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn delete_mapping(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find_mapping(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
