//! Default limits of projects, and rate limits.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getDefaultGroupLimit", get_default),
    documented("getRateLimit", get_rate),
    documented("listDefaultGroupLimits", list_defaults),
    documented("listRateLimits", list_rates),
];

/// Default limits of projects: name, description, default and maximum.
const DEFAULTS: [(&str, &str, u32, u32); 13] = [
    ("MONGODB_USERS", "Database users of a project", 100, 900),
    ("NUM_CLUSTERS", "Clusters of a project", 25, 100),
    (
        "NUM_SERVERLESS_MTMS",
        "Serverless instances of a project",
        100,
        100,
    ),
    (
        "NUM_USER_CUSTOM_ROLES",
        "Custom database roles of a project",
        100,
        1400,
    ),
    (
        "MAX_NETWORK_PERMISSION_ENTRIES",
        "Entries of the access list of a project",
        200,
        220,
    ),
    (
        "MAX_CROSS_REGION_NETWORK_PERMISSION_ENTRIES",
        "Entries for peered networks of other regions",
        40,
        220,
    ),
    (
        "MAX_NODES_PER_PRIVATELINK_REGION",
        "Nodes of a region with private endpoints",
        50,
        90,
    ),
    (
        "BYTES_PROCESSED_QUERY",
        "Bytes that a federated query may read",
        0,
        0,
    ),
    (
        "BYTES_PROCESSED_DAILY",
        "Bytes that federated queries may read in a day",
        0,
        0,
    ),
    (
        "BYTES_PROCESSED_WEEKLY",
        "Bytes that federated queries may read in a week",
        0,
        0,
    ),
    (
        "BYTES_PROCESSED_MONTHLY",
        "Bytes that federated queries may read in a month",
        0,
        0,
    ),
    (
        "NUM_PRIVATE_SERVICE_CONNECTIONS_PER_REGION_GROUP",
        "Private service connections of a region",
        50,
        100,
    ),
    (
        "GCP_PSC_NAT_SUBNET_MASK",
        "Bits of the mask of a subnet at Google Cloud",
        27,
        27,
    ),
];

/// The groups of operations that share a bucket of the sandbox.
const RATES: [(&str, &str, u32, u32, &str); 4] = [
    (
        "clusters",
        "Clusters and projects",
        10_000,
        5000,
        "/api/atlas/v2/groups/{groupId}/clusters",
    ),
    (
        "backups",
        "Cloud backups, and everything else",
        1200,
        500,
        "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/snapshots",
    ),
    (
        "flex",
        "Flex clusters",
        1200,
        500,
        "/api/atlas/v2/groups/{groupId}/flexClusters",
    ),
    (
        "tenant",
        "Backups of the shared tier",
        4000,
        2000,
        "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/snapshots",
    ),
];

fn default((name, description, default, most): (&str, &str, u32, u32)) -> Value {
    // Zero means no bound.
    let bound = |bound: u32| {
        if bound == 0 {
            Value::Null
        } else {
            bound.into()
        }
    };
    json!({
        "defaultLimit": bound(default),
        "description": description,
        "maximumLimit": bound(most),
        "name": name,
    })
}

fn list_defaults(_: &mut Sandbox, _: &Call<'_>) -> Result<Answer, ApiError> {
    let all = DEFAULTS.into_iter().map(default);
    Ok(Answer::list(all.collect()).unshaped())
}

fn get_default(_: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let asked = call.path("limitName");
    match DEFAULTS.into_iter().find(|(name, ..)| *name == asked) {
        Some(found) => Ok(Answer::exactly(default(found))),
        None => Err(refuse::missing("default limit", asked)),
    }
}

fn rate((id, name, capacity, refill, path): (&str, &str, u32, u32, &str)) -> Value {
    let value = |value: u32| json!({"defaultValue": value, "value": value});
    json!({
        "capacity": value(capacity),
        "endpointSetId": id,
        "endpointSetName": name,
        "endpoints": [{"method": "GET", "path": path}, {"method": "POST", "path": path}],
        "refillDurationSeconds": value(60),
        "refillRate": value(refill),
        "scope": "USER",
    })
}

fn list_rates(_: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let asked = call.query("endpointPath");
    let fitting = RATES
        .into_iter()
        .filter(|it| asked.is_none_or(|asked| it.4 == asked));
    Ok(Answer::list(fitting.map(rate).collect()).unshaped())
}

fn get_rate(_: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let asked = call.path("endpointSetId");
    match RATES.into_iter().find(|(id, ..)| *id == asked) {
        Some(found) => Ok(Answer::exactly(rate(found))),
        None => Err(refuse::missing("endpoint set", asked)),
    }
}
