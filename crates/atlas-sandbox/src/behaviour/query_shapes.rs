//! Query shapes of clusters: built-in ones that can be rejected.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::find::{Through, cluster_key};
use crate::store::below;
use crate::world::{Sandbox, hex};
use md5::{Digest, Md5};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getGroupClusterQueryShape", get),
    documented("getGroupClusterQueryShapeInsightDetails", details),
    documented("listGroupClusterQueryShapeInsightSummaries", summaries),
    documented("listGroupClusterQueryShapes", list),
    documented("updateGroupClusterQueryShape", update),
];

/// The queries of every cluster: command, namespace and shape.
const QUERIES: [(&str, &str, &str); 3] = [
    (
        "FIND",
        "shop.orders",
        "{\"find\":\"orders\",\"filter\":{\"customer\":{\"$eq\":\"?string\"}}}",
    ),
    (
        "AGGREGATE",
        "shop.carts",
        "{\"aggregate\":\"carts\",\"pipeline\":[{\"$group\":{\"_id\":\"$state\"}}]}",
    ),
    (
        "DISTINCT",
        "sample.places",
        "{\"distinct\":\"places\",\"key\":\"country\"}",
    ),
];

/// The hash of a query shape: 64 uppercase hexadecimal digits.
fn hash(shape: &str) -> String {
    let halves = ["", " "].map(|salt| hex(&Md5::digest(format!("{salt}{shape}"))));
    halves.concat().to_ascii_uppercase()
}

/// The key of a cluster's query shapes.
fn shapes(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(below(&cluster_key(project, name), "queryShapes"))
}

/// A shape as responses show it.
fn shown(sandbox: &Sandbox, shapes: &str, query: (&str, &str, &str)) -> Value {
    let (command, namespace, shape) = query;
    let hash = hash(shape);
    let status = sandbox.body(&below(shapes, &hash))["status"].clone();
    json!({
        "command": command,
        "namespace": namespace,
        "queryShape": shape,
        "queryShapeHash": hash,
        "status": status.as_str().unwrap_or("UNREJECTED"),
    })
}

/// The query whose hash the path names.
fn query(call: &Call<'_>) -> Result<(&'static str, &'static str, &'static str), ApiError> {
    let asked = call.path("queryShapeHash");
    let found = QUERIES.iter().find(|(_, _, shape)| hash(shape) == asked);
    found
        .copied()
        .ok_or_else(|| refuse::missing("query shape", asked))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let shapes = shapes(sandbox, call)?;
    let wanted = call.query("status");
    let all = QUERIES.map(|query| shown(sandbox, &shapes, query));
    let all = all
        .into_iter()
        .filter(|shape| wanted.is_none_or(|status| shape["status"] == status));
    Ok(Answer::list(all.collect()))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let shapes = shapes(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, &shapes, query(call)?)))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let shapes = shapes(sandbox, call)?;
    let query = query(call)?;
    let key = below(&shapes, &hash(query.2));
    let status = call.body.get("status").cloned().unwrap_or_default();
    sandbox.write(&key, json!({ "status": status }), call)?;
    Ok(Answer::exactly(shown(sandbox, &shapes, query)))
}

/// The statistics of a query.
fn statistics((command, namespace, shape): (&str, &str, &str)) -> Value {
    json!({
        "avgWorkingMillis": 12.0,
        "bytesRead": 40_960.0,
        "command": command.to_ascii_lowercase(),
        "cpuTime": 8_000_000.0,
        "docsExamined": 1000.0,
        "docsExaminedRatio": 100.0,
        "docsReturned": 10.0,
        "execCount": 12.0,
        "keysExamined": 0.0,
        "keysExaminedRatio": 0.0,
        "lastExecMicros": 11_000.0,
        "namespace": namespace,
        "p50ExecMicros": 10_000.0,
        "p90ExecMicros": 15_000.0,
        "p99ExecMicros": 20_000.0,
        "queryShape": shape,
        "queryShapeHash": hash(shape),
        "systemQuery": false,
        "totalTimeToResponseMicros": 120_000.0,
        "totalWorkingMillis": 144.0,
    })
}

fn summaries(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    shapes(sandbox, call)?;
    let asked = |name: &str, value: &str| {
        let mut values = call
            .query
            .iter()
            .filter(|(known, _)| known == name)
            .peekable();
        values.peek().is_none() || values.any(|(_, asked)| asked.eq_ignore_ascii_case(value))
    };
    let most = call.query("nSummaries").and_then(|text| text.parse().ok());
    let chosen = QUERIES.iter().filter(|(command, namespace, shape)| {
        asked("commands", command)
            && asked("namespaces", namespace)
            && asked("queryShapeHashes", &hash(shape))
    });
    let chosen = chosen.take(most.unwrap_or(usize::MAX));
    let summaries: Vec<Value> = chosen.map(|query| statistics(*query)).collect();
    Ok(Answer::exactly(json!({ "summaries": summaries })))
}

fn details(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    shapes(sandbox, call)?;
    let query = query(call)?;
    let seen = |seconds_ago: i64| {
        let at = call.now.as_second().saturating_sub(seconds_ago);
        json!({
            "applicationName": "shop",
            "driverName": "nodejs",
            "driverVersion": "6.8.0",
            "timestamp": at.saturating_mul(1000),
        })
    };
    Ok(Answer::exactly(json!({
        "firstSeen": seen(24 * 3600),
        "lastSeen": seen(60),
        "queryStats": statistics(query),
    })))
}
