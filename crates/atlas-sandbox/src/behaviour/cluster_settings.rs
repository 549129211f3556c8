//! Settings and actions of clusters that are not part of the cluster documents.

use atlas_model::ApiError;
use serde_json::{Map, Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{Through, cluster_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupClusterGlobalWriteCustomZoneMapping", map_zones),
    documented(
        "createGroupClusterGlobalWriteManagedNamespace",
        manage_namespace,
    ),
    recorded("createGroupClusterIndexRollingIndex", roll_index),
    documented(
        "deleteGroupClusterGlobalWriteCustomZoneMapping",
        unmap_zones,
    ),
    documented(
        "deleteGroupClusterGlobalWriteManagedNamespaces",
        forget_namespace,
    ),
    documented("endGroupClusterOutageSimulation", end_outage),
    documented("getGroupClusterGlobalWrites", global_writes),
    documented("getGroupClusterOutageSimulation", outage),
    documented("getGroupClusterProcessArgs", arguments),
    documented("grantGroupClusterMongoDbEmployeeAccess", grant_access),
    documented("pinGroupClusterFeatureCompatibilityVersion", pin_version),
    documented("restartGroupClusterPrimaries", restart_primaries),
    documented("revokeGroupClusterMongoDbEmployeeAccess", revoke_access),
    documented("startGroupClusterOutageSimulation", start_outage),
    documented(
        "unpinGroupClusterFeatureCompatibilityVersion",
        unpin_version,
    ),
    recorded("updateGroupClusterProcessArgs", update_arguments),
];

/// The key of the cluster that the path names.
fn cluster(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(cluster_key(project, name))
}

/// The arguments that were set, including those that the cluster shows in its settings.
fn set_arguments(sandbox: &Sandbox, cluster: &str) -> Value {
    let mut set = sandbox.body(&below(cluster, "processArgs"));
    let shown = &sandbox.body(cluster)["advancedConfiguration"];
    store::merge(&mut set, &Value::Object(store::object(shown)));
    set
}

fn arguments(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cluster = cluster(sandbox, call)?;
    Ok(Answer::exactly(all_arguments(
        call,
        &set_arguments(sandbox, &cluster),
    )))
}

fn update_arguments(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cluster = cluster(sandbox, call)?;
    let key = below(&cluster, "processArgs");
    let mut set = sandbox.body(&key);
    let asked = store::object(&call.body);
    // The cluster shows some of them in its settings.
    let mut shown = sandbox.body(&cluster)["advancedConfiguration"].clone();
    if let Some(fields) = shown.as_object_mut() {
        for (name, value) in &asked {
            if let Some(field) = fields.get_mut(name) {
                field.clone_from(value);
            }
        }
        let changed = json!({ "advancedConfiguration": shown });
        sandbox.store.merge(&cluster, &changed);
    }
    store::merge(&mut set, &Value::Object(asked));
    sandbox.write(&key, set, call)?;
    Ok(Answer::exactly(all_arguments(
        call,
        &set_arguments(sandbox, &cluster),
    )))
}

/// All arguments, with null for those without a value.
fn all_arguments(call: &Call<'_>, set: &Value) -> Value {
    let mut all = json!({
        "changeStreamOptionsPreAndPostImagesExpireAfterSeconds": null,
        "chunkMigrationConcurrency": null,
        "customOpensslCipherConfigTls12": [],
        "customOpensslCipherConfigTls13": [],
        "defaultMaxTimeMS": null,
        "defaultReadConcern": null,
        "defaultWriteConcern": "majority",
        "failIndexKeyTooLong": null,
        "javascriptEnabled": true,
        "minimumEnabledTlsProtocol": "TLS1_2",
        "noTableScan": false,
        "oplogMinRetentionHours": null,
        "oplogSizeMB": null,
        "queryStatsLogVerbosity": null,
        "sampleRefreshIntervalBIConnector": null,
        "sampleSizeBIConnector": null,
        "tlsCipherConfigMode": "DEFAULT",
        "transactionLifetimeLimitSeconds": null,
    });
    store::merge(&mut all, &Value::Object(store::object(set)));
    if call.version.name.as_str() >= "2024-08-05"
        && let Some(fields) = all.as_object_mut()
    {
        for former in ["defaultReadConcern", "failIndexKeyTooLong"] {
            fields.remove(former);
        }
    }
    all
}

fn global(sandbox: &Sandbox, call: &Call<'_>) -> Result<(String, Value), ApiError> {
    let cluster = cluster(sandbox, call)?;
    let mut body = json!({"customZoneMapping": {}, "managedNamespaces": []});
    let own = &sandbox.body(&cluster)["globalClusterSelfManagedSharding"];
    body["selfManagedSharding"] = (*own == true).into();
    let key = below(&cluster, "globalWrites");
    store::merge(&mut body, &sandbox.body(&key));
    Ok((key, body))
}

fn global_writes(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(Answer::exactly(global(sandbox, call)?.1))
}

/// Stores the settings of global writes and returns them.
fn keep(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    key: &str,
    body: Value,
) -> Result<Answer, ApiError> {
    sandbox.write(key, body.clone(), call)?;
    Ok(Answer::exactly(body))
}

fn map_zones(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, mut body) = global(sandbox, call)?;
    let shards = sandbox.body(&cluster(sandbox, call)?)["replicationSpecs"].clone();
    let id = match call.version.name.as_str() {
        "2023-01-01" | "2023-02-01" => "id",
        _ => "zoneId",
    };
    let mut mapping: Map<String, Value> = store::object(&body["customZoneMapping"]);
    let asked = call
        .body
        .get("customZoneMappings")
        .and_then(Value::as_array);
    for zone in asked.into_iter().flatten() {
        let shards = shards.as_array().into_iter().flatten();
        let mut of_zone = shards.filter(|shard| shard["zoneName"] == zone["zone"]);
        let Some(shard) = of_zone.next() else {
            let name = zone["zone"].as_str().unwrap_or_default();
            let problem = format!("the cluster has no zone {name:?}");
            return Err(refuse::invalid("customZoneMappings", &problem));
        };
        let location = zone["location"].as_str().unwrap_or_default();
        mapping.insert(location.to_owned(), shard[id].clone());
    }
    body["customZoneMapping"] = mapping.into();
    keep(sandbox, call, &key, body)
}

