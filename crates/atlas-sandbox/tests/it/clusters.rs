//! Clusters and their subresources: states over time, and the form of each version.

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, SHARDED_CLUSTER, Sandbox};
use http::Request;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{after, json as parsed};

const NEWEST: &str = "2025-03-12";

/// A world and the seconds that have passed in it.
struct World {
    sandbox: Sandbox,
    seconds: i64,
}

impl World {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            seconds: 0,
        }
    }

    /// The status and the body of the response to a request below the project.
    fn ask(&mut self, version: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/atlas/v2/groups/{PROJECT}/{path}"))
            .header("authorization", format!("Bearer {}", OWNER.access_token))
            .header("accept", format!("application/vnd.atlas.{version}+json"));
        let mut bytes = bytes::Bytes::new();
        if !body.is_null() {
            request = request.header("content-type", "application/json");
            bytes = body.to_string().into();
        }
        let now = after(SignedDuration::from_secs(self.seconds));
        let response = self.sandbox.handle(now, request.body(bytes).unwrap());
        let status = response.status().as_u16();
        let body = if response.body().is_empty() {
            Value::Null
        } else {
            parsed(&response)
        };
        (status, body)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.ask(NEWEST, "GET", path, &Value::Null)
    }

    fn get_in(&mut self, version: &str, path: &str) -> Value {
        self.ask(version, "GET", path, &Value::Null).1
    }

    fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(NEWEST, "POST", path, body)
    }

    fn delete(&mut self, path: &str) -> (u16, Value) {
        self.ask(NEWEST, "DELETE", path, &Value::Null)
    }

    fn state(&mut self, path: &str) -> Value {
        self.get(path).1["stateName"].clone()
    }
}

fn refusal(answer: &(u16, Value)) -> (u16, &str, Value) {
    let code = answer.1["errorCode"].as_str().unwrap_or_default();
    (answer.0, code, answer.1["parameters"].clone())
}

#[test]
fn a_cluster_has_its_states_in_order_and_its_addresses_once_it_is_ready() {
    let mut world = World::new();
    let (status, made) = world.post("clusters", &json!({"name": "New"}));
    assert_eq!((status, &made["stateName"]), (201, &json!("CREATING")));
    assert_eq!(made["connectionStrings"], json!({}));
    world.seconds = 59;
    assert_eq!(world.state("clusters/New"), "CREATING");
    world.seconds = 60;
    let ready = world.get("clusters/New").1;
    assert_eq!(ready["stateName"], "IDLE");
    assert!(ready["connectionStrings"]["standard"].is_string());
    let paused = json!({"paused": true});
    let (_, changed) = world.ask(NEWEST, "PATCH", "clusters/New", &paused);
    assert_eq!(
        (&changed["stateName"], &changed["paused"]),
        (&json!("UPDATING"), &json!(true))
    );
    world.seconds = 120;
    assert_eq!(world.state("clusters/New"), "IDLE");
    assert_eq!(world.delete("clusters/New"), (202, json!({})));
    assert_eq!(world.state("clusters/New"), "DELETING");
    let again = world.delete("clusters/New");
    let code = "CLUSTER_ALREADY_REQUESTED_DELETION";
    assert_eq!(refusal(&again), (400, code, json!(["New"])));
    let change = world.ask(NEWEST, "PATCH", "clusters/New", &json!({"paused": false}));
    let reason = change.1["detail"].clone();
    assert_eq!(
        refusal(&change),
        (400, "ATLAS_GENERAL_ERROR", json!([reason]))
    );
    world.seconds = 180;
    let gone = world.get("clusters/New");
    assert_eq!(
        refusal(&gone),
        (404, "CLUSTER_NOT_FOUND", json!(["New", PROJECT]))
    );
}

