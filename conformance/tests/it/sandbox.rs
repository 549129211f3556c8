//! The sandbox answers every operation as documented.

use atlas_model::{CallOptions, OPERATIONS, RequestReader};
use atlas_sandbox::{
    CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, SHARDED_CLUSTER, Sandbox,
};
use http::header::AUTHORIZATION;
use serde_json::json;

/// The cluster that an operation is for.
fn cluster(id: &str) -> &'static str {
    if id.contains("Flex") {
        FLEX_CLUSTER
    } else if id.contains("Tenant") || id == "getGroupCluster" {
        CLUSTER
    } else if id.contains("Sharded") {
        SHARDED_CLUSTER
    } else {
        DEDICATED_CLUSTER
    }
}

fn body(id: &str, snapshot: &str) -> serde_json::Value {
    match id {
        "createGroupClusterBackupRestoreJob" => {
            json!({"deliveryType": "download", "snapshotId": snapshot})
        }
        "takeGroupClusterBackupSnapshots" => json!({"description": "d", "retentionInDays": 1}),
        "updateGroupClusterBackupSnapshot" => {
            json!({"retentionUnit": "WEEKS", "retentionValue": 2})
        }
        "createGroupFlexCluster" => json!({
            "name": "Another",
            "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"},
        }),
        "updateGroupFlexCluster" => json!({"tags": [{"key": "k", "value": "v"}]}),
        "downloadGroupFlexClusterBackup" => json!({"snapshotId": snapshot}),
        "tenantGroupFlexClusterUpgrade" => json!({"name": FLEX_CLUSTER}),
        _ => json!({"snapshotId": snapshot, "targetDeploymentItemName": "any"}),
    }
}

#[test]
fn every_operation_is_answered_without_a_deviation_in_every_form_and_version() {
    let now = "2026-01-10T03:04:05Z".parse().unwrap();
    let mut answered = 0;
    for operation in OPERATIONS {
        let meta = operation.meta;
        for version in meta.versions {
            for envelope in [false, true] {
                let options = CallOptions {
                    version: Some(version.version),
                    envelope,
                    pretty: meta.pretty,
                };
                let mut sandbox = Sandbox::new();
                let cluster = cluster(meta.id);
                let snapshots =
                    sandbox.snapshots(PROJECT.parse().unwrap(), &cluster.parse().unwrap());
                let snapshot = snapshots[0].to_string();
                let job = begin(&mut sandbox, now, cluster, &snapshot);
                let mut reader = RequestReader::new(meta);
                for parameter in meta.path_parameters {
                    let value = match parameter.name {
                        "groupId" => PROJECT.to_owned(),
                        "snapshotId" => snapshot.clone(),
                        "databaseName" => "sample".to_owned(),
                        "collectionName" => "people".to_owned(),
                        "clusterName" | "name" => cluster.to_owned(),
                        _ => job.clone(),
                    };
                    reader = reader.with_path(parameter.name, value);
                }
                if meta.body {
                    reader = reader.with_body(body(meta.id, &snapshot).to_string().into_bytes());
                }
                let mut request = operation.request(&reader, &options).unwrap();
                let token = format!("Bearer {}", OWNER.access_token);
                request
                    .headers_mut()
                    .insert(AUTHORIZATION, token.parse().unwrap());
                let response = sandbox.handle(now, request);
                assert_eq!(
                    response.status(),
                    meta.success,
                    "{}: {:?}",
                    meta.id,
                    response.body()
                );
                let sunset = response.headers().get("sunset");
                assert_eq!(sunset.is_some(), version.sunset.is_some(), "{}", meta.id);
                let answer = operation.response(response, &options).unwrap();
                assert_eq!(answer.value, [], "{}", meta.id);
                if answer.meta.version.is_some() {
                    assert_eq!(answer.meta.version, Some(version.version), "{}", meta.id);
                }
                answered += 1;
            }
        }
    }
    assert_eq!(answered, (39 + 2 * 2) * 2);
}

/// A restore job of a cluster, for the operations that look at one.
fn begin(sandbox: &mut Sandbox, now: jiff::Timestamp, cluster: &str, snapshot: &str) -> String {
    let id = match cluster {
        FLEX_CLUSTER => "downloadGroupFlexClusterBackup",
        CLUSTER => "downloadGroupClusterBackupTenant",
        _ => "createGroupClusterBackupRestoreJob",
    };
    let operation = OPERATIONS.iter().find(|it| it.meta.id == id).unwrap();
    let reader = RequestReader::new(operation.meta)
        .with_path("groupId", PROJECT)
        .with_path("clusterName", cluster)
        .with_path("name", cluster)
        .with_body(body(id, snapshot).to_string().into_bytes());
    let mut request = operation.request(&reader, &CallOptions::default()).unwrap();
    let token = format!("Bearer {}", OWNER.access_token);
    request
        .headers_mut()
        .insert(AUTHORIZATION, token.parse().unwrap());
    let response = sandbox.handle(now, request);
    let job: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    job["id"].as_str().unwrap().to_owned()
}
