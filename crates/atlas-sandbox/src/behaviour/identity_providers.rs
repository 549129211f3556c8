//! The identity providers of federations.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, federation, recorded};
use crate::store::{below, object};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createFederationSettingIdentityProvider", create),
    recorded("deleteFederationSettingIdentityProvider", delete),
    recorded("getFederationSettingIdentityProvider", get),
    documented("getFederationSettingIdentityProviderMetadata", metadata),
    recorded("listFederationSettingIdentityProviders", list),
    recorded("revokeFederationSettingIdentityProviderJwks", revoke_keys),
    documented("updateFederationSettingIdentityProvider", update),
];

/// The fields that only SAML providers have.
const OF_SAML: [&str; 9] = [
    "acsUrl",
    "audienceUri",
    "pemFileInfo",
    "requestBinding",
    "responseSignatureAlgorithm",
    "slug",
    "ssoDebugEnabled",
    "ssoUrl",
    "status",
];

fn collection(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let federation = federation::check(sandbox, call.path("federationSettingsId"))?;
    Ok(below(&federation, "identityProviders"))
}

/// The key of the identity provider of a call.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("identityProviderId");
    let key = below(&collection(sandbox, call)?, id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing("identity provider", id))
    }
}

/// An identity provider as responses show it: with the organizations that use it.
fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    let mut body = sandbox.body(key);
    let id = body["id"].clone();
    let uses = |config: &Value| {
        let for_data = config["dataAccessIdentityProviderIds"].as_array();
        config["identityProviderId"] == id || for_data.is_some_and(|ids| ids.contains(&id))
    };
    let configs = federation::all(sandbox, call.path("federationSettingsId"));
    body["associatedOrgs"] = configs.into_iter().filter(uses).collect();
    for field in ["oktaIdpId", "updatedAt"] {
        if body.get(field).is_none() {
            body[field] = Value::Null;
        }
    }
    body
}

/// The response for a provider: as recorded, or in the shape before version 2023-11-15.
fn answer(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Answer {
    let shown = shown(sandbox, call, key);
    if call.version.name.as_str() < "2023-11-15" {
        return Answer::one(without_nulls(&shown));
    }
    Answer::exactly(shown)
}

fn without_nulls(value: &Value) -> Value {
    let mut fields = object(value);
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let id = sandbox.new_hex_id();
    let mut body = json!({
        "createdAt": call.now.to_string(),
        "id": id,
        "idpType": "WORKFORCE",
        "protocol": "OIDC",
    });
    crate::store::merge(&mut body, &call.body);
    if body["idpType"] == "WORKFORCE" && body["protocol"] == "OIDC" {
        for field in ["associatedDomains", "requestedScopes"] {
            if body.get(field).is_none() {
                body[field] = json!([]);
            }
        }
    }
    let key = below(&collection, &id);
    sandbox.write(&key, body, call)?;
    Ok(answer(sandbox, call, &key))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(answer(sandbox, call, &key))
}

/// Lists the providers of a protocol or type, if the query has one. Atlas documents SAML as the
/// default protocol; recorded lists contain others too.
fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call)?;
    let wanted = |name: &str, field: &Value| {
        let mut asked = call
            .query
            .iter()
            .filter(|(known, _)| known == name)
            .peekable();
        asked.peek().is_none() || asked.any(|(_, value)| field == value)
    };
    let providers = sandbox.store.children(&collection).into_iter();
    let providers = providers.filter(|(_, it)| {
        wanted("protocol", &it.body["protocol"]) && wanted("idpType", &it.body["idpType"])
    });
    let shown = providers.map(|(key, _)| shown(sandbox, call, key));
    Ok(Answer::list(shown.collect()).unshaped())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut fields = object(&call.body);
    let protocol = fields.get("protocol").cloned();
    let protocol = protocol.unwrap_or_else(|| sandbox.body(&key)["protocol"].clone());
    if protocol == "OIDC" {
        fields.retain(|name, _| !OF_SAML.contains(&name.as_str()));
    }
    sandbox.store.merge(&key, &Value::Object(fields));
    let changed = json!({"updatedAt": call.now.to_string()});
    sandbox.store.merge(&key, &changed);
    Ok(answer(sandbox, call, &key))
}

/// Deletes an identity provider and disconnects the organizations that use it.
fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    let id = call.path("identityProviderId");
    let federation = federation::check(sandbox, call.path("federationSettingsId"))?;
    let configs = below(&federation, "connectedOrgConfigs");
    let keys = sandbox.store.children(&configs).into_iter();
    let keys: Vec<String> = keys.map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        let mut config = sandbox.body(&key);
        if let Some(ids) = config["dataAccessIdentityProviderIds"].as_array_mut() {
            ids.retain(|known| known != id);
        }
        if config["identityProviderId"] == id {
            config["identityProviderId"] = Value::Null;
        }
        sandbox.store.merge(&key, &config);
    }
    Ok(Answer::empty())
}

fn revoke_keys(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    Ok(Answer::empty())
}

/// The service provider metadata of a SAML provider.
fn metadata(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let id = call.path("identityProviderId");
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"https://sandbox.example/saml2/{id}\">\
         <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:AssertionConsumerService index=\"0\" isDefault=\"true\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://sandbox.example/sso/saml2/{id}\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>"
    );
    Ok(Answer::bytes(xml))
}