#[test]
fn a_cluster_that_is_changed_while_it_is_created_is_not_ready_too_soon() {
    let mut world = World::new();
    world.post("clusters", &json!({"name": "New"}));
    world.seconds = 30;
    world.ask(NEWEST, "PATCH", "clusters/New", &json!({"tags": []}));
    world.seconds = 60;
    assert_eq!(world.state("clusters/New"), "UPDATING");
    world.seconds = 90;
    assert!(world.get("clusters/New").1["connectionStrings"]["standard"].is_string());
}

#[test]
fn a_name_is_free_if_no_cluster_of_any_kind_has_it() {
    let mut world = World::new();
    let flex = json!({
        "name": DEDICATED_CLUSTER,
        "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"},
    });
    for (path, body, name) in [
        ("clusters", json!({"name": FLEX_CLUSTER}), FLEX_CLUSTER),
        (
            "clusters",
            json!({"name": SHARDED_CLUSTER}),
            SHARDED_CLUSTER,
        ),
        ("flexClusters", flex, DEDICATED_CLUSTER),
    ] {
        let answer = world.post(path, &body);
        let (status, code, parameters) = refusal(&answer);
        assert_eq!((status, code), (400, "DUPLICATE_CLUSTER_NAME"));
        assert_eq!(
            (&parameters[1], &parameters[2]),
            (&json!(name), &json!(PROJECT))
        );
    }
}

#[test]
fn each_version_shows_a_sharded_cluster_in_its_own_form() {
    let mut world = World::new();
    let path = format!("clusters/{SHARDED_CLUSTER}");
    let newest = world.get_in("2024-08-05", &path);
    assert_eq!(newest["replicationSpecs"].as_array().unwrap().len(), 2);
    assert_eq!(newest.get("diskSizeGB"), None);
    let hardware = "/replicationSpecs/1/regionConfigs/0/electableSpecs/diskSizeGB";
    assert_eq!(newest.pointer(hardware), Some(&json!(40.0)));
    let older = world.get_in("2023-02-01", &path);
    assert_eq!(older["replicationSpecs"].as_array().unwrap().len(), 1);
    assert_eq!(older["replicationSpecs"][0]["numShards"], 2);
    assert_eq!(older["diskSizeGB"], 40.0);
    assert_eq!(older.get("redactClientLogData"), None);
    let hardware = older.pointer("/replicationSpecs/0/regionConfigs/0/electableSpecs");
    assert_eq!(hardware.unwrap().get("diskSizeGB"), None);
    let legacy = world.get_in("2023-01-01", &path);
    assert_eq!(legacy["numShards"], 2);
    assert_eq!(legacy["providerSettings"]["instanceSizeName"], "M30");
    assert_eq!(legacy["replicationSpec"]["US_EAST_1"]["electableNodes"], 3);
    assert_eq!(
        (&legacy["backupEnabled"], &legacy["providerBackupEnabled"]),
        (&json!(false), &json!(true))
    );
    assert!(
        legacy["mongoURI"]
            .as_str()
            .unwrap()
            .starts_with("mongodb://sharded0-")
    );
    let list = world.get_in("2023-01-01", "clusters");
    assert!(list["results"].as_array().unwrap().contains(&legacy));
}

