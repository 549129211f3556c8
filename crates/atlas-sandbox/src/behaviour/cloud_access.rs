//! Roles and accounts at cloud providers that Atlas may use for a project.

use atlas_model::ApiError;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::api::samples::uuid;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, below};
use crate::world::{Sandbox, hex};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("authorizeGroupCloudProviderAccessRole", authorize),
    recorded("createGroupCloudProviderAccess", create),
    documented("deauthorizeGroupCloudProviderAccessRole", deauthorize),
    documented("getGroupCloudProviderAccess", get),
    recorded("listGroupCloudProviderAccess", list),
];

/// The account of Atlas at AWS.
pub(crate) const ATLAS_ACCOUNT: &str = "arn:aws:iam::123456789012:root";

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let id = sandbox.new_hex_id();
    let own = uuid(&hex(&Md5::digest(&id)));
    let now = call.now.to_string();
    let body = match call.text("providerName") {
        Some("AZURE") => {
            let mut body = json!({
                "_id": id,
                "createdDate": now,
                "featureUsages": [],
                "lastUpdatedDate": now,
                "providerName": "AZURE",
            });
            store::merge(&mut body, &call.body);
            if body.get("atlasAzureAppId").is_none() {
                body["atlasAzureAppId"] = own.into();
            }
            body
        }
        Some("GCP") => {
            let digits = hex(&Md5::digest(&id));
            json!({
                "createdDate": now,
                "featureUsages": [],
                "gcpServiceAccountForAtlas":
                    format!("mongodb-atlas-{}@p-{id}.iam.gserviceaccount.com", &digits[..16]),
                "providerName": "GCP",
                "roleId": id,
                "status": "COMPLETE",
            })
        }
        _ => json!({
            "atlasAWSAccountArn": ATLAS_ACCOUNT,
            "atlasAssumedRoleExternalId": own,
            "authorizedDate": null,
            "createdDate": now,
            "featureUsages": [],
            "iamAssumedRoleArn": null,
            "providerName": "AWS",
            "roleId": id,
        }),
    };
    let key = below(&call.whole_key(), &id);
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// The key of the role that the path names.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let id = call.path("roleId");
    let key = below(&below(&call.key(2), "cloudProviderAccess"), id);
    let provider = call.path("cloudProvider");
    match sandbox.store.get(&key) {
        Some(role) if provider.is_empty() || role.text("providerName") == Some(provider) => Ok(key),
        _ => Err(refuse::missing("cloud provider access role", id)),
    }
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let roles = sandbox.store.children(&call.whole_key());
    let of = |provider: &str| -> Value {
        let roles = roles.iter();
        let own = roles.filter(|(_, role)| role.text("providerName") == Some(provider));
        own.map(|(_, role)| role.body.clone()).collect()
    };
    Ok(Answer::exactly(json!({
        "awsIamRoles": of("AWS"),
        "azureServicePrincipals": of("AZURE"),
        "gcpServiceAccounts": of("GCP"),
    })))
}

fn authorize(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let now = call.now.to_string();
    let mut change = Value::Object(store::object(&call.body));
    let provider = sandbox.body(&key)["providerName"].clone();
    match provider.as_str() {
        Some("AWS") => change["authorizedDate"] = now.into(),
        Some("AZURE") => change["lastUpdatedDate"] = now.into(),
        _ => {}
    }
    change["providerName"] = provider;
    sandbox.store.merge(&key, &change);
    sandbox.writes += 1;
    get(sandbox, call)
}

fn deauthorize(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    sandbox.writes += 1;
    Ok(Answer::empty())
}
