//! Tests that the sandbox responds to every backup operation as documented.

use std::collections::BTreeSet;

use atlas_catalog::{Body, Operation, Place, RequestBuilder};
use atlas_sandbox::{
    CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, Fidelity, OWNER, PROJECT, SHARDED_CLUSTER, Sandbox,
};
use bytes::Bytes;
use http::Response;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Returns the cluster that an operation is for.
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

fn body(id: &str, snapshot: &str) -> Value {
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
        _ => json!({"snapshotId": snapshot, "targetDeploymentItemName": CLUSTER}),
    }
}

/// Returns the operations of `fixtures/operations.json`.
fn operations() -> Vec<Operation> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/operations.json");
    let listed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let listed = listed.as_array().unwrap().iter();
    let ids = listed.map(|it| it["operationId"].as_str().unwrap());
    ids.map(|id| Operation::find(id).unwrap()).collect()
}

/// Sends a request as the owner.
fn ask(sandbox: &mut Sandbox, now: Timestamp, request: &RequestBuilder) -> Response<Bytes> {
    let mut request = request.build().unwrap();
    let token = format!("Bearer {}", OWNER.access_token);
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, token.parse().unwrap());
    sandbox.handle(now, request)
}

/// Whether recorded responses of Atlas have this violation: null for absent values, undocumented
/// fields and one undocumented value, and the small disks of the shared tier.
fn is_recorded(violation: &str) -> bool {
    let ends = [
        "found null",
        "unknown field",
        "diskSizeGB: expected at least 10, found 2.0",
    ];
    ends.iter().any(|end| violation.ends_with(end)) || violation.contains("\"ondemand\"")
}

#[test]
fn no_response_violates_the_schema_of_its_operation_in_any_form_and_version() {
    let now = "2026-01-10T03:04:05Z".parse().unwrap();
    let mut answered = 0;
    for operation in operations() {
        let id = operation.id();
        for version in operation.versions().iter().filter(|it| !it.is_preview()) {
            for envelope in [false, true] {
                let mut sandbox = Sandbox::new();
                let cluster = cluster(id);
                let snapshots =
                    sandbox.snapshots(PROJECT.parse().unwrap(), &cluster.parse().unwrap());
                let snapshot = snapshots[0].to_string();
                let job = begin(&mut sandbox, now, cluster, &snapshot);
                let mut request = operation.request().version(&version.name);
                for parameter in operation.parameters() {
                    let value = match parameter.name.as_str() {
                        "envelope" => envelope.to_string(),
                        "pretty" => "true".to_owned(),
                        _ if parameter.place != Place::Path => continue,
                        "groupId" => PROJECT.to_owned(),
                        "snapshotId" => snapshot.clone(),
                        "databaseName" => "sample".to_owned(),
                        "collectionName" => "people".to_owned(),
                        "clusterName" | "name" => cluster.to_owned(),
                        _ => job.clone(),
                    };
                    request = request.parameter(&parameter.name, value);
                }
                if operation.body() != Body::None {
                    request = request.json(body(id, &snapshot));
                }
                let response = ask(&mut sandbox, now, &request);
                let status = response.status().as_u16();
                let documented = version.statuses().any(|known| known == status);
                assert!(documented, "{id}: {status} {:?}", response.body());
                let sunset = response.headers().get("sunset");
                assert_eq!(sunset.is_some(), version.sunset.is_some(), "{id}");
                if let Some(media_type) = response.headers().get("content-type") {
                    let expected = format!("application/vnd.atlas.{}+json", version.name);
                    let media_type = media_type.to_str().unwrap();
                    assert!(media_type.starts_with(&expected), "{id}: {media_type}");
                }
                if !response.body().is_empty() {
                    let content = content(response.body(), envelope, status);
                    let mut violations = operation.check_response(version, status, &content);
                    violations.retain(|it| !is_recorded(&it.to_string()));
                    assert_eq!(violations, [], "{id}");
                }
                answered += 1;
            }
        }
    }
    assert_eq!(answered, (39 + 2 * 2) * 2);
}

/// Returns the body, or the content of its envelope.
fn content(body: &[u8], envelope: bool, status: u16) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    if !envelope {
        return body;
    }
    assert_eq!(body["status"], status, "{body}");
    if let Some(content) = body.get_mut("content") {
        return content.take();
    }
    body.as_object_mut().unwrap().remove("status");
    body
}

/// Creates a restore job of a cluster and returns its id.
fn begin(sandbox: &mut Sandbox, now: Timestamp, cluster: &str, snapshot: &str) -> String {
    let id = match cluster {
        FLEX_CLUSTER => "downloadGroupFlexClusterBackup",
        CLUSTER => "downloadGroupClusterBackupTenant",
        _ => "createGroupClusterBackupRestoreJob",
    };
    let operation = Operation::find(id).unwrap();
    let name = operation
        .parameter("name")
        .map_or("clusterName", |_| "name");
    let request = operation
        .request()
        .parameter("groupId", PROJECT)
        .parameter(name, cluster)
        .json(body(id, snapshot));
    let response = ask(sandbox, now, &request);
    let job: Value = serde_json::from_slice(response.body()).unwrap();
    job["id"].as_str().unwrap().to_owned()
}

/// Collects the operations of the requests of a case.
fn operations_in(case: &Value, found: &mut BTreeSet<String>) {
    match case {
        Value::Object(fields) => {
            if let Some(Value::String(operation)) = fields.get("operation") {
                found.insert(operation.clone());
            }
            fields
                .values()
                .for_each(|field| operations_in(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| operations_in(item, found)),
        _ => {}
    }
}

#[test]
fn every_operation_with_recorded_fidelity_has_a_case_of_a_recorded_fact() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/recorded");
    let mut judged = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        operations_in(&serde_json::from_str(&text).unwrap(), &mut judged);
    }
    let recorded = Operation::all().map(Operation::id);
    let unjudged: Vec<&str> = recorded
        .filter(|id| Fidelity::of(id) == Some(Fidelity::Recorded))
        .filter(|id| !judged.contains(*id))
        .collect();
    assert_eq!(unjudged, [""; 0]);
}
