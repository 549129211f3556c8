//! Legacy backups: checkpoints, snapshots and restore jobs, which only old clusters have. In the
//! sandbox, each cluster has one checkpoint and one snapshot.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::absent;
use crate::api::shape::made_id;
use crate::behaviour::clusters::document;
use crate::behaviour::{Behaviour, documented};
use crate::find::{Through, cluster_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::{FIRST_SNAPSHOT, MONGODB, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupClusterRestoreJob", restore),
    documented("deleteGroupClusterSnapshot", delete_snapshot),
    documented("getGroupClusterBackupCheckpoint", checkpoint),
    documented("getGroupClusterRestoreJob", job),
    documented("getGroupClusterSnapshot", snapshot),
    documented("getGroupClusterSnapshotSchedule", schedule),
    documented("listGroupClusterBackupCheckpoints", checkpoints),
    documented("listGroupClusterRestoreJobs", jobs),
    documented("listGroupClusterSnapshots", snapshots),
    documented("updateGroupClusterSnapshot", update_snapshot),
    documented("updateGroupClusterSnapshotSchedule", update_schedule),
];

/// The key of the cluster that the path names, by name or by id.
fn cluster(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    let name = match call.path("clusterName") {
        "" => call.path("clusterId"),
        name => name,
    };
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(cluster_key(project, name))
}

fn id(cluster: &Value) -> &str {
    cluster["id"].as_str().unwrap_or_default()
}

/// The time of the first snapshots, in the operation log format of legacy backups.
fn moment() -> Value {
    json!({"date": FIRST_SNAPSHOT.to_string(), "increment": 1})
}

fn made_checkpoint(cluster: &Value) -> Value {
    json!({
        "clusterId": id(cluster),
        "completed": FIRST_SNAPSHOT.to_string(),
        "groupId": cluster["groupId"],
        "id": made_id(&format!("{} checkpoint", id(cluster))),
        "parts": [{
            "replicaSetName": document::replica_set(cluster, 0),
            "tokenDiscovered": true,
            "tokenTimestamp": moment(),
            "typeName": "REPLICA_SET",
        }],
        "restorable": true,
        "started": FIRST_SNAPSHOT.to_string(),
        "timestamp": FIRST_SNAPSHOT.to_string(),
    })
}

fn checkpoints(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cluster = sandbox.body(&cluster(sandbox, call)?);
    Ok(Answer::list(vec![made_checkpoint(&cluster)]))
}

fn checkpoint(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let checkpoint = made_checkpoint(&sandbox.body(&key));
    if checkpoint["id"] == call.path("checkpointId") {
        return Ok(Answer::one(checkpoint));
    }
    let key = below(&below(&key, "backupCheckpoints"), call.path("checkpointId"));
    Err(absent(&key))
}

/// The key of a cluster's legacy snapshots. The built-in one is added at the first request for
/// them.
fn kept(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let cluster_key = cluster(sandbox, call)?;
    let key = below(&cluster_key, "snapshots");
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let cluster = sandbox.body(&cluster_key);
    let snapshot_id = made_id(&format!("{} snapshot", id(&cluster)));
    let snapshot = json!({
        "clusterId": id(&cluster),
        "clusterName": cluster["name"],
        "complete": true,
        "created": moment(),
        "doNotDelete": false,
        "expires": "2036-01-01T00:00:00Z",
        "groupId": cluster["groupId"],
        "id": snapshot_id,
        "incremental": false,
        "lastOplogAppliedTimestamp": moment(),
        "parts": [{
            "clusterId": id(&cluster),
            "completedTime": FIRST_SNAPSHOT.to_string(),
            "compressionSetting": "GZIP",
            "dataSizeBytes": 1 << 18,
            "encryptionEnabled": false,
            "fcv": "8.0",
            "fileSizeBytes": 1 << 16,
            "mongodVersion": MONGODB,
            "replicaSetName": document::replica_set(&cluster, 0),
            "replicaState": "PRIMARY",
            "storageSizeBytes": 1 << 17,
            "typeName": "REPLICA_SET",
        }],
    });
    sandbox.write(&key, json!({}), call)?;
    sandbox.write(&below(&key, &snapshot_id), snapshot, call)?;
    Ok(key)
}

/// The key of the snapshot that the path names.
fn kept_one(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let key = below(&kept(sandbox, call)?, call.path("snapshotId"));
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn listed(sandbox: &Sandbox, collection: &str) -> Answer {
    let all = sandbox.store.children(collection).into_iter();
    Answer::list(all.map(|(_, resource)| resource.body.clone()).collect())
}

fn snapshots(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = kept(sandbox, call)?;
    Ok(listed(sandbox, &key))
}

fn snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = kept_one(sandbox, call)?;
    Ok(Answer::one(sandbox.body(&key)))
}

fn update_snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = kept_one(sandbox, call)?;
    sandbox
        .store
        .merge(&key, &Value::Object(store::object(&call.body)));
    Ok(Answer::one(sandbox.body(&key)))
}

