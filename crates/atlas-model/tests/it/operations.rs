//! All operations: declared as documented, and read back at the other end as they were sent.

use atlas_model::{CallOptions, Erased, OPERATIONS, Payload as _, RequestReader, Route, route};
use serde_json::{Value, json};

fn documented() -> Vec<Value> {
    let text = include_str!("../../../../fixtures/operations.json");
    serde_json::from_str(text).unwrap()
}

fn names(parameters: &[atlas_model::operation::Parameter]) -> Vec<&str> {
    let mut names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_operation_is_declared_with_the_documented_facts() {
    let documented = documented();
    assert_eq!(OPERATIONS.len(), documented.len());
    for (operation, documented) in OPERATIONS.iter().zip(documented) {
        let meta = operation.meta;
        let versions: Vec<Value> = meta
            .versions
            .iter()
            .map(|version| match version.sunset {
                Some(sunset) => json!({
                    "version": version.version.to_string(),
                    "sunset": sunset.to_string(),
                }),
                None => json!({"version": version.version.to_string()}),
            })
            .collect();
        let declared = json!({
            "operationId": meta.id,
            "shortOperationId": meta.short_id,
            "tag": meta.tag,
            "method": meta.method.as_str(),
            "path": meta.path,
            "path_parameters": names(meta.path_parameters),
            "query_parameters": names(meta.query_parameters),
            "header_parameters": names(meta.header_parameters),
            "pretty": meta.pretty,
            "body": meta.body,
            "success": meta.success.as_u16(),
            "versions": versions,
        });
        assert_eq!(declared, documented);
    }
}

const ID: &str = "32b6e34b3d91647abb20e7b8";

/// A request with every parameter set.
fn full(operation: &Erased, options: &CallOptions) -> http::Request<bytes::Bytes> {
    let mut reader = RequestReader::new(operation.meta);
    for parameter in operation.meta.path_parameters {
        let value = match parameter.name {
            "clusterName" | "name" => "Cluster0",
            "databaseName" => "a/b? c%\u{e9}",
            "collectionName" => "...",
            _ => ID,
        };
        reader = reader.with_path(parameter.name, value);
    }
    for parameter in operation.meta.query_parameters {
        let value = if parameter.pattern.starts_with("true") {
            "true"
        } else {
            "7"
        };
        reader = reader.with_query(parameter.name, value);
    }
    for parameter in operation.meta.header_parameters {
        reader = reader.with_header(parameter.name, "true");
    }
    if operation.meta.body {
        reader = reader.with_body(body(operation.meta.id).to_string().into_bytes());
    }
    operation.request(&reader, options).unwrap()
}

/// What each body requires.
fn body(id: &str) -> Value {
    match id {
        "createGroupClusterBackupRestoreJob" => {
            json!({"deliveryType": "download", "snapshotId": ID})
        }
        "takeGroupClusterBackupSnapshots" => json!({"description": "d", "retentionInDays": 1}),
        "updateGroupClusterBackupSnapshot" => {
            json!({"retentionUnit": "DAYS", "retentionValue": 5})
        }
        "createGroupFlexCluster" => json!({
            "name": "Cluster0",
            "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"},
            "tags": [{"key": "k", "value": "v"}],
        }),
        "updateGroupFlexCluster" => json!({"terminationProtectionEnabled": true}),
        "downloadGroupFlexClusterBackup" => json!({"snapshotId": ID}),
        "tenantGroupFlexClusterUpgrade" => json!({"name": "Cluster0", "backupEnabled": true}),
        _ => json!({"snapshotId": ID, "targetDeploymentItemName": "any"}),
    }
}

#[test]
fn every_operation_is_read_back_as_it_was_sent_and_routed_to_itself() {
    let mut options = CallOptions::default();
    (options.envelope, options.pretty) = (true, true);
    for operation in OPERATIONS {
        let sent = full(operation, &options);
        let Route::Operation(found) = route(sent.method(), sent.uri().path()) else {
            panic!("{} leads nowhere", sent.uri());
        };
        assert_eq!(found.meta.id, operation.meta.id);
        let (reader, read) = RequestReader::from_http(operation.meta, &sent).unwrap();
        assert_eq!(read.envelope, options.envelope);
        assert_eq!(read.pretty, operation.meta.pretty, "{}", operation.meta.id);
        let again = operation.request(&reader, &options).unwrap();
        assert_eq!(again.uri(), sent.uri());
        assert_eq!(again.headers(), sent.headers());
        assert_eq!(again.body(), sent.body());
    }
}

#[test]
fn a_name_never_leaves_its_place_in_the_path() {
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.meta.id == "getGroupClusterBackupSnapshotDatabase")
        .unwrap();
    let named = |name: &str| {
        let reader = RequestReader::new(operation.meta)
            .with_path("groupId", ID)
            .with_path("clusterName", "Cluster0")
            .with_path("snapshotId", ID)
            .with_path("databaseName", name.to_owned());
        operation.request(&reader, &CallOptions::default())
    };
    for name in ["", ".", ".."] {
        assert!(named(name).is_err(), "{name:?}");
    }
    for name in [
        "a/../b",
        "%2e%2e",
        "a?b#c",
        "\0\n",
        "\u{1f600}",
        "...",
        "a;b",
    ] {
        let request = named(name).unwrap();
        let path = request.uri().path();
        assert_eq!(
            path.split('/').count(),
            operation.meta.path.split('/').count()
        );
        let (reader, _) = RequestReader::from_http(operation.meta, &request).unwrap();
        let read: atlas_model::DatabaseName = reader.path("databaseName").unwrap();
        assert_eq!(read.as_str(), name);
    }
}

#[test]
fn what_a_query_does_not_take_is_refused_and_named() {
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.meta.id == "listGroupClusterBackupSnapshots")
        .unwrap();
    for (name, value, expected) in [
        (
            "itemsPerPage",
            "501",
            "itemsPerPage takes a number from 1 to 500",
        ),
        ("pageNum", "0", "pageNum takes a number from 1"),
        ("includeCount", "yes", "includeCount takes true or false"),
        ("oplogTs", "1.5", "oplogTs takes a whole number"),
    ] {
        let reader = RequestReader::new(operation.meta)
            .with_path("groupId", ID)
            .with_path("clusterName", "Cluster0")
            .with_query(name, value);
        let error = operation
            .request(&reader, &CallOptions::default())
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_deviation_names_the_way_to_its_field() {
    let body = br#"{"results": [{"id": "odd", "members": [{"id": "x"}], "status": "thawing"}]}"#;
    let page = atlas_model::Page::<atlas_model::ShardedSnapshot>::read(body).unwrap();
    let deviations = page.deviations();
    let fields: Vec<_> = deviations
        .iter()
        .map(atlas_model::Deviation::field)
        .collect();
    assert_eq!(
        fields,
        [
            "results[0].id",
            "results[0].members[0].cloudProvider",
            "results[0].members[0].id",
            "results[0].members[0].replicaSetName",
            "results[0].status",
        ]
    );
}
