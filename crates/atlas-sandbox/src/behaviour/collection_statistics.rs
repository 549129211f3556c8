//! Latencies of collections, and the pinned collections, which are listed first.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::behaviour::databases::DATABASES;
use crate::behaviour::measurements::in_time;
use crate::behaviour::processes::{check_database, named};
use crate::behaviour::{Behaviour, documented};
use crate::find::{Through, cluster_key};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getGroupClusterCollStatNamespaces", of_cluster),
    documented("getGroupProcessCollStatNamespaces", of_process),
    documented("listGroupClusterCollStatMeasurements", cluster_latencies),
    documented("listGroupClusterCollStatPinnedNamespaces", pinned),
    documented("listGroupProcessCollStatMeasurements", process_latencies),
    documented("pinGroupClusterCollStatPinnedNamespaces", pin),
    documented("unpinGroupClusterCollStatUnpinNamespaces", unpin),
    documented("updateGroupClusterCollStatPinnedNamespaces", pin_more),
];

/// The metrics of a collection unless a request chooses some.
const OF_COLLECTION: [(&str, &str); 4] = [
    ("READS_OPS", "SCALAR"),
    ("READS_LATENCY", "MILLISECONDS"),
    ("WRITES_OPS", "SCALAR"),
    ("WRITES_LATENCY", "MILLISECONDS"),
];

/// The maximum number of pinned collections.
const MOST_PINNED: usize = 100;

/// The key and the id of the cluster that the path names.
fn cluster(sandbox: &Sandbox, call: &Call<'_>) -> Result<(String, Value), ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let key = cluster_key(project, name);
    let id = sandbox.body(&key)["id"].clone();
    Ok((key, id))
}

/// All collections, the pinned ones first.
fn ranked(call: &Call<'_>, id: &Value, pinned: &[Value]) -> Answer {
    let mut namespaces = pinned.to_vec();
    for (database, collections) in DATABASES {
        let all = collections.iter().map(|name| format!("{database}.{name}"));
        let others = all.map(Value::from).filter(|name| !pinned.contains(name));
        namespaces.extend(others.collect::<Vec<_>>());
    }
    Answer::exactly(json!({
        "groupId": call.path("groupId"),
        "identifierId": id,
        "rankedNamespaces": namespaces,
    }))
}

fn of_cluster(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, id) = cluster(sandbox, call)?;
    let pinned = namespaces(&sandbox.body(&pins(&key)));
    Ok(ranked(call, &id, &pinned))
}

fn of_process(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    Ok(ranked(call, &process.id().into(), &[]))
}

/// The latencies of the collection that the path names.
fn latencies(call: &Call<'_>) -> Result<Value, ApiError> {
    let database = check_database(call)?;
    let mut measured = in_time(call, &OF_COLLECTION, "metrics")?;
    measured["collectionName"] = call.path("collectionName").into();
    measured["databaseName"] = database.into();
    Ok(measured)
}

fn cluster_latencies(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (_, id) = cluster(sandbox, call)?;
    let mut measured = latencies(call)?;
    measured["clusterId"] = id;
    measured["clusterView"] = call.path("clusterView").into();
    Ok(Answer::exactly(measured))
}

fn process_latencies(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let mut measured = latencies(call)?;
    measured["processId"] = process.id().into();
    Ok(Answer::exactly(measured))
}

/// The key of a cluster's pinned collections.
fn pins(cluster: &str) -> String {
    below(&below(cluster, "collStats"), "pinned")
}

fn namespaces(body: &Value) -> Vec<Value> {
    let namespaces = body["namespaces"].as_array();
    namespaces.cloned().unwrap_or_default()
}

fn shown(call: &Call<'_>, id: &Value, pinned: &[Value]) -> Answer {
    Answer::exactly(json!({
        "clusterId": id,
        "groupId": call.path("groupId"),
        "pinnedNamespaces": pinned,
    }))
}

fn pinned(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, id) = cluster(sandbox, call)?;
    let pinned = namespaces(&sandbox.body(&pins(&key)));
    Ok(shown(call, &id, &pinned))
}

/// Adds or removes the pinned collections of a request.
fn change(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    change: fn(&mut Vec<Value>, Vec<Value>),
) -> Result<Answer, ApiError> {
    let (key, id) = cluster(sandbox, call)?;
    let key = pins(&key);
    let mut pinned = namespaces(&sandbox.body(&key));
    change(&mut pinned, namespaces(&call.body));
    pinned.truncate(MOST_PINNED);
    sandbox.write(&key, json!({ "namespaces": pinned }), call)?;
    Ok(shown(call, &id, &pinned))
}

fn pin(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, |pinned, asked| *pinned = asked)
}

fn pin_more(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, |pinned, asked| {
        for namespace in asked {
            if !pinned.contains(&namespace) {
                pinned.push(namespace);
            }
        }
    })
}

fn unpin(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    change(sandbox, call, |pinned, asked| {
        pinned.retain(|namespace| !asked.contains(namespace));
    })
}