fn delete_snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = kept_one(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

/// Starts a restore and returns the list of its jobs, which has one item.
fn restore(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cluster_key = cluster(sandbox, call)?;
    let cluster = sandbox.body(&cluster_key);
    let job_id = sandbox.new_hex_id();
    let mut body = json!({
        "batchId": made_id(&format!("{job_id} batch")),
        "clusterId": id(&cluster),
        "clusterName": cluster["name"],
        "created": call.now.to_string(),
        "encryptionEnabled": false,
        "groupId": cluster["groupId"],
        "hashes": [],
        "id": job_id,
        "snapshotId": made_id(&format!("{} snapshot", id(&cluster))),
        "statusName": "IN_PROGRESS",
        "timestamp": moment(),
    });
    let mut asked = store::object(&call.body);
    // These fields choose the restored data; responses do not have them.
    for input in [
        "checkpointId",
        "oplogInc",
        "oplogTs",
        "pointInTimeUTCMillis",
    ] {
        asked.remove(input);
    }
    store::merge(&mut body, &Value::Object(asked));
    if body["delivery"].is_object() {
        body["delivery"]["statusName"] = "IN_PROGRESS".into();
    }
    let key = below(&below(&cluster_key, "restoreJobs"), &job_id);
    let mut delivery = body["delivery"].clone();
    sandbox.write(&key, body.clone(), call)?;
    if delivery.is_object() {
        delivery["statusName"] = "READY".into();
    }
    let done = json!({"delivery": delivery, "statusName": "FINISHED"});
    let at = later(call.now, sandbox.restore_time);
    sandbox.store.schedule(at, &key, Change::Merge(done));
    sandbox.writes += 1;
    Ok(Answer::list(vec![body]))
}

fn jobs(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = below(&cluster(sandbox, call)?, "restoreJobs");
    Ok(listed(sandbox, &key))
}

fn job(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let jobs = below(&cluster(sandbox, call)?, "restoreJobs");
    let key = below(&jobs, call.path("jobId"));
    if sandbox.store.contains(&key) {
        Ok(Answer::one(sandbox.body(&key)))
    } else {
        Err(absent(&key))
    }
}

fn schedule(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = cluster(sandbox, call)?;
    let body = current_schedule(sandbox, &key);
    Ok(Answer::one(body))
}

fn current_schedule(sandbox: &Sandbox, cluster_key: &str) -> Value {
    let cluster = sandbox.body(cluster_key);
    let mut body = json!({
        "clusterCheckpointIntervalMin": 15,
        "clusterId": id(&cluster),
        "dailySnapshotRetentionDays": 7,
        "groupId": cluster["groupId"],
        "monthlySnapshotRetentionMonths": 12,
        "pointInTimeWindowHours": 24,
        "snapshotIntervalHours": 6,
        "snapshotRetentionDays": 2,
        "weeklySnapshotRetentionWeeks": 4,
    });
    let changed = sandbox.body(&below(cluster_key, "snapshotSchedule"));
    store::merge(&mut body, &changed);
    body
}

fn update_schedule(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let cluster_key = cluster(sandbox, call)?;
    let mut body = current_schedule(sandbox, &cluster_key);
    let mut asked = store::object(&call.body);
    asked.remove("clusterId");
    store::merge(&mut body, &Value::Object(asked));
    let key = below(&cluster_key, "snapshotSchedule");
    sandbox.write(&key, body.clone(), call)?;
    Ok(Answer::one(body))
}
