//! Export buckets, and exports of snapshots to them.

use atlas_model::{ApiError, SnapshotId};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::{absent, project_key};
use crate::backups::Progress;
use crate::behaviour::tenant::snapshot_id;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{Through, cluster_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupBackupExportBucket", create_bucket),
    recorded("createGroupClusterBackupExport", create),
    recorded("deleteGroupBackupExportBucket", delete_bucket),
    recorded("getGroupBackupExportBucket", get_bucket),
    recorded("getGroupClusterBackupExport", get),
    recorded("listGroupBackupExportBuckets", list_buckets),
    recorded("listGroupClusterBackupExports", list),
    documented("updateGroupBackupExportBucket", update_bucket),
];

fn buckets(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let backup = below(&project_key(project), "backup");
    Ok(below(&backup, "exportBuckets"))
}

fn bucket(sandbox: &Sandbox, call: &Call<'_>, id: &str) -> Result<String, ApiError> {
    let key = below(&buckets(sandbox, call)?, id);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(absent(&key))
    }
}

fn create_bucket(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let buckets = buckets(sandbox, call)?;
    let id = sandbox.new_hex_id();
    let mut body = json!({"_id": id, "cloudProvider": "AWS"});
    store::merge(&mut body, &Value::Object(store::object(&call.body)));
    match body["cloudProvider"].as_str() {
        Some("AWS") if body["requirePrivateNetworking"].is_null() => {
            body["requirePrivateNetworking"] = false.into();
        }
        // Azure requests name a container by its URL; responses contain the container's name.
        Some("AZURE") if body["bucketName"].is_null() => {
            let url = body["serviceUrl"].as_str().unwrap_or_default();
            let name = url
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            body["bucketName"] = name.into();
        }
        _ => {}
    }
    sandbox.write(&below(&buckets, &id), body.clone(), call)?;
    Ok(Answer::exactly(body))
}

fn list_buckets(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let buckets = buckets(sandbox, call)?;
    let buckets = sandbox.store.children(&buckets).into_iter();
    let buckets = buckets.map(|(_, bucket)| bucket.body.clone());
    Ok(Answer::list(buckets.collect()).unshaped())
}

fn get_bucket(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = bucket(sandbox, call, call.path("exportBucketId"))?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn update_bucket(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = bucket(sandbox, call, call.path("exportBucketId"))?;
    sandbox.store.merge(&key, &call.body);
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn delete_bucket(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = bucket(sandbox, call, call.path("exportBucketId"))?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

fn exports(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Backup)?;
    let backup = below(&cluster_key(project, name), "backup");
    Ok(below(&backup, "exports"))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    let exports = exports(sandbox, call)?;
    let snapshot: SnapshotId = snapshot_id(call)?;
    let backups = sandbox.find(project, name, Through::Backup)?;
    let known = backups.snapshot(snapshot)?;
    if known.progress(call.now) != Progress::Completed {
        return Err(crate::jobs::not_complete(snapshot));
    }
    let taken = known.finished.strftime("%Y-%m-%dT%H%M").to_string();
    let shards = known.files.len();
    let bucket_id = call.text("exportBucketId").unwrap_or_default();
    bucket(sandbox, call, bucket_id)?;
    let id = sandbox.new_hex_id();
    let project_body = sandbox.body(&project_key(project));
    let org = project_body["orgId"].as_str().unwrap_or_default();
    let prefix = format!(
        "exported_snapshots/{org}/{project}/{name}/{taken}/{}",
        call.now.as_second()
    );
    let custom = call.body.get("customData").filter(|data| data.is_array());
    let mut body = json!({
        "createdAt": call.now.to_string(),
        "customData": custom.cloned().unwrap_or_else(|| json!([])),
        "exportBucketId": bucket_id,
        "exportStatus": {"exportedCollections": 0, "totalCollections": 0},
        "id": id,
        "prefix": prefix,
        "snapshotId": snapshot.to_string(),
        "state": "Queued",
    });
    if shards > 1 {
        let components = (0..shards).map(|shard| {
            json!({
                "exportId": crate::api::shape::made_id(&format!("{id} {shard}")),
                "replicaSetName": format!("{name}-shard-{shard}"),
            })
        });
        body["components"] = components.collect();
    }
    let key = below(&exports, &id);
    sandbox.write(&key, body.clone(), call)?;
    let time = sandbox.provisioning_time;
    let begins = later(call.now, part(time, 5, 12));
    let ends = later(call.now, time);
    let running = json!({
        "exportStatus": {"exportedCollections": 0, "totalCollections": COLLECTIONS},
        "state": "InProgress",
    });
    let done = json!({
        "exportStatus": {"exportedCollections": COLLECTIONS, "totalCollections": COLLECTIONS},
        "finishedAt": ends.to_string(),
        "state": "Successful",
    });
    sandbox.store.schedule(begins, &key, Change::Merge(running));
    sandbox.store.schedule(ends, &key, Change::Merge(done));
    Ok(Answer::exactly(body))
}

/// The number of collections of a snapshot.
const COLLECTIONS: u32 = 4;

/// A fraction of a time, in whole seconds.
pub(crate) fn part(time: SignedDuration, numerator: i64, denominator: i64) -> SignedDuration {
    let seconds = time.as_secs().saturating_mul(numerator) / denominator.max(1);
    SignedDuration::from_secs(seconds)
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let exports = exports(sandbox, call)?;
    let exports = sandbox.store.children(&exports).into_iter();
    let exports = exports.map(|(_, export)| export.body.clone());
    Ok(Answer::list(exports.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = below(&exports(sandbox, call)?, call.path("exportId"));
    if sandbox.store.contains(&key) {
        Ok(Answer::exactly(sandbox.body(&key)))
    } else {
        Err(absent(&key))
    }
}
