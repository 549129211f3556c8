//! `diff` reports every change and its effect on callers.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Run, fixture, json as read, run};

pub(crate) fn small() -> Value {
    read(&fixture("golden/small.facts.json"))
}

pub(crate) fn diff(old: &Value, new: &Value, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, value.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (write("old.json", old), write("new.json", new));
    let mut all = vec!["diff", old.as_str(), new.as_str()];
    all.extend(arguments);
    run(Path::new("."), &all)
}

/// Changes the small facts, and expects a single change of `class`.
fn one(change: impl Fn(&mut Value), class: &str, text: &str) {
    let mut new = small();
    change(&mut new);
    let run = diff(&small(), &new, &[]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    assert_eq!(lines[0], format!("{class:<11} {text}"));
    let code = if ["breaking", "removed"].contains(&class) {
        3
    } else {
        1
    };
    assert_eq!(run.code, Some(code), "{text}");
}

fn set(pointer: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |facts| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = facts.pointer_mut(parent).unwrap();
        match parent {
            Value::Object(map) => {
                map.insert(key.to_owned(), value.clone());
            }
            other => other[key.parse::<usize>().unwrap()] = value.clone(),
        }
    }
}

fn remove(pointer: &'static str) -> impl Fn(&mut Value) {
    move |facts| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        facts
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key)
            .unwrap();
    }
}

#[test]
fn equal_facts_have_no_changes() {
    let run = diff(&small(), &small(), &[]);
    assert_eq!(run.code, Some(0));
    assert_eq!(
        run.stdout,
        "0 breaking, 0 removed, 0 behavioural, 0 added\n"
    );
}

#[test]
fn parameters_that_break_a_call_are_breaking() {
    let id = "createGroupThing";
    one(
        set("/operations/0/parameters/1/required", json!(true)),
        "breaking",
        &format!("{id}: query parameter size became required"),
    );
    one(
        set("/operations/0/parameters/1/schema/type", json!("string")),
        "breaking",
        &format!("{id} query parameter size: type changed from \"integer\" to \"string\""),
    );
    one(
        |facts| {
            facts["operations"][0]["parameters"]
                .as_array_mut()
                .unwrap()
                .pop();
        },
        "breaking",
        &format!("{id}: query parameter size removed"),
    );
    one(
        set("/operations/0/parameters/1/schema/maximum", json!(5)),
        "breaking",
        &format!("{id} query parameter size: maximum changed from none to 5"),
    );
}

#[test]
fn a_bound_breaks_requests_only_if_it_is_tighter() {
    let bounded = |minimum: i64, maximum: i64| {
        let mut facts = small();
        let schema = &mut facts["operations"][0]["parameters"][1]["schema"];
        schema["minimum"] = json!(minimum);
        schema["maximum"] = json!(maximum);
        facts
    };
    for (old, new, class) in [
        ((2, 8), (3, 8), "breaking"),
        ((2, 8), (2, 7), "breaking"),
        ((2, 8), (1, 8), "behavioural"),
        ((2, 8), (2, 9), "behavioural"),
    ] {
        let run = diff(&bounded(old.0, old.1), &bounded(new.0, new.1), &[]);
        assert!(
            run.stdout.starts_with(class),
            "{old:?} {new:?}: {}",
            run.stdout
        );
    }
}

#[test]
fn a_new_parameter_is_breaking_only_if_it_is_required() {
    let add = |required: Value| {
        move |facts: &mut Value| {
            let mut parameter = json!({"in": "query", "name": "of", "schema": {"type": "string"}});
            if required == json!(true) {
                parameter["required"] = required.clone();
            }
            facts["operations"][0]["parameters"]
                .as_array_mut()
                .unwrap()
                .push(parameter);
        }
    };
    one(
        add(json!(true)),
        "breaking",
        "createGroupThing: required query parameter of added",
    );
    one(
        add(json!(false)),
        "added",
        "createGroupThing: query parameter of added",
    );
}

