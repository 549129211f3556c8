//! Clusters in version 2023-02-01: one replication specification for each zone, with its number of
//! shards, and one disk size for all.

use serde_json::{Value, json};

use super::document::{Disks, specs};
use crate::store;

/// The maximum number of shards in a request.
const MOST: i64 = 50;

/// Converts a request to the stored form of replication specifications.
pub(super) fn read(id: &str, asked: &Value, mut disks: Disks) -> Value {
    let mut asked = store::object(asked);
    let disk = asked.remove("diskSizeGB").filter(Value::is_number);
    let is_disk_alone = disk.is_some();
    disks.all = disk.or(disks.all);
    if let Some(Value::Array(zones)) = asked.get("replicationSpecs") {
        let shards = zones.iter().flat_map(|zone| {
            let count = zone.get("numShards").and_then(Value::as_i64);
            let count = usize::try_from(count.unwrap_or(1).clamp(1, MOST)).unwrap_or(1);
            std::iter::repeat_n(zone.clone(), count)
        });
        let shards: Vec<Value> = shards.collect();
        asked.insert("replicationSpecs".to_owned(), specs(id, &shards, &disks));
    } else if is_disk_alone {
        asked.insert(RESIZE.to_owned(), json!(disks.all));
    }
    Value::Object(asked)
}

/// Marks a request that changes the disks and keeps the replication specifications.
pub(super) const RESIZE: &str = "diskSizeGB";

/// Converts a cluster to the form of this version.
pub(super) fn shown(mut body: Value) -> Value {
    let disk = disk(&body);
    let zones = zones(&body);
    if let Some(fields) = body.as_object_mut() {
        for newer in [
            "featureCompatibilityVersion",
            "internalClusterRole",
            "redactClientLogData",
            "retainBackups",
            "useAwsTimeBasedSnapshotCopyForFastInitialSync",
        ] {
            fields.remove(newer);
        }
        fields.insert("diskSizeGB".to_owned(), disk);
        fields.insert("replicationSpecs".to_owned(), zones.into());
    }
    body
}

/// The disk size of all shards.
pub(super) fn disk(body: &Value) -> Value {
    let disk = super::document::regions(body)
        .find_map(|region| region.get("electableSpecs")?.get("diskSizeGB").cloned());
    disk.unwrap_or_else(|| json!(10.0))
}

/// The replication specifications, one for each zone.
pub(super) fn zones(body: &Value) -> Vec<Value> {
    let shards = body.get("replicationSpecs").and_then(Value::as_array);
    let mut zones: Vec<Value> = Vec::new();
    for shard in shards.into_iter().flatten() {
        let same = |zone: &&mut Value| zone.get("zoneId") == shard.get("zoneId");
        if let Some(zone) = zones.iter_mut().find(same) {
            let count = zone.get("numShards").and_then(Value::as_i64).unwrap_or(1);
            zone["numShards"] = (count + 1).into();
            continue;
        }
        let mut zone = shard.clone();
        if let Some(Value::Array(regions)) = zone.get_mut("regionConfigs") {
            for region in regions.iter_mut() {
                for hardware in ["electableSpecs", "readOnlySpecs", "analyticsSpecs"] {
                    if let Some(Value::Object(specs)) = region.get_mut(hardware) {
                        specs.remove("diskSizeGB");
                        specs.remove("effectiveInstanceSize");
                    }
                }
            }
        }
        zone["numShards"] = 1.into();
        zones.push(zone);
    }
    zones
}
