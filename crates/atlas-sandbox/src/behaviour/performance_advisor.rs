//! The suggestions of the performance advisor, which are the same for every cluster.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::shape::made_id;
use crate::behaviour::processes::named;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::Through;
use crate::world::{FIRST_SNAPSHOT, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented(
        "listGroupClusterPerformanceAdvisorDropIndexSuggestions",
        unused_indexes,
    ),
    documented(
        "listGroupClusterPerformanceAdvisorSchemaAdvice",
        schema_advice,
    ),
    documented(
        "listGroupClusterPerformanceAdvisorSuggestedIndexes",
        cluster_indexes,
    ),
    recorded("listGroupProcessPerformanceAdvisorNamespaces", namespaces),
    recorded(
        "listGroupProcessPerformanceAdvisorSlowQueryLogs",
        slow_queries,
    ),
    recorded(
        "listGroupProcessPerformanceAdvisorSuggestedIndexes",
        indexes,
    ),
];

/// The collection of all suggestions.
const NAMESPACE: &str = "shop.orders";

fn namespaces(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    named(sandbox, call)?;
    let namespaces = json!([{"namespace": NAMESPACE, "type": "collection"}]);
    Ok(Answer::exactly(json!({ "namespaces": namespaces })))
}

/// Whether a request includes the collection.
fn is_wanted(call: &Call<'_>) -> bool {
    let mut asked = call.query.iter().filter(|(name, _)| name == "namespaces");
    let any = call.query("namespaces").is_none();
    any || asked.any(|(_, value)| value == NAMESPACE)
}

fn slow_queries(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    named(sandbox, call)?;
    let line = json!({
        "t": {"$date": call.now.to_string()},
        "s": "I",
        "c": "COMMAND",
        "msg": "Slow query",
        "attr": {"type": "command", "ns": NAMESPACE, "planSummary": "COLLSCAN", "durationMillis": 240},
    });
    let query = json!({
        "line": line.to_string(),
        "metrics": {
            "docsExamined": 1000,
            "docsReturned": 10,
            "fromUserConnection": true,
            "hasIndexCoverage": false,
            "hasSort": false,
            "keysExamined": 0,
            "operationExecutionTime": 240,
            "responseLength": 4096,
        },
        "namespace": NAMESPACE,
        "opType": "FIND",
        "replicaState": "PRIMARY",
    });
    let queries: Vec<Value> = is_wanted(call).then_some(query).into_iter().collect();
    Ok(Answer::exactly(json!({ "slowQueries": queries })))
}

fn indexes(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = named(sandbox, call)?.id();
    Ok(Answer::exactly(suggested(call, &id)))
}

/// A suggested index, and the queries that it would improve.
fn suggested(call: &Call<'_>, of: &str) -> Value {
    if !is_wanted(call) {
        return json!({"shapes": [], "suggestedIndexes": []});
    }
    let shape_id = made_id(&format!("{of} shape"));
    json!({
        "shapes": [{
            "avgMs": 240,
            "count": 12,
            "id": shape_id,
            "inefficiencyScore": 100,
            "namespace": NAMESPACE,
            "operations": [],
        }],
        "suggestedIndexes": [{
            "avgObjSize": 512.0,
            "id": made_id(&format!("{of} index")),
            "impact": [shape_id],
            "index": [{"customer": 1}],
            "namespace": NAMESPACE,
            "weight": 100.0,
        }],
    })
}

/// The response for a cluster, which is always in an envelope.
fn of_cluster(sandbox: &Sandbox, call: &Call<'_>, content: &Value) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(Answer::exactly(json!({"content": content, "status": 200})))
}

fn cluster_indexes(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let content = suggested(call, call.path("clusterName"));
    of_cluster(sandbox, call, &content)
}

fn unused_indexes(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let content = json!({
        "hiddenIndexes": [],
        "redundantIndexes": [],
        "unusedIndexes": [{
            "accessCount": 0,
            "index": [{"state": 1}],
            "name": "state_1",
            "namespace": NAMESPACE,
            "shards": [],
            "since": FIRST_SNAPSHOT.to_string(),
            "sizeBytes": 4096,
        }],
    });
    of_cluster(sandbox, call, &content)
}

fn schema_advice(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let content = json!({
        "recommendations": [{
            "affectedNamespaces": [{"namespace": NAMESPACE, "triggers": []}],
            "description": "Some indexes are never used.",
            "recommendation": "REMOVE_UNNECESSARY_INDEXES",
        }],
    });
    of_cluster(sandbox, call, &content)
}
