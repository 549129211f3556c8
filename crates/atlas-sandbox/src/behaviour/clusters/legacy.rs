//! Clusters in version 2023-01-01: the settings of one provider, and regions in an object by name.

use serde_json::{Map, Value, json};

use super::older;
use crate::store;

/// Converts a request to the form of the next version. `known` is the cluster that it changes.
pub(super) fn read(asked: &Value, known: Option<&Value>) -> Value {
    let mut asked = store::object(asked);
    let settings = asked.remove("providerSettings").unwrap_or_default();
    let count = asked.remove("numShards");
    let nodes = asked.remove("replicationFactor");
    let single = asked.remove("replicationSpec");
    let zones = asked.remove("replicationSpecs");
    let scaling = asked.remove("autoScaling");
    // In this version `backupEnabled` means legacy backups, which new clusters do not have.
    asked.remove("backupEnabled");
    if let Some(backups) = asked.remove("providerBackupEnabled") {
        asked.insert("backupEnabled".to_owned(), backups);
    }
    for server_made in ["deleteAfterCreationHours", "mongoDBVersion"] {
        asked.remove(server_made);
    }
    let nothing = [&count, &nodes, &single, &zones, &scaling];
    if settings.is_null() && nothing.iter().all(|it| it.is_none()) {
        return Value::Object(asked);
    }
    let before = known.map(older::zones).unwrap_or_default();
    let before = before
        .first()
        .and_then(|zone| zone.pointer("/regionConfigs/0"));
    let region = Region {
        settings: &settings,
        scaling: scaling.as_ref(),
        before,
        nodes: nodes.as_ref().and_then(Value::as_i64).unwrap_or(3),
    };
    let zones = match (zones, single) {
        (Some(Value::Array(zones)), _) if !zones.is_empty() => zones,
        (_, Some(regions)) => vec![json!({ "regionsConfig": regions })],
        _ => match known {
            Some(known) => kept(known, &settings, nodes.as_ref(), count.as_ref()),
            None => vec![json!({})],
        },
    };
    let zones = zones.iter().map(|zone| {
        let shards = zone.get("numShards").or(count.as_ref());
        let regions = zone.get("regionsConfig").and_then(Value::as_object);
        let regions: Vec<Value> = match regions {
            Some(regions) if !regions.is_empty() => regions
                .iter()
                .map(|(name, nodes)| region.named(name, nodes))
                .collect(),
            _ => vec![region.alone()],
        };
        json!({
            "numShards": shards.and_then(Value::as_i64).unwrap_or(1),
            "regionConfigs": regions,
            "zoneName": zone.get("zoneName").and_then(Value::as_str).unwrap_or("Zone 1"),
        })
    });
    let zones: Vec<Value> = zones.collect();
    asked.insert("replicationSpecs".to_owned(), zones.into());
    Value::Object(asked)
}

/// The zones of a cluster, unchanged but for those that the request names.
fn kept(
    known: &Value,
    settings: &Value,
    nodes: Option<&Value>,
    count: Option<&Value>,
) -> Vec<Value> {
    let mut zones: Vec<Value> = older::zones(known).iter().map(zone).collect();
    for zone in &mut zones {
        let moves = settings.get("regionName").is_some_and(Value::is_string);
        let regions = zone.get_mut("regionsConfig").and_then(Value::as_object_mut);
        if let Some(regions) = regions {
            if moves && regions.len() == 1 {
                regions.clear();
            }
            if let Some(nodes) = nodes {
                for region in regions.values_mut() {
                    region["electableNodes"] = nodes.clone();
                }
            }
        }
        if let Some(count) = count {
            zone["numShards"] = count.clone();
        }
    }
    zones
}

/// The values of a request that apply to all regions.
struct Region<'a> {
    settings: &'a Value,
    scaling: Option<&'a Value>,
    before: Option<&'a Value>,
    nodes: i64,
}

impl Region<'_> {
    fn setting(&self, name: &str, before: &str, default: &str) -> Value {
        let given = self.settings.get(name).filter(|value| value.is_string());
        let before = || self.before.and_then(|region| region.pointer(before));
        given
            .or_else(before)
            .cloned()
            .unwrap_or_else(|| default.into())
    }

    /// The region of the provider settings.
    fn alone(&self) -> Value {
        let name = self.setting("regionName", "/regionName", "US_EAST_1");
        let name = name.as_str().unwrap_or_default().to_owned();
        self.named(&name, &json!({"electableNodes": self.nodes, "priority": 7}))
    }

    fn named(&self, name: &str, nodes: &Value) -> Value {
        let size = self.setting("instanceSizeName", "/electableSpecs/instanceSize", "M10");
        let hardware = |field: &str, default: i64| {
            let count = nodes.get(field).and_then(Value::as_i64).unwrap_or(default);
            let mut specs = json!({"instanceSize": size, "nodeCount": count});
            for (ours, theirs) in [("diskIOPS", "diskIOPS"), ("volumeType", "ebsVolumeType")] {
                if let Some(value) = self.settings.get(ours) {
                    specs[theirs] = value.clone();
                }
            }
            specs
        };
        let mut region = json!({
            "analyticsSpecs": hardware("analyticsNodes", 0),
            "electableSpecs": hardware("electableNodes", 3),
            "priority": nodes.get("priority").and_then(Value::as_i64).unwrap_or(7),
            "providerName": self.setting("providerName", "/providerName", "AWS"),
            "readOnlySpecs": hardware("readOnlyNodes", 0),
            "regionName": name,
        });
        if region["providerName"] == "TENANT" {
            region["backingProviderName"] =
                self.setting("backingProviderName", "/backingProviderName", "AWS");
        }
        if let Some(scaling) = self.scaling {
            let bounds = self.settings.pointer("/autoScaling/compute");
            let mut compute = scaling
                .get("compute")
                .map(store::object)
                .unwrap_or_default();
            compute.extend(bounds.map(store::object).unwrap_or_default());
            region["autoScaling"] = json!({
                "compute": compute,
                "diskGB": {"enabled": scaling.get("diskGBEnabled") == Some(&true.into())},
            });
        }
        region
    }
}

