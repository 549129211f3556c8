//! The entries of `watch.json` follow the operations they name.

use serde_json::json;

use super::{imported, polled, value, watched};
use crate::support::DESCRIPTION;

#[test]
fn a_wait_is_removed_with_the_operation_that_it_follows() {
    let small = watched();
    let from = polled().find("  /api/atlas/v2/groups/{groupId}/things:\n");
    let to = polled().find("components:\n");
    let mut without = polled();
    without.replace_range(from.unwrap()..to.unwrap(), "");
    let line = "watch.json: removed the entry of createGroupThing: createGroupThing is gone";
    imported(&small, &without, line);
    assert_eq!(value(&small, "watch.json"), json!([]));
}

#[test]
fn a_wait_is_removed_with_the_operation_that_it_polls() {
    let small = watched();
    let line = "watch.json: removed the entry of createGroupThing: getGroupThing is gone";
    imported(&small, DESCRIPTION, line);
    assert_eq!(value(&small, "watch.json"), json!([]));
}

#[test]
fn a_wait_polls_a_later_version_if_its_own_has_ended() {
    let small = watched();
    let later = "            application/vnd.atlas.2024-01-01+json";
    let ended = polled().replacen(
        "            application/vnd.atlas.2023-01-01+json: {schema: {$ref: \"#/components/schemas/Thing\"}}\n            application/vnd.atlas.2024-01-01+json",
        later,
        1,
    );
    assert!(ended.len() < polled().len());
    let line = "watch.json: the entry of createGroupThing polls version 2024-01-01, since \
                getGroupThing no longer has 2023-01-01: check it";
    imported(&small, &ended, line);
    let watch = value(&small, "watch.json");
    assert_eq!(watch[0]["version"], "2024-01-01");
    assert_eq!(watch[0]["fail"], json!(["SMALL"]));
}

#[test]
fn a_wait_polls_an_earlier_version_rather_than_a_preview() {
    let small = watched();
    let watch = small.read("watch.json");
    small.write("watch.json", &watch.replace("2023-01-01", "2024-01-01"));
    let ended = polled().replace(
        "            application/vnd.atlas.2024-01-01",
        "            application/vnd.atlas.preview",
    );
    let line = "watch.json: the entry of createGroupThing polls version 2023-01-01, since \
                getGroupThing no longer has 2024-01-01: check it";
    imported(&small, &ended, line);
}

#[test]
fn a_wait_is_removed_if_no_version_has_the_field_that_it_polls() {
    let small = watched();
    let ended = polled().replacen(
        "            application/vnd.atlas.2023-01-01+json: {schema: {$ref: \"#/components/schemas/Thing\"}}\n            application/vnd.atlas.2024-01-01+json: {schema: {$ref: \"#/components/schemas/Thing\"}}",
        "            application/vnd.atlas.2024-01-01+json: {schema: {type: object}}",
        1,
    );
    let line = "watch.json: removed the entry of createGroupThing: getGroupThing no longer has \
                version 2023-01-01, nor another with the field";
    imported(&small, &ended, line);
    assert_eq!(value(&small, "watch.json"), json!([]));
}

#[test]
fn a_wait_is_removed_if_the_polled_operation_lost_a_parameter() {
    let small = watched();
    let moved = polled().replace("groups/{groupId}/things/one", "things/one");
    let moved = moved.replacen(
        "        - {in: path, name: groupId, required: true, schema: {type: string}}\n",
        "        - {in: query, name: group, schema: {type: string}}\n",
        1,
    );
    // Another path is another operation, which is to have the names from now on.
    small.forget("GET /api/atlas/v2/groups/{groupId}/things/one");
    let line = "watch.json: removed the entry of createGroupThing: getGroupThing has no \
                parameter \"groupId\"";
    imported(&small, &moved, line);
    assert_eq!(value(&small, "watch.json"), json!([]));
}

#[test]
fn waits_and_successors_follow_the_path_when_two_operations_swap_their_ids() {
    // The short id stays the same, so the meaning of the command does not change.
    let short = |text: &str, id: &str, short: &str| {
        let line = format!("operationId: {id}\n");
        let shortened = format!("{line}      x-xgen-operation-id-override: {short}\n");
        text.replace(&line, &shortened)
    };
    let shortened = short(&polled(), "createGroupThing", "createThing");
    let shortened = short(&shortened, "getGroupThing", "getThing");
    let small = watched();
    assert_eq!(small.import(&shortened, &[]).code, Some(0));
    let mut overrides = value(&small, "overrides.json");
    overrides["successors"] =
        json!({"createGroupThing": {"reason": "for this test", "successor": "getGroupThing"}});
    small.write("overrides.json", &overrides.to_string());
    let swapped = shortened
        .replace("createGroupThing", "x")
        .replace("getGroupThing", "createGroupThing")
        .replace("operationId: x", "operationId: getGroupThing");
    let imported = small.import(&swapped, &[]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let watch = value(&small, "watch.json");
    assert_eq!(watch[0]["id"], "getGroupThing");
    assert_eq!(watch[0]["get"], "createGroupThing");
    let successors = &value(&small, "overrides.json")["successors"];
    assert_eq!(
        successors["getGroupThing"]["successor"], "createGroupThing",
        "{successors}"
    );
}
