//! Data federation: instances, their limits and their private endpoints.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::cloud_access::ATLAS_ACCOUNT;
use crate::behaviour::{Behaviour, recorded};
use crate::store::{self, below};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupDataFederation", create),
    recorded("createGroupPrivateNetworkSettingEndpointId", add_endpoint),
    recorded("deleteGroupDataFederation", delete),
    recorded("deleteGroupDataFederationLimit", delete_limit),
    recorded(
        "deleteGroupPrivateNetworkSettingEndpointId",
        Sandbox::generic,
    ),
    recorded("getGroupDataFederation", get),
    recorded("getGroupDataFederationLimit", get_limit),
    recorded("getGroupPrivateNetworkSettingEndpointId", Sandbox::generic),
    recorded("listGroupDataFederation", list),
    recorded("listGroupDataFederationLimits", list_limits),
    recorded(
        "listGroupPrivateNetworkSettingEndpointIds",
        Sandbox::generic,
    ),
    recorded("setGroupDataFederationLimit", set_limit),
    recorded("updateGroupDataFederation", update),
];

/// The bytes that queries may read if no limit is set: 100 TiB.
const UNTIL_SET: i64 = 100 << 40;

/// The key of the instance that the path names; 404 if it does not exist.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("tenantName"));
    sandbox.check_project(project)?;
    let key = call.key(4);
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let detail = format!("There is no federated database instance {name} in project {project}.");
    let code = "DATA_FEDERATION_TENANT_NOT_FOUND_FOR_NAME";
    Err(refuse::not_found(code, detail, &[project, name]))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let all = sandbox.store.children(&call.whole_key()).into_iter();
    // The other type is that of online archives, which have no instance in the sandbox.
    let all = all.filter(|_| call.query("type") != Some("ONLINE_ARCHIVE"));
    Ok(Answer::exactly(
        all.map(|(_, it)| it.body.clone()).collect::<Value>(),
    ))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let project = call.path("groupId");
    let name = call.text("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(refuse::invalid("name", "is required"));
    }
    let key = below(&call.whole_key(), &name);
    if sandbox.store.contains(&key) {
        return Err(refuse::taken("federated database instance", &name));
    }
    let host = name.to_ascii_lowercase();
    let mut body = json!({
        "cloudProviderConfig": {},
        "dataProcessRegion": null,
        "groupId": project,
        "hostnames": [format!("{host}-{}.a.query.sandbox.example", &project[..project.len().min(5)])],
        "name": name,
        "privateEndpointHostnames": [],
        "state": "ACTIVE",
        "storage": {"databases": null, "stores": null},
    });
    change(sandbox, call, &mut body);
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let mut body = sandbox.body(&key);
    change(sandbox, call, &mut body);
    if let Some(resource) = sandbox.store.get_mut(&key) {
        resource.body = body;
    }
    sandbox.writes += 1;
    get(sandbox, call)
}

/// Copies the fields of a request into an instance. Its name stays.
fn change(sandbox: &Sandbox, call: &Call<'_>, body: &mut Value) {
    let mut fields = store::object(&call.body);
    fields.remove("name");
    if let Some(Value::Object(storage)) = fields.get_mut("storage") {
        for name in ["databases", "stores"] {
            storage.entry(name).or_insert(Value::Null);
        }
    }
    let aws = fields
        .get_mut("cloudProviderConfig")
        .and_then(|it| it.get_mut("aws"))
        .and_then(Value::as_object_mut);
    if let Some(aws) = aws {
        aws.remove("testS3Bucket");
        let id = aws.get("roleId").and_then(Value::as_str);
        let roles = below(&call.key(2), "cloudProviderAccess");
        let role = sandbox.body(&below(&roles, id.unwrap_or_default()));
        aws.insert("iamUserARN".to_owned(), ATLAS_ACCOUNT.into());
        for (name, of_role) in [
            ("externalId", "atlasAssumedRoleExternalId"),
            ("iamAssumedRoleARN", "iamAssumedRoleArn"),
        ] {
            let value = role.get(of_role).filter(|value| value.is_string());
            if let Some(value) = value {
                aws.insert(name.to_owned(), value.clone());
            }
        }
    }
    store::merge(body, &Value::Object(fields));
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    sandbox.writes += 1;
    Ok(Answer::empty())
}

fn list_limits(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = below(&find(sandbox, call)?, "limits");
    let all = sandbox.store.children(&key).into_iter();
    Ok(Answer::exactly(
        all.map(|(_, it)| it.body.clone()).collect::<Value>(),
    ))
}

/// A limit: the set value or the default.
fn get_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let mut body = json!({
        "currentUsage": 0,
        "name": call.path("limitName"),
        "tenantName": call.path("tenantName"),
        "value": UNTIL_SET,
    });
    store::merge(&mut body, &sandbox.body(&call.whole_key()));
    Ok(Answer::exactly(body))
}

fn set_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    let key = call.whole_key();
    let mut body = json!({
        "currentUsage": 0,
        "lastModifiedDate": call.now.to_string(),
        "name": call.path("limitName"),
        "tenantName": call.path("tenantName"),
    });
    for name in ["overrunPolicy", "value"] {
        if let Some(value) = call.body.get(name) {
            body[name] = value.clone();
        }
    }
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    get_limit(sandbox, call)
}

fn delete_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    find(sandbox, call)?;
    sandbox.store.remove(&call.whole_key());
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// Adds a private endpoint, or changes the one with that id. Returns all endpoints.
fn add_endpoint(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let id = call.text("endpointId").unwrap_or_default();
    let mut body = json!({"provider": "AWS", "type": "DATA_LAKE"});
    store::merge(&mut body, &call.body);
    body["status"] = "OK".into();
    let key = below(&call.whole_key(), id);
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    Ok(sandbox.after_write(call, &key))
}