#[test]
fn removed_fields_and_values_are_breaking_and_new_ones_are_added() {
    one(
        remove("/schemas/Thing/properties/name"),
        "breaking",
        "Thing.name: field removed",
    );
    one(
        set("/schemas/Thing/properties/age", json!({"type": "integer"})),
        "added",
        "Thing.age: field added",
    );
    one(
        set("/schemas/Thing/properties/kind/enum", json!(["LARGE"])),
        "breaking",
        "Thing.kind: enum value SMALL removed",
    );
    one(
        set(
            "/schemas/Thing/properties/kind/enum",
            json!(["LARGE", "SMALL", "TINY"]),
        ),
        "added",
        "Thing.kind: enum value TINY added",
    );
    one(
        set("/schemas/Thing/properties/name/type", json!("integer")),
        "breaking",
        "Thing.name: type changed from \"string\" to \"integer\"",
    );
    one(
        set("/schemas/Thing/required", json!(["name"])),
        "breaking",
        "Thing.name: became required",
    );
    one(
        set("/schemas/Thing/properties/name/readOnly", json!(true)),
        "breaking",
        "Thing.name: readOnly changed from none to true",
    );
}

#[test]
fn changes_in_responses_alone_break_no_request() {
    let mut old = small();
    old["operations"][0]["versions"][0]
        .as_object_mut()
        .unwrap()
        .remove("request");
    for (pointer, value, text) in [
        (
            "/schemas/Thing/required",
            json!(["name"]),
            "Thing.name: became required",
        ),
        (
            "/schemas/Thing/properties/kind/enum",
            json!(["LARGE"]),
            "Thing.kind: enum value SMALL removed",
        ),
        (
            "/schemas/Thing/properties/name/maxLength",
            json!(3),
            "Thing.name: maxLength changed from none to 3",
        ),
    ] {
        let mut new = old.clone();
        set(pointer, value)(&mut new);
        let run = diff(&old, &new, &[]);
        assert_eq!(
            run.stdout.lines().next(),
            Some(format!("behavioural {text}").as_str())
        );
        assert_eq!(run.code, Some(1));
    }
}

#[test]
fn a_schema_that_a_request_refers_to_indirectly_is_part_of_the_request() {
    let mut old = small();
    old["schemas"]["Thing"]["properties"]["name"] = json!({"$ref": "Name"});
    old["schemas"]["Name"] = json!({"type": "string"});
    let mut new = old.clone();
    new["schemas"]["Name"]["maxLength"] = json!(3);
    let run = diff(&old, &new, &[]);
    assert!(
        run.stdout
            .starts_with("breaking    Name: maxLength changed from none to 3\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn versions_that_end_are_breaking_and_new_ones_are_added() {
    let version = json!({"version": "2024-08-05", "responses": {"200": {"json": null}}});
    let mut newer = small();
    newer["operations"][0]["versions"]
        .as_array_mut()
        .unwrap()
        .push(version);
    let run = diff(&small(), &newer, &[]);
    assert!(
        run.stdout
            .starts_with("added       createGroupThing: version 2024-08-05 added\n")
    );
    let run = diff(&newer, &small(), &[]);
    assert!(
        run.stdout
            .starts_with("breaking    createGroupThing: version 2024-08-05 ended\n")
    );
}

#[test]
fn roles_sunsets_login_defaults_and_statuses_are_behavioural() {
    let id = "createGroupThing";
    one(
        set("/operations/0/versions/0/sunset", json!("2027-01-01")),
        "behavioural",
        &format!("{id} 2023-01-01: sunset changed from none to 2027-01-01"),
    );
    one(
        set("/operations/0/roles", json!([])),
        "behavioural",
        &format!("{id}: role Project Owner removed"),
    );
    one(
        set("/operations/0/security", json!([])),
        "behavioural",
        &format!("{id}: needs no login now"),
    );
    one(
        set("/operations/0/errors", json!([400, 409])),
        "behavioural",
        &format!("{id}: error status 409 added"),
    );
    one(
        set("/operations/0/parameters/1/schema/default", json!(2)),
        "behavioural",
        &format!("{id} query parameter size: default changed from 1 to 2"),
    );
    one(
        set("/operations/0/deprecated", json!(true)),
        "behavioural",
        &format!("{id}: deprecated"),
    );
    one(
        set("/operations/0/short", json!("create")),
        "behavioural",
        &format!("{id}: short id changed from none to create"),
    );
}

#[test]
fn a_body_that_becomes_optional_is_added_and_a_removed_one_is_breaking() {
    let text = "createGroupThing: request body changed from required to";
    one(
        set("/operations/0/body", json!("optional")),
        "added",
        &format!("{text} optional"),
    );
    one(
        remove("/operations/0/body"),
        "breaking",
        &format!("{text} none"),
    );
}

#[test]
fn a_new_id_at_the_same_method_and_path_is_behavioural() {
    one(
        set("/operations/0/id", json!("makeGroupThing")),
        "behavioural",
        "makeGroupThing: id was createGroupThing",
    );
    let mut moved = small();
    set(
        "/operations/0/path",
        json!("/api/atlas/v2/groups/{groupId}/items"),
    )(&mut moved);
    let run = diff(&small(), &moved, &[]);
    assert_eq!(run.code, Some(3));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "removed     createGroupThing: operation POST /api/atlas/v2/groups/{groupId}/things removed",
            "added       createGroupThing: operation POST /api/atlas/v2/groups/{groupId}/items added",
            "0 breaking, 1 removed, 0 behavioural, 1 added",
        ]
    );
}

