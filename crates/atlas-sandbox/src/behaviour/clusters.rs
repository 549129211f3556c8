//! Clusters other than Flex clusters: their lifecycle, in the form of each version.

pub(crate) mod document;
mod legacy;
mod older;

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::refuse;
use crate::backups::Backups;
use crate::behaviour::flex::check_name_is_free;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{Through, cluster_key, flex_key};
use crate::store::{self, Change};
use crate::time::later;
use crate::world::{ClusterKind, MAX_SHARDS, MONGODB, Sandbox};
pub(crate) use document::document;
use document::{Disks, SCALING};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("autoGroupClusterScalingConfiguration", scaling),
    recorded("createGroupCluster", create),
    recorded("deleteGroupCluster", delete),
    recorded("getGroupCluster", get),
    documented("getGroupClusterStatus", status),
    recorded("listGroupClusters", list),
    recorded("updateGroupCluster", update),
    documented("upgradeGroupClusterTenantUpgrade", upgrade),
];

/// The oldest MongoDB version of a new cluster: major and minor.
const OLDEST: (u32, u32) = (7, 0);

/// The number of clusters with backups above which the backups of deleted clusters are dropped.
const MOST_BACKED_UP: usize = 20_000;

/// The cluster in a request, in the form in which clusters are stored.
fn asked(call: &Call<'_>, id: &str, known: Option<&Value>) -> Value {
    let disks = known.map(Disks::of).unwrap_or_default();
    let mut asked = match call.version.name.as_str() {
        "2023-01-01" => older::read(id, &legacy::read(&call.body, known), disks),
        "2023-02-01" => older::read(id, &call.body, disks),
        _ => newest(id, &call.body, &disks),
    };
    if call.version.name.as_str() < "2024-08-05" && asked.get("replicationSpecs").is_some() {
        asked[SCALING] = "CLUSTER_WIDE_SCALING".into();
    }
    asked
}

fn newest(id: &str, asked: &Value, disks: &Disks) -> Value {
    let mut asked = store::object(asked);
    if let Some(Value::Array(shards)) = asked.get("replicationSpecs") {
        let shards = document::specs(id, shards, disks);
        asked.insert("replicationSpecs".to_owned(), shards);
    }
    Value::Object(asked)
}

/// A cluster in the form of the requested version.
fn shown(call: &Call<'_>, mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.remove(SCALING);
        let is_sharded = fields.get("clusterType") != Some(&"REPLICASET".into());
        if is_sharded {
            fields
                .entry("configServerManagementMode")
                .or_insert_with(|| "ATLAS_MANAGED".into());
            fields.insert("configServerType".to_owned(), "EMBEDDED".into());
        }
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (project, name) = (text("groupId"), text("name"));
    let links = own_links(call, &cluster_key(project, name));
    let mut shown = match call.version.name.as_str() {
        "2023-01-01" => legacy::shown(&body),
        "2023-02-01" => older::shown(body),
        _ => {
            body["effectiveReplicationSpecs"] = body["replicationSpecs"].clone();
            body
        }
    };
    shown["links"] = links;
    shown
}

