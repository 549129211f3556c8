//! The stored form of a cluster, that of version 2024-08-05: each shard is a replication
//! specification and each hardware specification has its own disk.

use serde_json::{Map, Value, json};

use crate::api::shape::made_id;
use crate::store;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, MAX_SHARDS, MONGODB};

/// The autoscaling mode of a cluster's shards; stored with the cluster, returned by its own
/// operation.
pub(crate) const SCALING: &str = "autoScalingMode";

/// A cluster at rest, in the form of the newest version.
pub(crate) fn document(project: &str, name: &str, id: &str, kind: ClusterKind) -> Value {
    let (provider, size) = match kind {
        ClusterKind::Tenant => ("TENANT", "M2"),
        // Atlas has no smaller sharded clusters.
        ClusterKind::Sharded { .. } => ("AWS", "M30"),
        _ => ("AWS", "M10"),
    };
    let (shards, kind) = match kind {
        ClusterKind::Sharded { shards } => (usize::from(shards), "SHARDED"),
        _ => (1, "REPLICASET"),
    };
    let asked = vec![
        json!({"regionConfigs": [{
            "electableSpecs": {"instanceSize": size, "nodeCount": 3},
            "providerName": provider,
            "regionName": "US_EAST_1",
        }]});
        shards
    ];
    let mut body = new(project, name, id, &FIRST_SNAPSHOT.to_string());
    body["backupEnabled"] = true.into();
    body["clusterType"] = kind.into();
    body["replicationSpecs"] = specs(id, &asked, &Disks::default());
    body["connectionStrings"] = connection_strings(&body);
    body["stateName"] = "IDLE".into();
    body
}

/// A cluster that is being created, with the defaults of missing fields.
pub(crate) fn new(project: &str, name: &str, id: &str, created: &str) -> Value {
    json!({
        "advancedConfiguration": {
            "customOpensslCipherConfigTls12": [],
            "minimumEnabledTlsProtocol": "TLS1_2",
            "tlsCipherConfigMode": "DEFAULT",
        },
        SCALING: "INDEPENDENT_SHARD_SCALING",
        "backupEnabled": false,
        "biConnector": {"enabled": false, "readPreference": "secondary"},
        "clusterType": "REPLICASET",
        "connectionStrings": {},
        "createDate": created,
        "diskWarmingMode": "FULLY_WARMED",
        "encryptionAtRestProvider": "NONE",
        "featureCompatibilityVersion": "8.0",
        "globalClusterSelfManagedSharding": false,
        "groupId": project,
        "id": id,
        "internalClusterRole": "NONE",
        "labels": [],
        "mongoDBMajorVersion": "8.0",
        "mongoDBVersion": MONGODB,
        "name": name,
        "paused": false,
        "pitEnabled": false,
        "redactClientLogData": false,
        "replicationSpecs": [],
        "retainBackups": false,
        "rootCertType": "ISRGROOTX1",
        "stateName": "CREATING",
        "tags": [],
        "terminationProtectionEnabled": false,
        "useAwsTimeBasedSnapshotCopyForFastInitialSync": false,
        "versionReleaseSystem": "LTS",
    })
}

/// The disks of hardware specifications for which a request has none.
#[derive(Debug, Default)]
pub(crate) struct Disks {
    /// The disk of all specifications, as in older versions.
    pub(crate) all: Option<Value>,
    /// The disks of the existing cluster, each with its instance size.
    pub(crate) known: Vec<(String, Value)>,
}

impl Disks {
    /// The disks of an existing cluster.
    pub(crate) fn of(body: &Value) -> Self {
        let hardware = regions(body).filter_map(|region| region.get("electableSpecs"));
        let known = hardware.filter_map(|specs| {
            let size = specs.get("instanceSize")?.as_str()?.to_owned();
            Some((size, specs.get("diskSizeGB")?.clone()))
        });
        Self {
            all: None,
            known: known.collect(),
        }
    }

