//! Flex clusters.

use atlas_model::ApiError;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, clusters, documented, recorded};
use crate::find::{Through, cluster_key, flex_key};
use crate::store::Change;
use crate::time::later;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, MONGODB, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupFlexCluster", create),
    recorded("deleteGroupFlexCluster", delete),
    recorded("getGroupFlexCluster", get),
    recorded("listGroupFlexClusters", list),
    documented("tenantGroupFlexClusterUpgrade", upgrade),
    documented("updateGroupFlexCluster", update),
];

/// A Flex cluster at rest.
pub(crate) fn document(project: &str, name: &str, id: &str) -> Value {
    json!({
        "backupSettings": {"enabled": true},
        "clusterType": "REPLICASET",
        "connectionStrings": connection_strings(name),
        "createDate": FIRST_SNAPSHOT.to_string(),
        "groupId": project,
        "id": id,
        "mongoDBVersion": MONGODB,
        "name": name,
        "providerSettings": {
            "backingProviderName": "AWS",
            "diskSizeGB": 5.0,
            "providerName": "FLEX",
            "regionName": "US_EAST_1",
        },
        "stateName": "IDLE",
        "tags": [],
        "terminationProtectionEnabled": false,
        "versionReleaseSystem": "LTS",
    })
}

fn connection_strings(name: &str) -> Value {
    let host = name.to_ascii_lowercase();
    json!({
        "standard": format!("mongodb://{host}-shard-00-00.sandbox.example:27017"),
        "standardSrv": format!("mongodb+srv://{host}.sandbox.example"),
    })
}

fn shown(sandbox: &Sandbox, project: &str, name: &str) -> Answer {
    Answer::one(sandbox.body(&flex_key(project, name)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let clusters = sandbox.store.children(&call.whole_key()).into_iter();
    let clusters = clusters.map(|(_, cluster)| cluster.body.clone());
    Ok(Answer::list(clusters.collect()))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("name"));
    sandbox.check_cluster(project, name, Through::Flex)?;
    Ok(shown(sandbox, project, name))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    let name = call.text("name").unwrap_or_default().to_owned();
    sandbox.check_project(project)?;
    check_name_is_free(sandbox, project, &name, "Flex cluster")?;
    let id = sandbox.new_hex_id();
    let mut body = document(project, &name, &id);
    let created = json!({
        "connectionStrings": {},
        "createDate": call.now.to_string(),
        "stateName": "CREATING",
    });
    crate::store::merge(&mut body, &created);
    if let (Some(settings), Some(asked)) = (
        body.get_mut("providerSettings"),
        call.body.get("providerSettings"),
    ) {
        crate::store::merge(settings, asked);
    }
    for field in ["tags", "terminationProtectionEnabled"] {
        if let Some(value) = call.body.get(field) {
            body[field] = value.clone();
        }
    }
    let key = flex_key(project, &name);
    sandbox.write(&key, body, call)?;
    clusters::begin_backups(sandbox, project, &name, ClusterKind::Flex);
    let ready = json!({"connectionStrings": connection_strings(&name), "stateName": "IDLE"});
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Merge(ready));
    Ok(shown(sandbox, project, &name))
}

/// Refuses a name that another cluster of the project has.
pub(crate) fn check_name_is_free(
    sandbox: &Sandbox,
    project: &str,
    name: &str,
    kind: &str,
) -> Result<(), ApiError> {
    let taken = [cluster_key(project, name), flex_key(project, name)]
        .iter()
        .any(|key| sandbox.store.contains(key));
    if !taken {
        return Ok(());
    }
    let detail = format!("There is a {kind} {name} in project {project} already.");
    let code = "DUPLICATE_CLUSTER_NAME";
    Err(refuse::bad_request(code, detail, &[kind, name, project]))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("name"));
    sandbox.check_cluster(project, name, Through::Flex)?;
    let key = flex_key(project, name);
    clusters::check_stays(&sandbox.body(&key), name)?;
    sandbox.store.merge(&key, &call.body);
    sandbox.store.merge(&key, &json!({"stateName": "UPDATING"}));
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"stateName": "IDLE"}));
    sandbox.store.schedule(at, &key, ready);
    Ok(shown(sandbox, project, name))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("name"));
    sandbox.check_cluster(project, name, Through::Flex)?;
    let key = flex_key(project, name);
    clusters::check_deletable(&sandbox.body(&key), name)?;
    sandbox.writes += 1;
    sandbox.store.unschedule(&key);
    sandbox.store.merge(&key, &json!({"stateName": "DELETING"}));
    let time = sandbox.provisioning_time.min(SignedDuration::from_secs(30));
    let at = later(call.now, time);
    sandbox.store.schedule(at, &key, Change::Remove);
    Ok(Answer::empty())
}

/// Upgrades a Flex cluster to a dedicated cluster with its tags, snapshots and jobs.
fn upgrade(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    let name = call.text("name").unwrap_or_default().to_owned();
    sandbox.check_cluster(project, &name, Through::Flex)?;
    let mut body = sandbox.body(&flex_key(project, &name));
    clusters::check_stays(&body, &name)?;
    let cluster = clusters::upgraded(call, &body)?;
    let kind = clusters::document::kind(&cluster);
    let ready = clusters::ready(&cluster);
    let (flex, key) = (flex_key(project, &name), cluster_key(project, &name));
    sandbox.write(&key, cluster, call)?;
    sandbox.store.move_below(&flex, &key);
    sandbox.store.remove(&flex);
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, ready);
    if let Some(backups) = sandbox.backups_mut(project, &name) {
        backups.kind = kind;
    }
    sandbox.writes += 1;
    body["stateName"] = "UPDATING".into();
    Ok(Answer::one(body))
}
