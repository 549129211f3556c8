//! The additions of the overrides to the facts.

use atlas_catalog::{Operation, Role};
use serde_json::json;

use crate::facts::read;

#[test]
fn a_role_includes_lesser_roles_and_not_greater_ones() {
    let owner = Role("Project Owner");
    assert!(owner.includes("Project Owner"));
    assert!(owner.includes("Project Read Only"));
    assert!(
        Role("Organization Owner").includes("Project Read Only"),
        "through Project Owner"
    );
    assert!(Role("Project Backup Manager").includes("Project Backup Export Operator"));
    assert!(!Role("Project Read Only").includes("Project Owner"));
    assert!(!Role("Organization Member").includes("Project Read Only"));
    assert!(!Role("Emperor").includes("Project Read Only"));
    assert!(Role("Emperor").includes("Emperor"));
}

#[test]
fn every_documented_role_is_in_the_table_and_every_successor_is_an_operation() {
    let overrides = read("overrides.json");
    for operation in Operation::all() {
        for role in operation.roles() {
            assert!(overrides["roles"][role].is_object(), "{operation}: {role}");
        }
        let ends = operation.sunset().is_some();
        assert!(
            ends || operation.successor().is_none(),
            "{operation} has no sunset date"
        );
    }
    let successors = overrides["successors"].as_object().unwrap();
    let known = Operation::all().filter(|one| one.successor().is_some());
    assert_eq!(known.count(), successors.len());
}

#[test]
fn a_recorded_value_is_not_a_violation() {
    let operation = Operation::find("getGroupCluster").unwrap();
    let version = operation.version(None).unwrap();
    let answer = |value: &str| json!({"biConnector": {"readPreference": value}});
    let reported = |value: &str| {
        let found = operation.check_response(version, 200, &answer(value));
        found
            .iter()
            .any(|one| one.path() == "$.biConnector.readPreference")
    };
    assert!(!reported("secondary"));
    assert!(reported("tertiary"));
}

#[test]
fn a_pattern_is_enforced_only_if_the_overrides_enable_it() {
    let asked = |name: &str, value: &str| {
        let operation = Operation::find("deleteGroupAccessListEntry").unwrap();
        let request = operation
            .request()
            .parameter("groupId", "32b6e34b3d91647abb20e7b8");
        request.parameter(name, value).build()
    };
    // Its documented pattern is for percent-encoded text.
    assert!(asked("entryValue", "203.0.113.0/24").is_ok());
    let project = Operation::find("getGroup").unwrap().request();
    assert!(
        project
            .parameter("groupId", "32B6E34B3D91647ABB20E7B8")
            .build()
            .is_err()
    );
}