#[test]
fn a_cluster_that_an_older_version_made_is_whole_in_the_newest_one() {
    let mut world = World::new();
    let asked = json!({
        "name": "Old",
        "clusterType": "SHARDED",
        "diskSizeGB": 80,
        "numShards": 3,
        "providerBackupEnabled": true,
        "providerSettings": {
            "instanceSizeName": "M30", "providerName": "AWS", "regionName": "EU_WEST_1",
        },
    });
    let (status, made) = world.ask("2023-01-01", "POST", "clusters", &asked);
    assert_eq!((status, &made["numShards"]), (201, &json!(3)), "{made}");
    let newest = world.get("clusters/Old").1;
    assert_eq!(newest["replicationSpecs"].as_array().unwrap().len(), 3);
    let region = newest
        .pointer("/replicationSpecs/2/regionConfigs/0")
        .unwrap();
    assert_eq!(region["regionName"], "EU_WEST_1");
    assert_eq!(region["electableSpecs"]["instanceSize"], "M30");
    assert_eq!(region["electableSpecs"]["diskSizeGB"], 80);
    assert_eq!(newest["backupEnabled"], true);
    let larger = json!({"diskSizeGB": 120, "name": "Old"});
    world.ask("2023-01-01", "PATCH", "clusters/Old", &larger);
    assert_eq!(
        world.get_in("2023-02-01", "clusters/Old")["diskSizeGB"],
        120
    );
    let size = json!({"providerSettings": {"instanceSizeName": "M40", "providerName": "AWS"}});
    let (_, changed) = world.ask("2023-01-01", "PATCH", "clusters/Old", &size);
    let settings = &changed["providerSettings"];
    assert_eq!(settings["regionName"], "EU_WEST_1", "{changed}");
    assert_eq!(settings["instanceSizeName"], "M40");
    assert_eq!(changed["numShards"], 3);
}

#[test]
fn an_invalid_cluster_is_refused_with_the_recorded_code() {
    let mut world = World::new();
    let old = json!({"name": "New", "mongoDBMajorVersion": "4.4"});
    let answer = world.post("clusters", &old);
    assert_eq!(
        refusal(&answer),
        (400, "ATLAS_CLUSTER_VERSION_DEPRECATED", json!([]))
    );
    let safe = json!({"name": "New", "terminationProtectionEnabled": true});
    world.post("clusters", &safe);
    let (status, error) = world.delete("clusters/New");
    let code = "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED";
    assert_eq!((status, &error["errorCode"]), (400, &json!(code)));
    let parameter = error["parameters"][0].as_str().unwrap();
    assert!(!error["detail"].as_str().unwrap().contains(parameter));
    let none = world.get("clusters/New/backup/schedule");
    let id = world.get("clusters/New").1["id"].clone();
    assert_eq!(
        refusal(&none),
        (404, "BACKUP_CONFIG_NOT_FOUND", json!([id, PROJECT]))
    );
}

