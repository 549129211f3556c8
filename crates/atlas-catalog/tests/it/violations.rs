//! The lines of each kind of violation, by direction.

use atlas_catalog::{Operation, ViolationKind};
use serde_json::{Value, json};

fn request(id: &str, body: &Value) -> Vec<String> {
    let operation = Operation::find(id).unwrap();
    let version = operation.version(None).unwrap();
    reported(&operation.check_request(version, Some(body)))
}

fn response(id: &str, body: &Value) -> Vec<String> {
    let operation = Operation::find(id).unwrap();
    let version = operation.version(None).unwrap();
    reported(&operation.check_response(version, 200, body))
}

fn reported(violations: &[atlas_catalog::Violation]) -> Vec<String> {
    let lines = violations
        .iter()
        .map(|one| format!("{} ({})", one, one.kind()));
    lines.collect()
}

#[test]
fn each_kind_is_reported_with_its_path() {
    let flex = json!({
        "name": "my cluster",
        "providerSettings": {"backingProviderName": "IBM", "providerName": "FLEX"},
        "terminationProtectionEnabled": "yes",
        "tags": [{"key": ""}],
        "a b": 1,
    });
    assert_eq!(
        request("createGroupFlexCluster", &flex),
        [
            "$[\"a b\"]: unknown field (unknown field)",
            "$.name: expected ASCII letters, digits and hyphens, starting with a letter or digit, \
             found \"my cluster\" (pattern)",
            "$.providerSettings.regionName: required field is missing (required)",
            "$.providerSettings.backingProviderName: expected one of AWS, AZURE, GCP, \
             found \"IBM\" (enum)",
            "$.providerSettings.providerName: read-only field (read-only)",
            "$.tags[0].value: required field is missing (required)",
            "$.tags[0].key: expected at least 1 character, found \"\" (bound)",
            "$.terminationProtectionEnabled: expected true or false, found \"yes\" (type)",
        ]
    );
}

#[test]
fn a_change_may_omit_required_fields() {
    assert!(request("updateGroupFlexCluster", &json!({})).is_empty());
    let create = request("createGroupFlexCluster", &json!({}));
    assert_eq!(create.len(), 2, "{create:?}");
}

#[test]
fn a_union_reports_the_closest_form_and_a_discriminator_its_values() {
    let region = json!({"providerName": "AWS", "regionName": "US_EAST_9", "priority": 7});
    let body = json!({"replicationSpecs": [{"regionConfigs": [region]}]});
    let found = request("updateGroupCluster", &body);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("$.replicationSpecs[0].regionConfigs[0].regionName: expected one of")
    );
    assert!(
        found[0].ends_with("found \"US_EAST_9\" (union)"),
        "{found:?}"
    );
}

#[test]
fn the_member_of_a_union_that_has_the_field_is_reported() {
    let region = json!({"providerName": "AWS", "electableSpecs": {"nodeCount": "3"}});
    let body = json!({"replicationSpecs": [{"regionConfigs": [region]}]});
    let found = request("updateGroupCluster", &body).join("\n");
    assert!(
        found.contains("nodeCount: expected an integer, found \"3\""),
        "{found}"
    );
}

#[test]
fn a_secret_is_not_shown() {
    let body = json!({"databaseName": "admin", "groupId": "32b6e34b3d91647abb20e7b8",
        "username": "u", "password": 5, "roles": []});
    let found = request("createGroupDatabaseUser", &body).join("\n");
    assert!(
        found.contains("$.password: expected a string (type)"),
        "{found}"
    );
}

#[test]
fn responses_need_no_write_only_field_and_must_not_have_one() {
    let found = response("getGroupDatabaseUser", &json!({"password": "hunter2"})).join("\n");
    assert!(found.contains("$.password: write-only field (write-only)"));
    assert!(!found.contains("hunter2"));
    assert!(
        found.contains("$.username: required field is missing"),
        "{found}"
    );
}

#[test]
fn other_statuses_than_success_have_no_schema() {
    let operation = Operation::find("getGroup").unwrap();
    let version = operation.version(None).unwrap();
    assert!(
        operation
            .check_response(version, 404, &json!([]))
            .is_empty()
    );
    assert_eq!(
        operation.check_response(version, 201, &json!([]))[0].kind(),
        ViolationKind::Type
    );
}

#[test]
fn deep_values_and_many_violations_end_the_check() {
    let nest =
        |key: &str, value: Value| Value::Object([(key.to_owned(), value)].into_iter().collect());
    let mut deep = json!({});
    for _ in 0..1000 {
        deep = nest("analyzer", deep);
    }
    let mut body = json!({"collectionName": "c", "database": "d", "name": "n"});
    body["definition"] = nest("mappings", nest("fields", deep));
    let found = request("createGroupClusterSearchIndex", &body);
    assert!(found.len() <= 100);
    let operation = Operation::find("listGroups").unwrap();
    let many: Vec<Value> = vec![json!(1); 10_000];
    let version = operation.version(None).unwrap();
    let found = operation.check_response(version, 200, &json!({"results": many}));
    assert_eq!(found.len(), 100);
}
