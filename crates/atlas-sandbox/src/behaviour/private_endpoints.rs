//! Private endpoint services of the three clouds, and their endpoints.

use atlas_model::ApiError;
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::{absent, project_key};
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, Change, below, last};
use crate::time::later;
use crate::world::{Sandbox, hex};
use md5::{Digest, Md5};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupPrivateEndpointEndpointService", create),
    documented(
        "createGroupPrivateEndpointEndpointServiceEndpoint",
        create_endpoint,
    ),
    recorded("deleteGroupPrivateEndpointEndpointService", delete),
    documented(
        "deleteGroupPrivateEndpointEndpointServiceEndpoint",
        delete_endpoint,
    ),
    recorded("getGroupPrivateEndpointEndpointService", get),
    documented(
        "getGroupPrivateEndpointEndpointServiceEndpoint",
        get_endpoint,
    ),
    recorded("listGroupPrivateEndpointEndpointService", list),
    recorded("toggleGroupPrivateEndpointRegionalMode", Sandbox::generic),
    documented("updateGroupPrivateEndpointEndpointService", update),
];

/// The key of the services of a cloud.
fn services(sandbox: &Sandbox, call: &Call<'_>, cloud: &str) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let endpoints = below(&project_key(project), "privateEndpoint");
    Ok(below(&below(&endpoints, cloud), "endpointService"))
}

/// The key of the service that the path names.
fn service(sandbox: &Sandbox, call: &Call<'_>, cloud: &str) -> Result<String, ApiError> {
    let key = below(
        &services(sandbox, call, cloud)?,
        call.path("endpointServiceId"),
    );
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cloud = call.text("providerName").unwrap_or("AWS");
    let services = services(sandbox, call, cloud)?;
    let region = call.text("region").unwrap_or_default();
    let id = sandbox.new_hex_id();
    let mut body = json!({
        "cloudProvider": cloud,
        "errorMessage": null,
        "id": id,
        "regionName": region,
        "status": "INITIATING",
    });
    let digits = hex(&Md5::digest(&id));
    let place = region.to_ascii_lowercase().replace('_', "-");
    let made = match cloud {
        "AZURE" => {
            body["privateEndpoints"] = json!([]);
            body["privateLinkServiceName"] = Value::Null;
            body["privateLinkServiceResourceId"] = Value::Null;
            let name = format!("pls_{}", &digits[..24]);
            json!({
                "privateLinkServiceName": name,
                "privateLinkServiceResourceId": format!(
                    "/subscriptions/{}/resourceGroups/rg_{}/providers/\
                     Microsoft.Network/privateLinkServices/{name}",
                    uuid(&digits),
                    &digits[..24],
                ),
            })
        }
        "GCP" => {
            let mapped = call.body.get("portMappingEnabled") == Some(&true.into());
            body["endpointGroupNames"] = json!([]);
            body["portMappingEnabled"] = mapped.into();
            body["serviceAttachmentNames"] = json!([]);
            let attachments = if mapped { 1 } else { ATTACHMENTS };
            let names = (0..attachments).map(|number| {
                Value::from(format!(
                    "projects/p-{}/regions/{place}/serviceAttachments/sa-{place}-{}-{number}",
                    &digits[..24],
                    &digits[..24],
                ))
            });
            json!({"serviceAttachmentNames": names.collect::<Vec<_>>()})
        }
        _ => {
            body["endpointServiceName"] = Value::Null;
            body["interfaceEndpoints"] = json!([]);
            let remote = call.body.get("supportedRemoteRegions");
            body["supportedRemoteRegions"] = remote.cloned().unwrap_or_else(|| json!([]));
            let name = format!("com.amazonaws.vpce.{place}.vpce-svc-{}", &digits[..17]);
            json!({ "endpointServiceName": name })
        }
    };
    let mut ready = made;
    ready["status"] = "AVAILABLE".into();
    let key = below(&services, &id);
    sandbox.write(&key, body.clone(), call)?;
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Merge(ready));
    Ok(Answer::exactly(body).status(StatusCode::CREATED))
}

/// The number of attachments of a service of Google Cloud.
const ATTACHMENTS: u32 = 6;