/// Converts a cluster to the form of this version.
pub(super) fn shown(body: &Value) -> Value {
    let mut shown = store::object(&older::shown(body.clone()));
    shown.remove("replicationSpecs");
    let zones = older::zones(body);
    let first = zones
        .first()
        .and_then(|zone| zone.pointer("/regionConfigs/0"));
    let none = json!({});
    let first = first.unwrap_or(&none);
    let text = |pointer: &str| first.pointer(pointer).cloned().unwrap_or_default();
    let backups = shown.insert("backupEnabled".to_owned(), false.into());
    let legacy_zones: Vec<Value> = zones.iter().map(zone).collect();
    let regions = legacy_zones
        .first()
        .and_then(|zone| zone.get("regionsConfig"));
    let regions = regions.cloned().unwrap_or_default();
    let count = zones
        .first()
        .and_then(|zone| zone.get("numShards"))
        .cloned();
    let mut set = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    set(
        "autoScaling",
        json!({
            "compute": {
                "enabled": first.pointer("/autoScaling/compute/enabled") == Some(&true.into()),
                "scaleDownEnabled":
                    first.pointer("/autoScaling/compute/scaleDownEnabled") == Some(&true.into()),
            },
            "diskGBEnabled": first.pointer("/autoScaling/diskGB/enabled") == Some(&true.into()),
        }),
    );
    set("numShards", count.unwrap_or_else(|| 1.into()));
    set("providerBackupEnabled", backups.unwrap_or_default());
    set("providerSettings", settings(first));
    let nodes = text("/electableSpecs/nodeCount");
    let nodes = nodes.as_i64().filter(|count| [3, 5, 7].contains(count));
    set("replicationFactor", nodes.unwrap_or(3).into());
    set("replicationSpec", regions);
    set("replicationSpecs", legacy_zones.into());
    let strings = body.get("connectionStrings").unwrap_or(&none);
    let standard = strings.get("standard").and_then(Value::as_str);
    if let Some((uri, _)) = standard.and_then(|uri| uri.split_once("/?")) {
        set("mongoURI", uri.into());
        set(
            "mongoURIUpdated",
            body.get("createDate").cloned().unwrap_or_default(),
        );
        set("mongoURIWithOptions", standard.unwrap_or_default().into());
    }
    if let Some(srv) = strings.get("standardSrv") {
        set("srvAddress", srv.clone());
    }
    Value::Object(shown)
}

fn zone(zone: &Value) -> Value {
    let count = |region: &Value, specs: &str| {
        let count = region.get(specs).and_then(|specs| specs.get("nodeCount"));
        count.cloned().unwrap_or_else(|| 0.into())
    };
    let regions = zone.get("regionConfigs").and_then(Value::as_array);
    let regions = regions.into_iter().flatten().map(|region| {
        let name = region.get("regionName").and_then(Value::as_str);
        let nodes = json!({
            "analyticsNodes": count(region, "analyticsSpecs"),
            "electableNodes": match region.pointer("/electableSpecs/nodeCount") {
                Some(count) => count.clone(),
                None => 3.into(),
            },
            "priority": region.get("priority").cloned().unwrap_or_default(),
            "readOnlyNodes": count(region, "readOnlySpecs"),
        });
        (name.unwrap_or_default().to_owned(), nodes)
    });
    let regions: Map<String, Value> = regions.collect();
    json!({
        "id": zone.get("id").cloned().unwrap_or_default(),
        "numShards": zone.get("numShards").cloned().unwrap_or_default(),
        "regionsConfig": regions,
        "zoneName": zone.get("zoneName").cloned().unwrap_or_default(),
    })
}

/// The settings of the provider of the first region.
fn settings(region: &Value) -> Value {
    let text = |pointer: &str| region.pointer(pointer).cloned().unwrap_or_default();
    let size = text("/electableSpecs/instanceSize");
    let mut settings = json!({
        "instanceSizeName": size,
        "providerName": text("/providerName"),
        "regionName": text("/regionName"),
    });
    match settings["providerName"].as_str() {
        Some("TENANT") => {
            settings["backingProviderName"] = text("/backingProviderName");
            settings["effectiveInstanceSizeName"] = size;
        }
        Some("AWS") => {
            settings["diskIOPS"] = text("/electableSpecs/diskIOPS");
            settings["encryptEBSVolume"] = true.into();
            settings["volumeType"] = text("/electableSpecs/ebsVolumeType");
        }
        _ => {}
    }
    if let Some(compute) = region.pointer("/autoScaling/compute") {
        let bounds: Map<String, Value> = ["minInstanceSize", "maxInstanceSize"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), compute.get(*name)?.clone())))
            .collect();
        if !bounds.is_empty() {
            settings["autoScaling"] = json!({ "compute": bounds });
        }
    }
    settings
}