fn unmap_zones(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, mut body) = global(sandbox, call)?;
    body["customZoneMapping"] = json!({});
    keep(sandbox, call, &key, body)
}

fn manage_namespace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, mut body) = global(sandbox, call)?;
    let mut asked = json!({
        "isCustomShardKeyHashed": false,
        "isShardKeyUnique": false,
        "presplitHashedZones": false,
    });
    store::merge(&mut asked, &Value::Object(store::object(&call.body)));
    let same = |it: &Value| it["db"] == asked["db"] && it["collection"] == asked["collection"];
    if let Some(namespaces) = body["managedNamespaces"].as_array_mut() {
        if namespaces.iter().any(same) {
            let (db, collection) = (asked["db"].as_str(), asked["collection"].as_str());
            let name = format!(
                "{}.{}",
                db.unwrap_or_default(),
                collection.unwrap_or_default()
            );
            return Err(refuse::taken("managed namespace", &name));
        }
        namespaces.push(asked);
    }
    keep(sandbox, call, &key, body)
}

fn forget_namespace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (key, mut body) = global(sandbox, call)?;
    let is_named = |it: &Value| {
        let is = |name: &str| call.query(name).is_none_or(|asked| it[name] == asked);
        is("db") && is("collection")
    };
    if let Some(namespaces) = body["managedNamespaces"].as_array_mut() {
        namespaces.retain(|namespace| !is_named(namespace));
    }
    keep(sandbox, call, &key, body)
}

/// The key of a cluster's outage simulation, which may not exist.
fn simulation(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    Ok(below(&cluster(sandbox, call)?, "outageSimulation"))
}

fn known_simulation(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = simulation(sandbox, call)?;
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        let name = call.path("clusterName");
        Err(refuse::missing("outage simulation of cluster", name))
    }
}

fn start_outage(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = simulation(sandbox, call)?;
    let name = call.path("clusterName");
    if sandbox.store.contains(&key) {
        return Err(refuse::taken("outage simulation of cluster", name));
    }
    let filters = call.body.get("outageFilters").cloned();
    let body = json!({
        "clusterName": name,
        "groupId": call.path("groupId"),
        "id": sandbox.new_hex_id(),
        "outageFilters": filters.unwrap_or_else(|| json!([])),
        "startRequestDate": call.now.to_string(),
        "state": "START_REQUESTED",
    });
    sandbox.write(&key, body.clone(), call)?;
    let time = sandbox.provisioning_time;
    let half = super::exports::part(time, 1, 2);
    let starting = Change::Merge(json!({"state": "STARTING"}));
    sandbox
        .store
        .schedule(later(call.now, half), &key, starting);
    let running = Change::Merge(json!({"state": "SIMULATING"}));
    sandbox.store.schedule(later(call.now, time), &key, running);
    Ok(Answer::exactly(body))
}

fn outage(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = known_simulation(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn end_outage(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = known_simulation(sandbox, call)?;
    sandbox.store.unschedule(&key);
    let requested = json!({"state": "RECOVERY_REQUESTED"});
    sandbox.store.merge(&key, &requested);
    let body = sandbox.body(&key);
    let time = sandbox.provisioning_time;
    let half = super::exports::part(time, 1, 2);
    let recovering = Change::Merge(json!({"state": "RECOVERING"}));
    sandbox
        .store
        .schedule(later(call.now, half), &key, recovering);
    sandbox
        .store
        .schedule(later(call.now, time), &key, Change::Remove);
    Ok(Answer::exactly(body))
}

fn restart_primaries(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    cluster(sandbox, call)?;
    Ok(Answer::empty())
}

/// Starts building an index; the response has no body.
fn roll_index(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    cluster(sandbox, call)?;
    Ok(Answer::empty())
}

fn pin_version(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let date = call.text("expirationDate");
    let in_four_weeks = jiff::SignedDuration::from_hours(24 * 28);
    let date = date.map_or_else(|| later(call.now, in_four_weeks).to_string(), str::to_owned);
    let pinned = json!({ "featureCompatibilityVersionExpirationDate": date });
    sandbox.store.merge(&key, &pinned);
    Ok(Answer::empty())
}

fn unpin_version(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let unpinned = json!({"featureCompatibilityVersionExpirationDate": null});
    sandbox.store.merge(&key, &unpinned);
    Ok(Answer::empty())
}

fn grant_access(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let granted = json!({ "mongoDBEmployeeAccessGrant": call.body });
    sandbox.store.merge(&key, &granted);
    Ok(Answer::empty())
}

fn revoke_access(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let revoked = json!({"mongoDBEmployeeAccessGrant": null});
    sandbox.store.merge(&key, &revoked);
    Ok(Answer::empty())
}