    fn for_size(&self, size: &str) -> Value {
        if let Some(all) = &self.all {
            return all.clone();
        }
        let known = self.known.iter().find(|(known, _)| known == size);
        known.map_or_else(|| json!(default_disk(size)), |(_, disk)| disk.clone())
    }
}

/// The regions of all shards of a cluster.
pub(crate) fn regions(body: &Value) -> impl Iterator<Item = &Value> {
    let specs = body.get("replicationSpecs").and_then(Value::as_array);
    let specs = specs.into_iter().flatten();
    let regions = specs.filter_map(|spec| spec.get("regionConfigs")?.as_array());
    regions.flatten()
}

/// Replication specifications, one for each shard, with the fields of the server.
pub(crate) fn specs(id: &str, asked: &[Value], disks: &Disks) -> Value {
    let complete = asked.iter().enumerate().map(|(shard, spec)| {
        let zone = spec.get("zoneName").and_then(Value::as_str);
        let zone = zone.unwrap_or("Zone 1");
        let regions = spec.get("regionConfigs").and_then(Value::as_array);
        let regions = regions.map_or(&[][..], Vec::as_slice);
        let regions = regions.iter().zip(0..).map(|(it, n)| region(it, n, disks));
        json!({
            "id": made_id(&format!("{id} shard {shard}")),
            "regionConfigs": regions.collect::<Vec<_>>(),
            "zoneId": made_id(&format!("{id} zone {zone}")),
            "zoneName": zone,
        })
    });
    complete.collect()
}

/// One region of a shard.
fn region(asked: &Value, index: i64, disks: &Disks) -> Value {
    let mut region = store::object(asked);
    let mut default = |name: &str, value: Value| {
        if region.get(name).is_none_or(Value::is_null) {
            region.insert(name.to_owned(), value);
        }
    };
    default("priority", (7 - index).max(0).into());
    default("providerName", "AWS".into());
    default("regionName", "US_EAST_1".into());
    let provider = region.get("providerName").and_then(Value::as_str);
    let provider = provider.unwrap_or_default().to_owned();
    let own_size = ["electableSpecs", "readOnlySpecs", "analyticsSpecs"]
        .iter()
        .filter_map(|name| region.get(*name)?.get("instanceSize")?.as_str())
        .map(str::to_owned)
        .next();
    if provider == "TENANT" {
        let size = own_size.unwrap_or_else(|| "M0".to_owned());
        let hardware = json!({
            "diskSizeGB": default_disk(&size),
            "effectiveInstanceSize": size,
            "instanceSize": size,
        });
        region
            .entry("backingProviderName")
            .or_insert_with(|| "AWS".into());
        region.insert("electableSpecs".to_owned(), hardware);
        return Value::Object(region);
    }
    let size = own_size.unwrap_or_else(|| "M10".to_owned());
    let electable = region.get("electableSpecs").is_some();
    for (name, nodes) in [
        (
            "electableSpecs",
            if electable || index == 0 { 3 } else { 0 },
        ),
        ("readOnlySpecs", 0),
        ("analyticsSpecs", 0),
    ] {
        let asked = region.get(name).map(store::object).unwrap_or_default();
        let specs = hardware(asked, &provider, &size, nodes, disks);
        region.insert(name.to_owned(), specs);
    }
    for name in ["autoScaling", "analyticsAutoScaling"] {
        let mut scaling = json!({
            "compute": {"enabled": false, "scaleDownEnabled": false},
            "diskGB": {"enabled": false},
        });
        for part in ["compute", "diskGB"] {
            if let (Some(known), Some(asked)) = (
                scaling.get_mut(part),
                region.get(name).and_then(|it| it.get(part)),
            ) {
                store::merge(known, &store::object(asked).into());
            }
        }
        region.insert(name.to_owned(), scaling);
    }
    Value::Object(region)
}