fn uuid(digits: &str) -> String {
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = parts.map(|(from, to)| digits.get(from..to).unwrap_or_default());
    parts.join("-")
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let services = services(sandbox, call, call.path("cloudProvider"))?;
    let services = sandbox.store.children(&services).into_iter();
    let services = services.map(|(key, _)| shown(sandbox, key));
    Ok(Answer::list(services.collect()).unshaped())
}

/// A service with the names of its endpoints.
fn shown(sandbox: &Sandbox, key: &str) -> Value {
    let mut body = sandbox.body(key);
    let endpoints = sandbox.store.children(&below(key, "endpoint")).into_iter();
    let endpoints: Value = endpoints.map(|(key, _)| Value::from(last(key))).collect();
    let field = match body["cloudProvider"].as_str() {
        Some("AZURE") => "privateEndpoints",
        Some("GCP") => "endpointGroupNames",
        _ => "interfaceEndpoints",
    };
    body[field] = endpoints;
    body
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = service(sandbox, call, call.path("cloudProvider"))?;
    Ok(Answer::exactly(shown(sandbox, &key)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cloud = call.text("cloudProvider").unwrap_or("AWS");
    let key = service(sandbox, call, cloud)?;
    if let Some(regions) = call.body.get("supportedRemoteRegions") {
        let regions = json!({ "supportedRemoteRegions": regions });
        sandbox.store.merge(&key, &regions);
    }
    Ok(Answer::exactly(shown(sandbox, &key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = service(sandbox, call, call.path("cloudProvider"))?;
    sandbox.store.remove(&key);
    Ok(Answer::braces().status(StatusCode::ACCEPTED))
}

fn create_endpoint(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cloud = call.path("cloudProvider");
    let service = service(sandbox, call, cloud)?;
    let asked = store::object(&call.body);
    let name = if cloud == "GCP" {
        "endpointGroupName"
    } else {
        "id"
    };
    let Some(id) = call.text(name).map(str::to_owned) else {
        return Err(refuse::invalid(name, "required field is missing"));
    };
    let key = below(&below(&service, "endpoint"), &id);
    if sandbox.store.contains(&key) {
        return Err(refuse::taken("private endpoint", &id));
    }
    let mut body = json!({
        "cloudProvider": cloud,
        "deleteRequested": false,
        "errorMessage": null,
    });
    let ready = match cloud {
        "AZURE" => {
            let digits = hex(&Md5::digest(&key));
            let connection = format!(
                "{}.{}",
                id.rsplit('/').next().unwrap_or_default(),
                uuid(&digits)
            );
            body["privateEndpointConnectionName"] = connection.into();
            let address = asked.get("privateEndpointIPAddress");
            body["privateEndpointIPAddress"] = address.cloned().unwrap_or_default();
            body["privateEndpointResourceId"] = id.into();
            body["status"] = "INITIATING".into();
            json!({"status": "AVAILABLE"})
        }
        "GCP" => {
            let rules = asked.get("endpoints").and_then(Value::as_array);
            let rules = rules.into_iter().flatten().map(|rule| {
                json!({
                    "endpointName": rule["endpointName"],
                    "ipAddress": rule["ipAddress"],
                    "status": "INITIATING",
                })
            });
            let rules: Vec<Value> = rules.collect();
            let mut available = rules.clone();
            for rule in &mut available {
                rule["status"] = "AVAILABLE".into();
            }
            body["endpointGroupName"] = id.into();
            body["endpoints"] = rules.into();
            body["gcpProjectId"] = asked.get("gcpProjectId").cloned().unwrap_or_default();
            body["portMappingEnabled"] = sandbox.body(&service)["portMappingEnabled"].clone();
            body["status"] = "INITIATING".into();
            json!({"endpoints": available, "status": "AVAILABLE"})
        }
        _ => {
            body["connectionStatus"] = "PENDING_ACCEPTANCE".into();
            body["interfaceEndpointId"] = id.into();
            json!({"connectionStatus": "AVAILABLE"})
        }
    };
    sandbox.write(&key, body.clone(), call)?;
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Merge(ready));
    Ok(Answer::exactly(body))
}

fn endpoint(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let service = service(sandbox, call, call.path("cloudProvider"))?;
    let key = below(&below(&service, "endpoint"), call.path("endpointId"));
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn get_endpoint(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = endpoint(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn delete_endpoint(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = endpoint(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}
