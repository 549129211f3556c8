//! Stream processing: workspaces, their connections and processors, and private links.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::masks::forget_secrets;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, below};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupStreamConnection", create_connection),
    recorded("createGroupStreamPrivateLinkConnection", create_link),
    recorded("createGroupStreamWorkspace", create),
    recorded("deleteGroupStreamConnection", delete),
    recorded("deleteGroupStreamPrivateLinkConnection", delete),
    recorded("deleteGroupStreamWorkspace", delete),
    recorded("getGroupStreamConnection", get),
    recorded("getGroupStreamPrivateLinkConnection", get),
    recorded("getGroupStreamWorkspace", get_workspace),
    recorded("listGroupStreamConnections", list),
    recorded("listGroupStreamPrivateLinkConnections", list),
    recorded("listGroupStreamWorkspaces", list),
    recorded("updateGroupStreamConnection", update_connection),
    recorded("updateGroupStreamWorkspace", update_workspace),
    documented("createGroupStreamProcessor", create_processor),
    documented("deleteGroupStreamProcessor", delete),
    documented("getGroupStreamAccountDetails", account_details),
    documented("getGroupStreamProcessor", get),
    documented("getGroupStreamProcessors", list_processors),
    documented("startGroupStreamProcessor", start_processor),
    documented("startGroupStreamProcessorWith", start_processor),
    documented("stopGroupStreamProcessor", stop_processor),
    documented("updateGroupStreamPrivateLinkConnection", update),
    documented("updateGroupStreamProcessor", update_processor),
    documented("withGroupStreamSampleConnections", create_with_samples),
];

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let all = sandbox.store.children(&call.whole_key()).into_iter();
    Ok(Answer::list(all.map(|(_, it)| it.body.clone()).collect()).unshaped())
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    sandbox.store.remove(&key);
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// Changes the resource that the path names, except its name.
fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    let mut fields = asked(call);
    fields.as_object_mut().map(|fields| fields.remove("name"));
    sandbox.store.merge(&key, &fields);
    sandbox.writes += 1;
    get(sandbox, call)
}

/// The body of a request without the fields that responses do not show.
fn asked(call: &Call<'_>) -> Value {
    let mut body = Value::Object(store::object(&call.body));
    if let Some(schema) = call.version.request_schema() {
        forget_secrets(schema, &mut body);
    }
    body
}

/// Stores a new resource under its name, which must be free.
fn keep(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    collection: &str,
    kind: &str,
    body: Value,
) -> Result<String, ApiError> {
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(refuse::invalid("name", "is required"));
    }
    let key = below(collection, &name);
    if sandbox.store.contains(&key) {
        return Err(refuse::taken(kind, &name));
    }
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    Ok(key)
}

/// Creates a workspace and returns its key.
fn make(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    sandbox.check_parents(call)?;
    let id = sandbox.new_hex_id();
    let mut body = json!({
        "dataProcessRegion": {"cloudProvider": "AWS", "region": "VIRGINIA_USA"},
        "failoverRegions": [],
        "name": format!("Workspace-{}", &id[18..]),
        "streamConfig": {"maxTierSize": "SP50", "tier": "SP30"},
    });
    store::merge(&mut body, &asked(call));
    let region = body["dataProcessRegion"]["region"].as_str();
    let region = region.unwrap_or_default().to_ascii_lowercase();
    let region = region.replace('_', "-");
    let host = format!("atlas-stream-{id}.{region}.a.query.sandbox.example");
    body["_id"] = id.into();
    body["groupId"] = call.path("groupId").into();
    body["hostnames"] = json!([host]);
    if let Value::Object(body) = &mut body {
        body.remove("sampleConnections");
    }
    let collection = below(&call.key(2), "streams");
    keep(sandbox, call, &collection, "stream workspace", body)
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = make(sandbox, call)?;
    if call.body["sampleConnections"]["solar"] == true {
        add_sample(sandbox, call, &key)?;
    }
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn create_with_samples(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = make(sandbox, call)?;
    add_sample(sandbox, call, &key)?;
    let body = with_connections(sandbox, &key);
    Ok(Answer::exactly(body))
}

/// Adds the connection to sample data.
fn add_sample(sandbox: &mut Sandbox, call: &Call<'_>, workspace: &str) -> Result<(), ApiError> {
    let body = json!({"name": "sample_stream_solar", "type": "Sample"});
    connect(sandbox, call, workspace, body).map(drop)
}

/// A workspace with its connections.
fn with_connections(sandbox: &Sandbox, key: &str) -> Value {
    let mut body = sandbox.body(key);
    let connections = sandbox.store.children(&below(key, "connections"));
    let connections = connections.into_iter().map(|(_, it)| it.body.clone());
    body["connections"] = connections.collect();
    body
}

fn get_workspace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    if call.is_set("includeConnections") {
        return Ok(Answer::exactly(with_connections(sandbox, &key)));
    }
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Changes a workspace: in requests, the fields of its region are next to the other ones.
fn update_workspace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    let mut fields = store::object(&call.body);
    fields.remove("name");
    let mut region = sandbox.body(&key)["dataProcessRegion"].clone();
    for name in ["cloudProvider", "region"] {
        if let Some(value) = fields.remove(name) {
            region[name] = value;
        }
    }
    fields.entry("dataProcessRegion").or_insert(region);
    sandbox.store.merge(&key, &Value::Object(fields));
    sandbox.writes += 1;
    get(sandbox, call)
}