/// A cluster as the answer to a call.
fn answer(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Answer {
    Answer::exactly(shown(call, sandbox.body(key)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let clusters = sandbox.store.children(&call.whole_key()).into_iter();
    let clusters = clusters.map(|(_, cluster)| shown(call, cluster.body.clone()));
    Ok(Answer::list(clusters.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(answer(sandbox, call, &cluster_key(project, name)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let Some(name) = call.text("name").map(str::to_owned) else {
        return Err(refuse::invalid("name", "required field is missing"));
    };
    check_name_is_free(sandbox, project, &name, "cluster")?;
    check_hardware(&call.body)?;
    let id = sandbox.new_hex_id();
    let mut body = document::new(project, &name, &id, &call.now.to_string());
    let mut asked = asked(call, &id, None);
    if asked.get("replicationSpecs").is_none() {
        let default = json!([{"regionConfigs": [{}]}]);
        let default = default.as_array().map_or(&[][..], Vec::as_slice);
        asked["replicationSpecs"] = document::specs(&id, default, &Disks::default());
    }
    if asked.get("clusterType").is_none() && asked["replicationSpecs"][1].is_object() {
        asked["clusterType"] = "SHARDED".into();
    }
    apply(&mut body, &asked)?;
    let key = cluster_key(project, &name);
    sandbox.write(&key, body, call)?;
    let kind = document::kind(&sandbox.body(&key));
    begin_backups(sandbox, project, &name, kind);
    ready_later(sandbox, call, &key);
    Ok(answer(sandbox, call, &key))
}

/// Refuses a cluster without hardware or with too many shards.
fn check_hardware(asked: &Value) -> Result<(), ApiError> {
    let is_empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
    let specs = &asked["replicationSpecs"];
    let shards = specs.as_array().into_iter().flatten().map(|zone| {
        let number = zone["numShards"].as_u64().unwrap_or(1);
        number.min(MAX_SHARDS.into()) + u64::from(number > MAX_SHARDS.into())
    });
    let legacy = asked["numShards"].as_u64().unwrap_or(1);
    if shards.sum::<u64>() > MAX_SHARDS.into() || legacy > MAX_SHARDS.into() {
        let problem = format!("expected at most {MAX_SHARDS} shards in all");
        return Err(refuse::invalid("replicationSpecs", &problem));
    }
    let mut zones = specs.as_array().into_iter().flatten();
    if is_empty(specs) || zones.any(|zone| is_empty(&zone["regionConfigs"])) {
        let problem = "expected at least one, with at least one region";
        return Err(refuse::invalid("replicationSpecs", problem));
    }
    Ok(())
}

/// Adds empty backups for a new cluster.
pub(crate) fn begin_backups(sandbox: &mut Sandbox, project: &str, name: &str, kind: ClusterKind) {
    if sandbox.backups.len() >= MOST_BACKED_UP {
        let store = &sandbox.store;
        let lives = |project: &str, name: &str| {
            store.contains(&cluster_key(project, name)) || store.contains(&flex_key(project, name))
        };
        sandbox
            .backups
            .retain(|(project, name), _| lives(project, name));
    }
    let place = (project.to_owned(), name.to_owned());
    sandbox.backups.insert(place, Backups::new(kind));
}

/// Refuses to change a cluster that is being deleted.
pub(crate) fn check_stays(body: &Value, name: &str) -> Result<(), ApiError> {
    if body["stateName"] != "DELETING" {
        return Ok(());
    }
    let reason = format!("Cluster {name} is being deleted and cannot be changed.");
    let code = "ATLAS_GENERAL_ERROR";
    Err(refuse::bad_request(code, reason.clone(), &[&reason]))
}

/// Refuses to delete a cluster that is being deleted or has deletion protection.
pub(crate) fn check_deletable(body: &Value, name: &str) -> Result<(), ApiError> {
    if body["stateName"] == "DELETING" {
        let detail = format!("Cluster {name} is being deleted already.");
        let code = "CLUSTER_ALREADY_REQUESTED_DELETION";
        return Err(refuse::bad_request(code, detail, &[name]));
    }
    if body["terminationProtectionEnabled"] == true {
        // The only code whose detail does not repeat its parameter.
        let what =
            format!("Cluster {name} is protected against deletion; disable the protection first.");
        let code = "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED";
        let detail = "The cluster cannot be deleted.";
        return Err(refuse::bad_request(code, detail, &[&what]));
    }
    Ok(())
}

/// Applies the changes of a request to a cluster.
fn apply(body: &mut Value, asked: &Value) -> Result<(), ApiError> {
    let mut asked = store::object(asked);
    for fixed in ["id", "groupId", "name", "stateName", "createDate", "links"] {
        asked.remove(fixed);
    }
    if let Some(disk) = asked.remove(older::RESIZE) {
        resize(body, &disk);
    }
    if let Some(major) = asked.get("mongoDBMajorVersion").filter(|it| !it.is_null()) {
        let major = major.as_str().unwrap_or_default();
        let version = running(major)?;
        body["featureCompatibilityVersion"] = major.into();
        body["mongoDBVersion"] = version.into();
    }
    for nested in ["advancedConfiguration", "biConnector"] {
        if let (Some(asked), Some(known)) = (asked.remove(nested), body.get_mut(nested)) {
            store::merge(known, &store::object(&asked).into());
        }
    }
    asked.retain(|_, value| !value.is_null());
    store::merge(body, &Value::Object(asked));
    Ok(())
}

/// Changes the disk of all hardware of a cluster.
fn resize(body: &mut Value, disk: &Value) {
    let shards = body
        .get_mut("replicationSpecs")
        .and_then(Value::as_array_mut);
    let regions = shards.into_iter().flatten().filter_map(|shard| {
        let regions = shard.get_mut("regionConfigs")?;
        regions.as_array_mut()
    });
    for region in regions.flatten() {
        for specs in ["electableSpecs", "readOnlySpecs", "analyticsSpecs"] {
            if let Some(Value::Object(specs)) = region.get_mut(specs) {
                specs.insert("diskSizeGB".to_owned(), disk.clone());
            }
        }
    }
}

/// The full MongoDB version of a cluster with the given major version.
fn running(major: &str) -> Result<String, ApiError> {
    let (first, second) = major.split_once('.').unwrap_or((major, "0"));
    let (Ok(first), Ok(second)) = (first.parse::<u32>(), second.parse::<u32>()) else {
        let problem = format!("invalid version {major:?}: expected a version such as 8.0");
        return Err(refuse::invalid("mongoDBMajorVersion", &problem));
    };
    if (first, second) < OLDEST {
        let code = "ATLAS_CLUSTER_VERSION_DEPRECATED";
        let detail = "The MongoDB version is deprecated.";
        return Err(refuse::bad_request(code, detail, &[]));
    }
    let prefix = format!("{first}.{second}.");
    if MONGODB.starts_with(&prefix) {
        return Ok(MONGODB.to_owned());
    }
    Ok(format!("{prefix}1"))
}

/// Schedules the change that makes a cluster ready.
fn ready_later(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) {
    let ready = ready(&sandbox.body(key));
    sandbox.store.unschedule(key);
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, key, ready);
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let key = cluster_key(project, name);
    let mut body = sandbox.body(&key);
    check_stays(&body, name)?;
    check_hardware(&call.body)?;
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let asked = asked(call, &id, Some(&body));
    apply(&mut body, &asked)?;
    change(sandbox, call, &key, body);
    Ok(answer(sandbox, call, &key))
}

/// Replaces a cluster with its changed document; its state is `UPDATING` for some time.
fn change(sandbox: &mut Sandbox, call: &Call<'_>, key: &str, mut body: Value) {
    let (project, name) = (call.path("groupId"), store::last(key));
    body["stateName"] = "UPDATING".into();
    if let Some(backups) = sandbox.backups_mut(project, &name) {
        backups.kind = document::kind(&body);
    }
    if let Some(resource) = sandbox.store.get_mut(key) {
        resource.body = body;
    }
    ready_later(sandbox, call, key);
    sandbox.writes += 1;
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let key = cluster_key(project, name);
    let body = sandbox.body(&key);
    check_deletable(&body, name)?;
    sandbox.writes += 1;
    sandbox.store.unschedule(&key);
    sandbox.store.merge(&key, &json!({"stateName": "DELETING"}));
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Remove);
    let place = (project.to_owned(), name.to_owned());
    let empty = sandbox
        .backups
        .get(&place)
        .is_none_or(|backups| backups.snapshots.is_empty());
    if empty || call.query("retainBackups") == Some("false") {
        sandbox.backups.remove(&place);
    }
    Ok(Answer::braces())
}

fn scaling(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let mode = sandbox.body(&cluster_key(project, name))[SCALING].clone();
    Ok(Answer::exactly(json!({ SCALING: mode })))
}

fn status(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    let is_idle = sandbox.body(&cluster_key(project, name))["stateName"] == "IDLE";
    let status = if is_idle { "APPLIED" } else { "PENDING" };
    Ok(Answer::one(json!({ "changeStatus": status })))
}

/// Upgrades a shared-tier cluster to a dedicated cluster.
fn upgrade(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    let name = call.text("name").unwrap_or_default().to_owned();
    sandbox.check_cluster(project, &name, Through::Cluster)?;
    let key = cluster_key(project, &name);
    let mut body = sandbox.body(&key);
    if !document::is_tenant(&body) {
        let detail = format!("Cluster {name} is not a cluster of the shared tier.");
        let code = crate::find::WRONG_CLUSTER_KIND;
        return Err(refuse::bad_request(code, detail, &[&name]));
    }
    if call.body["providerSettings"]["providerName"] == "FLEX" {
        return to_flex(sandbox, call, &key, body);
    }
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    // The settings of the shared tier are not defaults for a dedicated cluster.
    let mut asked = asked(call, &id, None);
    if asked.get("replicationSpecs").is_none() {
        asked["replicationSpecs"] = dedicated(&id);
    }
    apply(&mut body, &asked)?;
    change(sandbox, call, &key, body);
    Ok(answer(sandbox, call, &key))
}

/// Upgrades a shared-tier cluster to a Flex cluster with its tags, snapshots and jobs.
fn to_flex(
    sandbox: &mut Sandbox,
    call: &Call<'_>,
    key: &str,
    mut body: Value,
) -> Result<Answer, ApiError> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (project, name, id) = (text("groupId"), text("name"), text("id"));
    let mut flex = super::flex::document(&project, &name, &id);
    for same in ["createDate", "tags", "terminationProtectionEnabled"] {
        flex[same] = body[same].clone();
    }
    let asked = &call.body["providerSettings"];
    for field in ["backingProviderName", "regionName"] {
        if let Some(value) = asked.get(field) {
            flex["providerSettings"][field] = value.clone();
        }
    }
    flex["stateName"] = "UPDATING".into();
    let place = flex_key(&project, &name);
    sandbox.write(&place, flex, call)?;
    sandbox.store.move_below(key, &place);
    sandbox.store.remove(key);
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"stateName": "IDLE"}));
    sandbox.store.schedule(at, &place, ready);
    if let Some(backups) = sandbox.backups_mut(&project, &name) {
        backups.kind = ClusterKind::Flex;
    }
    sandbox.writes += 1;
    body["stateName"] = "UPDATING".into();
    Ok(Answer::exactly(shown(call, body)))
}

/// The replication specifications of the smallest dedicated cluster.
fn dedicated(id: &str) -> Value {
    document(id, "", id, ClusterKind::ReplicaSet)["replicationSpecs"].clone()
}

/// The dedicated cluster that replaces a Flex cluster, with the fields that both have and those of
/// the request.
pub(crate) fn upgraded(call: &Call<'_>, flex: &Value) -> Result<Value, ApiError> {
    let text = |name: &str| flex[name].as_str().unwrap_or_default().to_owned();
    let (project, name, id) = (text("groupId"), text("name"), text("id"));
    let mut body = document::new(&project, &name, &id, &text("createDate"));
    for same in ["connectionStrings", "tags", "terminationProtectionEnabled"] {
        body[same] = flex[same].clone();
    }
    body["backupEnabled"] = true.into();
    body["replicationSpecs"] = dedicated(&id);
    apply(&mut body, &newest(&id, &call.body, &Disks::default()))?;
    body["stateName"] = "UPDATING".into();
    Ok(body)
}

/// The change that makes a cluster ready.
pub(crate) fn ready(body: &Value) -> Change {
    let strings = document::connection_strings(body);
    Change::Merge(json!({"connectionStrings": strings, "stateName": "IDLE"}))
}