#[test]
fn a_flex_cluster_that_is_upgraded_loses_nothing() {
    let mut world = World::new();
    let tags = json!({"tags": [{"key": "env", "value": "test"}]});
    let flex = format!("flexClusters/{FLEX_CLUSTER}");
    world.ask(NEWEST, "PATCH", &flex, &tags);
    let index = json!({"name": "i", "database": "d", "collectionName": "c", "type": "search",
        "definition": {"mappings": {"dynamic": true}}});
    let indexes = format!("clusters/{FLEX_CLUSTER}/search/indexes");
    let (status, made) = world.post(&indexes, &index);
    assert_eq!(status, 201, "{made}");
    let before = world.get(&flex).1;
    let snapshots = world.get(&format!("{flex}/backup/snapshots")).1["totalCount"].clone();
    let upgrade = json!({"name": FLEX_CLUSTER});
    let (status, answer) = world.post("flexClusters:tenantUpgrade", &upgrade);
    assert_eq!((status, &answer["stateName"]), (200, &json!("UPDATING")));
    let after = world.get(&format!("clusters/{FLEX_CLUSTER}")).1;
    for same in ["id", "createDate", "tags", "terminationProtectionEnabled"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let kept = world
        .get(&format!("clusters/{FLEX_CLUSTER}/backup/snapshots"))
        .1;
    assert_eq!(kept["totalCount"], snapshots);
    world.seconds = 60;
    let id = made["indexID"].as_str().unwrap();
    let (_, index) = world.get(&format!("{indexes}/{id}"));
    assert_eq!(index["status"], "READY", "{index}");
    let code = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API";
    let former = world.get(&flex);
    assert_eq!(refusal(&former), (400, code, json!([FLEX_CLUSTER])));
}

#[test]
fn both_families_of_operations_show_the_same_search_indexes() {
    let mut world = World::new();
    let base = format!("clusters/{DEDICATED_CLUSTER}");
    let asked = json!({"name": "i", "database": "d", "collectionName": "c",
        "mappings": {"dynamic": true}, "analyzer": "lucene.simple"});
    let (status, made) = world.post(&format!("{base}/fts/indexes"), &asked);
    assert_eq!(
        (status, &made["status"]),
        (200, &json!("IN_PROGRESS")),
        "{made}"
    );
    let (_, named) = world.get(&format!("{base}/search/indexes/d/c/i"));
    assert_eq!(named["indexID"], made["indexID"]);
    assert_eq!(named["latestDefinition"]["analyzer"], "lucene.simple");
    assert_eq!(
        (&named["status"], &named["queryable"]),
        (&json!("PENDING"), &json!(false))
    );
    let (_, others) = world.get(&format!("{base}/fts/indexes/d/other"));
    assert_eq!(others, json!([]));
    assert_eq!(world.delete(&format!("{base}/search/indexes/d/c/i")).0, 204);
    let id = made["indexID"].as_str().unwrap();
    assert_eq!(world.get(&format!("{base}/fts/indexes/{id}")).0, 404);
}

#[test]
fn a_restore_to_a_point_in_time_keeps_its_type_and_its_time() {
    let mut world = World::new();
    let path = format!("clusters/{DEDICATED_CLUSTER}/backup/restoreJobs");
    let asked = json!({
        "deliveryType": "pointInTime",
        "pointInTimeUTCSeconds": 1_767_225_600,
        "targetClusterName": DEDICATED_CLUSTER,
        "targetGroupId": PROJECT,
    });
    let (_, job) = world.post(&path, &asked);
    assert_eq!(job["deliveryType"], "pointInTime");
    assert_eq!(job["desiredTimestamp"]["date"], "2026-01-01T00:00:00Z");
    let lost = json!({
        "deliveryType": "pointInTime",
        "pointInTimeUTCSeconds": 1_767_225_600,
        "targetClusterName": "Lost",
        "targetGroupId": PROJECT,
    });
    let answer = world.post(&path, &lost);
    assert_eq!(
        refusal(&answer),
        (404, "CLUSTER_NOT_FOUND", json!(["Lost", PROJECT]))
    );
}

#[test]
fn processes_exist_as_long_as_their_cluster() {
    let mut world = World::new();
    let of_new = |world: &mut World| {
        let (_, list) = world.get("processes");
        let all = list["results"].as_array().unwrap().clone().into_iter();
        let of_new = all.filter(|it| it["hostname"].as_str().unwrap().starts_with("new-"));
        of_new.collect::<Vec<_>>()
    };
    world.post("clusters", &json!({"name": "New"}));
    assert_eq!(of_new(&mut world), Vec::<Value>::new());
    world.seconds = 60;
    let processes = of_new(&mut world);
    assert_eq!(processes.len(), 3);
    let id = processes[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, "new-shard-00-00.sandbox.example:27017");
    assert_eq!(world.get(&format!("processes/{id}")).1, processes[0]);
    let measurements =
        format!("processes/{id}/measurements?granularity=PT1H&period=PT4H&m=CONNECTIONS");
    let (_, measured) = world.get(&measurements);
    let points = measured["measurements"][0]["dataPoints"]
        .as_array()
        .unwrap();
    assert_eq!(points.len(), 5, "{measured}");
    let unknown = "processes/other-shard-00-00.sandbox.example:27017";
    for path in ["", "/databases", "/disks", "/performanceAdvisor/namespaces"] {
        assert_eq!(world.get(&format!("{unknown}{path}")).0, 404, "{path}");
    }
    let long = format!("processes/{id}/measurements?granularity=PT1S&period=P9999Y");
    assert!(matches!(world.get(&long).0, 200 | 400));
    world.delete("clusters/New");
    world.seconds = 120;
    assert_eq!(world.get(&format!("processes/{id}")).0, 404);
}
