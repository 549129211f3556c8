//! Network peering: containers, and connections to other networks.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::{self, absent};
use crate::behaviour::{Behaviour, documented};
use crate::store::{self, Change, Resource, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupContainer", create_container),
    documented("createGroupPeer", create_peer),
    documented("deleteGroupContainer", delete),
    documented("deleteGroupPeer", delete_peer),
    documented("getGroupContainer", get),
    documented("getGroupPeer", get),
    documented("listGroupContainerAll", list_all_containers),
    documented("listGroupContainers", list),
    documented("listGroupPeers", list),
    documented("updateGroupContainer", update),
    documented("updateGroupPeer", update),
];

/// The key of the resource that the path names; 404 if it does not exist.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = call.whole_key();
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// The matching resources of a collection of the project.
fn those_of(
    sandbox: &Sandbox,
    call: &Call<'_>,
    collection: &str,
    fits: impl Fn(&Resource) -> bool,
) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let all = sandbox.store.children(collection).into_iter();
    let fitting = all.filter(|(_, resource)| fits(resource));
    Ok(Answer::list(fitting.map(|(_, it)| it.body.clone()).collect()).unshaped())
}

/// The resources of a cloud provider; AWS if the query has none.
fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let provider = call.query("providerName").unwrap_or("AWS");
    those_of(sandbox, call, &call.whole_key(), |it| {
        it.text("providerName") == Some(provider)
    })
}

fn list_all_containers(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    those_of(sandbox, call, &call.parent_key(), |_| true)
}

/// Stores a new resource and returns its key.
fn make(sandbox: &mut Sandbox, call: &Call<'_>, more: &Value) -> Result<String, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let id = sandbox.new_hex_id();
    let key = below(&call.whole_key(), &id);
    let mut body = json!({"id": id, "providerName": "AWS"});
    store::merge(&mut body, &call.body);
    store::merge(&mut body, more);
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    Ok(key)
}

/// Creates a container, which has no network until it is used.
fn create_container(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = make(sandbox, call, &json!({"provisioned": false}))?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Requests a connection, which the other side accepts after some time.
fn create_peer(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let provider = call.text("providerName").unwrap_or("AWS");
    let (field, first) = match provider {
        "AWS" => ("statusName", "INITIATING"),
        _ => ("status", "ADDING_PEER"),
    };
    let key = make(sandbox, call, &json!({ (field): first }))?;
    let mut ready = json!({ (field): "AVAILABLE" });
    if provider == "AWS" {
        ready["connectionId"] = sandbox.new_hex_id().into();
    }
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Merge(ready));
    let container = call.text("containerId").unwrap_or_default();
    let container = below(&below(&call.key(2), "containers"), container);
    let network = network(&container, provider);
    sandbox.store.merge(&container, &network);
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// The fields of a container in use.
fn network(container: &str, provider: &str) -> Value {
    let id = store::last(container);
    let mut network = json!({"provisioned": true});
    match provider {
        "AZURE" => {
            network["azureSubscriptionId"] = id.clone().into();
            network["vnetName"] = format!("vnet_{id}").into();
        }
        "GCP" => {
            network["gcpProjectId"] = format!("p-{id}").into();
            let end = id.get(..8).unwrap_or("00000000");
            network["networkName"] = format!("nt-{id}-{end}").into();
        }
        _ => {
            let start = id.get(..17).unwrap_or("0123456789abcdef0");
            network["vpcId"] = format!("vpc-{start}").into();
        }
    }
    network
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.merge(&key, &call.body);
    sandbox.writes += 1;
    get(sandbox, call)
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    sandbox.writes += 1;
    Ok(Answer::empty())
}

/// Starts the deletion of a connection; it can be read until it is gone.
fn delete_peer(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let change = match sandbox.body(&key).get("statusName") {
        Some(_) => json!({"statusName": "TERMINATING"}),
        None => json!({"status": "DELETING"}),
    };
    sandbox.store.unschedule(&key);
    sandbox.store.merge(&key, &change);
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Remove);
    sandbox.writes += 1;
    Ok(generic::shown(call, sandbox.body(&key)))
}
