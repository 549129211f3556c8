//! Snapshots of dedicated clusters.

use atlas_model::api_error::code;
use atlas_model::{ApiError, SnapshotId};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::refuse;
use crate::backups::{Backups, Progress, Snapshot};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{Through, cluster_key};
use crate::store::below;
use crate::time::later;
use crate::world::{ClusterKind, MONGODB, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("deleteGroupClusterBackupSnapshot", delete),
    documented(
        "deleteGroupClusterBackupSnapshotShardedCluster",
        delete_sharded,
    ),
    recorded("getGroupClusterBackupSnapshot", get),
    documented("getGroupClusterBackupSnapshotShardedCluster", get_sharded),
    documented(
        "listGroupClusterBackupSnapshotShardedClusters",
        list_sharded,
    ),
    recorded("listGroupClusterBackupSnapshots", list),
    recorded("takeGroupClusterBackupSnapshots", take),
    documented("updateGroupClusterBackupSnapshot", update),
];

/// The number of snapshots of a cluster that are kept.
const MOST_SNAPSHOTS: usize = 10_000;

/// The backups of a dedicated cluster, sharded or not as the operation requires.
pub(crate) fn backups<'a>(
    sandbox: &'a mut Sandbox,
    call: &Call<'_>,
    sharded: Option<bool>,
) -> Result<&'a mut Backups, ApiError> {
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    let backups = sandbox.find(project, cluster, Through::Backup)?;
    let is_sharded = matches!(backups.kind, ClusterKind::Sharded { .. });
    if sharded.is_none_or(|sharded| sharded == is_sharded) {
        Ok(backups)
    } else {
        let detail = "This kind of cluster has other snapshot operations.";
        let status = StatusCode::BAD_REQUEST;
        Err(ApiError::new(status, code::VALIDATION_ERROR, detail))
    }
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    // A sharded cluster has its snapshots in a separate list; this one is empty.
    let backups = backups(sandbox, call, None)?;
    let is_sharded = matches!(backups.kind, ClusterKind::Sharded { .. });
    let snapshots = backups.newest_first().into_iter().filter(|_| !is_sharded);
    let snapshots = snapshots.map(|(id, kept)| replica_set(call, id, kept));
    Ok(Answer::list(snapshots.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.id("snapshotId")?;
    let backups = backups(sandbox, call, Some(false))?;
    Ok(Answer::exactly(replica_set(
        call,
        id,
        backups.snapshot(id)?,
    )))
}

fn take(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    // A deleted cluster has no data to back up.
    sandbox.check_cluster(project, cluster, Through::Cluster)?;
    let known = &mut backups(sandbox, call, None)?.snapshots;
    if known.len() >= MOST_SNAPSHOTS {
        let oldest = known.iter().min_by_key(|(_, kept)| kept.finished);
        let oldest = oldest.map(|(id, _)| *id);
        oldest.map(|id| known.remove(&id));
    }
    let id = SnapshotId::from_bytes(sandbox.new_id());
    let finished = later(call.now, sandbox.provisioning_time);
    if let (Ok(project), Ok(cluster)) = (project.parse(), cluster.parse()) {
        sandbox.add_snapshot_at(project, &cluster, id, 1 << 18, finished);
    }
    let backups = backups(sandbox, call, None)?;
    let is_sharded = matches!(backups.kind, ClusterKind::Sharded { .. });
    let Some(kept) = backups.snapshots.get_mut(&id) else {
        return Err(refuse::missing("snapshot", id));
    };
    kept.asked = Some(call.now);
    kept.description = call.text("description").map(str::to_owned);
    kept.keep_days = call
        .body
        .get("retentionInDays")
        .and_then(Value::as_i64)
        .unwrap_or(8);
    let shown = if is_sharded {
        sharded(call, id, kept)
    } else {
        replica_set(call, id, kept)
    };
    Ok(Answer::exactly(queued(shown)))
}

/// The response to a snapshot request, however soon the snapshot is taken.
fn queued(mut shown: Value) -> Value {
    shown["status"] = "queued".into();
    shown["storageSizeBytes"] = 0.into();
    if let Some(fields) = shown.as_object_mut() {
        for late in ["createdAt", "mongodVersion", "cloudProvider"] {
            fields.remove(late);
        }
    }
    shown
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    forget(sandbox, call, false)
}

fn delete_sharded(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    forget(sandbox, call, true)
}

fn forget(sandbox: &mut Sandbox, call: &Call<'_>, sharded: bool) -> Result<Answer, ApiError> {
    let id = call.id("snapshotId")?;
    let backups = backups(sandbox, call, Some(sharded))?;
    backups.snapshot(id)?;
    backups.snapshots.remove(&id);
    Ok(Answer::empty())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let days = match call.text("retentionUnit") {
        Some("WEEKS") => 7,
        Some("MONTHS") => 31,
        Some("YEARS") => 366,
        _ => 1,
    };
    let value = call.body.get("retentionValue").and_then(Value::as_i64);
    let id = call.id("snapshotId")?;
    let backups = backups(sandbox, call, None)?;
    let Some(kept) = backups.snapshots.get_mut(&id) else {
        return Err(refuse::missing("snapshot", id));
    };
    kept.keep_days = value.unwrap_or(0).saturating_mul(days);
    Ok(Answer::exactly(replica_set(call, id, kept)))
}

fn list_sharded(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = backups(sandbox, call, Some(true))?;
    let snapshots = backups.newest_first().into_iter();
    let snapshots = snapshots.map(|(id, kept)| sharded(call, id, kept));
    Ok(Answer::list(snapshots.collect()).unshaped())
}

fn get_sharded(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.id("snapshotId")?;
    let backups = backups(sandbox, call, Some(true))?;
    Ok(Answer::exactly(sharded(call, id, backups.snapshot(id)?)))
}

/// The fields that snapshots of replica sets and of sharded clusters share.
fn common(call: &Call<'_>, id: SnapshotId, kept: &Snapshot) -> Map<String, Value> {
    let on_demand = kept.asked.is_some() || kept.description.is_some();
    let progress = kept.progress(call.now);
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    if progress == Progress::Completed {
        set("createdAt", begun(kept).to_string().into());
    }
    if let Some(description) = &kept.description {
        set("description", description.clone().into());
    }
    set("expiresAt", kept.expires().to_string().into());
    set(
        "frequencyType",
        if on_demand { "ondemand" } else { "daily" }.into(),
    );
    set("id", id.to_string().into());
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    let backup = below(&cluster_key(project, cluster), "backup");
    let own = below(&below(&backup, "snapshots"), &id.to_string());
    set("links", own_links(call, &own));
    if progress != Progress::Queued {
        set("mongodVersion", MONGODB.into());
    }
    set("policyItems", json!([]));
    set(
        "snapshotType",
        if on_demand { "onDemand" } else { "scheduled" }.into(),
    );
    let status = match progress {
        Progress::Queued => "queued",
        Progress::Running => "inProgress",
        Progress::Completed => "completed",
    };
    set("status", status.into());
    let size = if progress == Progress::Completed {
        kept.size
    } else {
        0
    };
    set("storageSizeBytes", size.into());
    shown
}

/// The time of the request for a snapshot; for a scheduled one, that of its completion.
fn begun(kept: &Snapshot) -> Timestamp {
    kept.asked.unwrap_or(kept.finished)
}

fn replica_set(call: &Call<'_>, id: SnapshotId, kept: &Snapshot) -> Value {
    let mut shown = common(call, id, kept);
    if kept.progress(call.now) == Progress::Completed {
        shown.insert("cloudProvider".to_owned(), "AWS".into());
    }
    shown.insert("copyRegions".to_owned(), json!([]));
    let name = format!("{}-shard-0", call.path("clusterName"));
    shown.insert("replicaSetName".to_owned(), name.into());
    shown.insert("type".to_owned(), "replicaSet".into());
    Value::Object(shown)
}

fn sharded(call: &Call<'_>, id: SnapshotId, kept: &Snapshot) -> Value {
    let cluster = call.path("clusterName");
    let members = kept.files.iter().enumerate().map(|(shard, _)| {
        json!({
            "cloudProvider": "AWS",
            "id": id.to_string(),
            "replicaSetName": format!("{cluster}-shard-{shard}"),
        })
    });
    let members: Vec<Value> = members.collect();
    let mut shown = common(call, id, kept);
    shown.insert("members".to_owned(), members.into());
    shown.insert("snapshotIds".to_owned(), json!([id.to_string()]));
    shown.insert("type".to_owned(), "shardedCluster".into());
    Value::Object(shown)
}