fn hardware(
    mut specs: Map<String, Value>,
    provider: &str,
    size: &str,
    nodes: i64,
    disks: &Disks,
) -> Value {
    let size = specs
        .get("instanceSize")
        .and_then(Value::as_str)
        .unwrap_or(size)
        .to_owned();
    let mut default = |name: &str, value: Value| {
        if specs.get(name).is_none_or(Value::is_null) {
            specs.insert(name.to_owned(), value);
        }
    };
    default("diskSizeGB", disks.for_size(&size));
    default("instanceSize", size.into());
    default("nodeCount", nodes.into());
    match provider {
        "AWS" => {
            default("diskIOPS", 3000.into());
            default("ebsVolumeType", "STANDARD".into());
        }
        "AZURE" => default("diskIOPS", 120.into()),
        _ => {}
    }
    Value::Object(specs)
}

/// The default disk of an instance size, in gigabytes.
pub(crate) fn default_disk(size: &str) -> f64 {
    match size {
        "M0" => 0.5,
        "M2" => 2.0,
        "M5" => 5.0,
        "M10" => 10.0,
        "M20" => 20.0,
        "M30" => 40.0,
        "M40" | "R40" => 80.0,
        "M50" | "R50" => 160.0,
        "M60" | "R60" => 320.0,
        "M80" | "R80" => 750.0,
        _ => 1000.0,
    }
}

/// The kind of a cluster, by its document.
pub(crate) fn kind(body: &Value) -> ClusterKind {
    if is_tenant(body) {
        return ClusterKind::Tenant;
    }
    match body.get("clusterType").and_then(Value::as_str) {
        Some("SHARDED" | "GEOSHARDED") => {
            let specs = body.get("replicationSpecs").and_then(Value::as_array);
            let shards = specs.map_or(1, Vec::len).clamp(1, MAX_SHARDS.into());
            ClusterKind::Sharded {
                shards: u16::try_from(shards).unwrap_or(MAX_SHARDS),
            }
        }
        _ => ClusterKind::ReplicaSet,
    }
}

/// Whether a cluster belongs to the shared tier.
pub(crate) fn is_tenant(body: &Value) -> bool {
    regions(body).any(|region| region.get("providerName") == Some(&"TENANT".into()))
}

/// The hosts of a cluster, shard by shard, in lowercase.
pub(crate) fn hosts(body: &Value) -> Vec<Vec<String>> {
    let name = body.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let shards = match kind(body) {
        ClusterKind::Sharded { shards } => shards,
        _ => 1,
    };
    let of_shard = |shard: u16| {
        let hosts = (0..MEMBERS)
            .map(|member| format!("{name}-shard-{shard:02}-{member:02}.sandbox.example"));
        hosts.collect()
    };
    (0..shards).map(of_shard).collect()
}

/// The name of a shard's replica set, as in processes and connection strings.
pub(crate) fn replica_set(body: &Value, shard: usize) -> String {
    let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
    let digits = made_id(id);
    format!(
        "atlas-{}-shard-{shard}",
        digits.get(..6).unwrap_or_default()
    )
}

/// The connection strings of a ready cluster.
pub(crate) fn connection_strings(body: &Value) -> Value {
    let name = body.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let sharded = matches!(kind(body), ClusterKind::Sharded { .. });
    let port = if sharded { MONGOS_PORT } else { MONGOD_PORT };
    let hosts = hosts(body).into_iter().flatten();
    let hosts: Vec<String> = hosts
        .take(MEMBERS)
        .map(|it| format!("{it}:{port}"))
        .collect();
    let mut options = String::from("ssl=true&authSource=admin");
    if !sharded {
        options.push_str("&replicaSet=");
        options.push_str(&replica_set(body, 0));
    }
    json!({
        "standard": format!("mongodb://{}/?{options}", hosts.join(",")),
        "standardSrv": format!("mongodb+srv://{name}.sandbox.example"),
    })
}

/// The number of members of every replica set; the requested number is ignored.
const MEMBERS: usize = 3;

/// The ports of `mongod` and `mongos`.
pub(crate) const MONGOD_PORT: u16 = 27017;
pub(crate) const MONGOS_PORT: u16 = 27016;