/// Creates a connection of a workspace and returns its key.
fn connect(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    workspace: &str,
    mut body: Value,
) -> Result<String, ApiError> {
    let region = sandbox.body(workspace)["dataProcessRegion"]["region"].clone();
    if body.get("region").is_none() && region.is_string() {
        body["region"] = region;
    }
    body["id"] = sandbox.new_hex_id().into();
    body["state"] = "READY".into();
    let collection = below(workspace, "connections");
    keep(sandbox, call, &collection, "stream connection", body)
}

fn create_connection(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = connect(sandbox, call, &call.key(4), asked(call))?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Changes a connection. The response has no state, as recorded.
fn update_connection(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    update(sandbox, call)?;
    let mut body = sandbox.body(&call.whole_key());
    body.as_object_mut().map(|body| body.remove("state"));
    Ok(Answer::exactly(body))
}

/// Creates a private link. The response has no state, as recorded; later reads return `IDLE`.
fn create_link(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let id = sandbox.new_hex_id();
    let mut body = asked(call);
    body["_id"] = id.clone().into();
    let answer = body.clone();
    body["state"] = "IDLE".into();
    sandbox.write(&below(&call.whole_key(), &id), body, call)?;
    sandbox.writes += 1;
    Ok(Answer::exactly(answer))
}

fn create_processor(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let mut body = json!({"pipeline": []});
    store::merge(&mut body, &asked(call));
    body["_id"] = sandbox.new_hex_id().into();
    let answer = body.clone();
    let workspace = sandbox.body(&call.key(4));
    let tiers = [&body["tier"], &workspace["streamConfig"]["tier"]];
    let tier = tiers.into_iter().find(|tier| tier.is_string()).cloned();
    // Newer descriptions have this field, and clients generated from them require it.
    body["effectiveTier"] = tier.unwrap_or_else(|| "SP30".into());
    body["state"] = "CREATED".into();
    body["stats"] = json!({});
    let collection = call.whole_key();
    keep(sandbox, call, &collection, "stream processor", body)?;
    Ok(Answer::exactly(answer))
}

fn list_processors(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let collection = below(&call.key(4), "processor");
    let all = sandbox.store.children(&collection).into_iter();
    Ok(Answer::list(all.map(|(_, it)| it.body.clone()).collect()).unshaped())
}

fn update_processor(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    let fields = asked(call);
    if fields["tier"].is_string() {
        let tier = json!({"effectiveTier": fields["tier"]});
        sandbox.store.merge(&key, &tier);
    }
    let old = call.path("processorName");
    let new = fields["name"].as_str().unwrap_or(old).to_owned();
    if new != old {
        let collection = below(&call.key(4), "processor");
        let mut body = sandbox.body(&key);
        store::merge(&mut body, &fields);
        let key_of_new = keep(sandbox, call, &collection, "stream processor", body)?;
        sandbox.store.remove(&key);
        return Ok(Answer::exactly(sandbox.body(&key_of_new)));
    }
    update(sandbox, call)
}

fn start_processor(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    let mut change = json!({"state": "STARTED"});
    if let Some(tier) = call.body.get("tier") {
        change["tier"] = tier.clone();
        change["effectiveTier"] = tier.clone();
    }
    sandbox.store.merge(&key, &change);
    sandbox.writes += 1;
    Ok(Answer::empty())
}

fn stop_processor(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = sandbox.find_named(call)?;
    sandbox.store.merge(&key, &json!({"state": "STOPPED"}));
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// The network of Atlas at a cloud provider, for peering.
fn account_details(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let provider = call.query("cloudProvider").unwrap_or("aws");
    let cidr = "192.168.240.0/20";
    Ok(Answer::exactly(
        match provider.to_ascii_lowercase().as_str() {
            "azure" => json!({
                "azureSubscriptionId": "11111111-2222-3333-4444-555555555555",
                "cidrBlock": cidr,
                "cloudProvider": "azure",
                "virtualNetworkName": "vnet-sandbox",
            }),
            "gcp" => json!({
                "cidrBlock": cidr,
                "cloudProvider": "gcp",
                "gcpProjectId": "p-sandbox",
                "vpcNetworkName": "vpc-sandbox",
            }),
            _ => json!({
                "awsAccountId": "123456789012",
                "cidrBlock": cidr,
                "cloudProvider": "aws",
                "vpcId": "vpc-0123456789abcdef0",
            }),
        },
    ))
}