#[test]
fn a_schema_under_another_name_is_behavioural_if_it_is_the_same() {
    let mut renamed = small();
    let schema = renamed["schemas"]
        .as_object_mut()
        .unwrap()
        .remove("Thing")
        .unwrap();
    renamed["schemas"]["Item"] = schema;
    let version = &mut renamed["operations"][0]["versions"][0];
    version["request"]["json"]["$ref"] = json!("Item");
    version["responses"]["201"]["json"]["$ref"] = json!("Item");
    let run = diff(&small(), &renamed, &[]);
    let place = "behavioural createGroupThing 2023-01-01";
    assert!(
        run.stdout
            .contains(&format!("{place} 201 json: schema Thing is now Item\n")),
        "{run:?}"
    );
    assert!(
        run.stdout
            .contains(&format!("{place} request json: schema Thing is now Item\n"))
    );
    assert!(run.stdout.contains("0 breaking,"));
}

#[test]
fn unions_and_discriminators_are_compared_by_value() {
    let mut old = read(&fixture("golden/discriminator-with-union.facts.json"));
    let mut new = old.clone();
    new["schemas"]["Role"]["oneOf"]
        .as_array_mut()
        .unwrap()
        .pop();
    new["schemas"]["Role"]["discriminator"]["mapping"]
        .as_object_mut()
        .unwrap()
        .remove("AWS");
    let run = diff(&old, &new, &[]);
    assert!(
        run.stdout
            .contains("breaking    Role: discriminator value AWS removed\n"),
        "{run:?}"
    );
    assert!(
        run.stdout
            .contains("breaking    Role: oneOf: Aws removed\n")
    );
    std::mem::swap(&mut old, &mut new);
    let run = diff(&old, &new, &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout
            .contains("added       Role: discriminator value AWS added\n")
    );
}

#[test]
fn json_has_the_same_changes_and_counts() {
    let mut new = small();
    set("/operations/0/deprecated", json!(true))(&mut new);
    remove("/schemas/Thing/properties/name")(&mut new);
    let run = diff(&small(), &new, &["-o", "json"]);
    assert_eq!(run.code, Some(3));
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        found,
        json!({
            "counts": {"added": 0, "behavioural": 1, "breaking": 1, "removed": 0},
            "changes": [
                {"class": "breaking", "place": "Thing.name", "change": "field removed"},
                {"class": "behavioural", "place": "createGroupThing", "change": "deprecated"},
            ],
        })
    );
}

#[test]
fn the_real_facts_are_compared_whole() {
    let facts = read(&fixture("facts.json"));
    let empty = json!({"openapi": "3.0.1", "source": "", "date": "2025-03-12", "servers": facts["servers"], "tags": [],
        "parameters": {}, "operations": [], "schemas": {}});
    let run = diff(&empty, &facts, &[]);
    assert!(
        run.stdout
            .ends_with("0 breaking, 0 removed, 0 behavioural, 1752 added\n"),
        "{}",
        run.stdout.lines().last().unwrap()
    );
    assert_eq!(diff(&facts, &empty, &[]).code, Some(3));
}

#[test]
fn a_file_without_facts_is_refused() {
    let run = diff(&small(), &json!({"openapi": "3.0.1"}), &[]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr
            .ends_with("new.json: facts: not a facts file: missing field `source`\n")
    );
}
