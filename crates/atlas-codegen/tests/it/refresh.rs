//! One command updates everything for a new description, and a renamed id breaks no caller.

use serde_json::{Value, json};

use crate::support::{DATE, DESCRIPTION, Small, fixture, run, run_with};

fn value(small: &Small, name: &str) -> Value {
    serde_json::from_str(&small.read(name)).unwrap()
}

#[test]
fn the_same_description_again_writes_nothing() {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let run = small.import(DESCRIPTION, &[]);
    assert_eq!(run.code, Some(0));
    assert_eq!(
        run.stdout,
        "0 breaking, 0 removed, 0 behavioural, 0 added\n"
    );
    assert!(small.files() == before);
}

#[test]
fn after_an_import_nothing_is_out_of_date() {
    let small = Small::new(DESCRIPTION);
    let changed = DESCRIPTION.replace("default: 1", "default: 2");
    let imported = small.import(&changed, &[]);
    let change = "createGroupThing query parameter size: default changed from 1 to 2\n";
    assert!(imported.stdout.contains(change), "{}", imported.stdout);
    assert!(imported.stdout.contains("wrote fixtures/api/facts.json\n"));
    let check = run(small.root(), &["check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_id_that_changes_at_its_method_and_path_stays_as_a_former_id() {
    let small = Small::new(DESCRIPTION);
    let run = small.import(
        &DESCRIPTION.replace("createGroupThing", "makeGroupThing"),
        &[],
    );
    let note = "names: POST /api/atlas/v2/groups/{groupId}/things: createGroupThing is now \
                makeGroupThing, the former id is kept\n";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    small.import(
        &DESCRIPTION.replace("createGroupThing", "addGroupThing"),
        &[],
    );
    assert_eq!(
        value(&small, "names.json")["formerly"],
        json!({"addGroupThing": ["createGroupThing", "makeGroupThing"]})
    );
    // The first id returns, and is no longer a former id.
    small.import(DESCRIPTION, &[]);
    assert_eq!(
        value(&small, "names.json")["formerly"],
        json!({"createGroupThing": ["makeGroupThing", "addGroupThing"]})
    );
}

#[test]
fn a_former_id_that_another_operation_takes_means_that_one_alone() {
    let small = Small::new(DESCRIPTION);
    let renamed = DESCRIPTION.replace("createGroupThing", "makeGroupThing");
    small.import(&renamed, &[]);
    let other = "paths:\n  /api/atlas/v2/a:\n    get:\n      operationId: createGroupThing\n      tags: [T]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let run = small.import(&renamed.replacen("paths:\n", other, 1), &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let note = "createGroupThing is an id: it no longer means makeGroupThing\n";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert_eq!(value(&small, "names.json")["formerly"], json!({}));
}

#[test]
fn former_ids_follow_the_path_when_two_operations_swap_their_ids() {
    let other = "paths:\n  /api/atlas/v2/a:\n    get:\n      operationId: getA\n      x-xgen-operation-id-override: get\n      tags: [T]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let both = DESCRIPTION.replacen("paths:\n", other, 1);
    let small = Small::new(&both);
    small.import(
        &both
            .replace("getA", "readA")
            .replace("createGroupThing", "makeThing"),
        &[],
    );
    small.import(
        &both
            .replace("getA", "makeThing")
            .replace("createGroupThing", "readA"),
        &[],
    );
    assert_eq!(
        value(&small, "names.json")["formerly"],
        json!({"makeThing": ["getA"], "readA": ["createGroupThing"]})
    );
    assert_eq!(run(small.root(), &["check"]).code, Some(0));
}

#[test]
fn a_schema_that_changes_its_name_at_its_place_stays_as_a_former_name() {
    let small = Small::new(DESCRIPTION);
    let renamed = DESCRIPTION
        .replace("schemas/Thing", "schemas/Item")
        .replace("    Thing:\n", "    Item:\n");
    let run = small.import(&renamed, &[]);
    assert!(
        run.stderr.contains("schema Thing is now Item\n"),
        "{}",
        run.stderr
    );
    assert_eq!(
        value(&small, "names.json")["formerSchemas"],
        json!({"Item": ["Thing"]})
    );
}

#[test]
fn a_kept_operation_stays_with_its_schemas_when_the_description_drops_it() {
    let other = "openapi: 3.0.1\ninfo: {x-xgen-sha: other}\npaths:\n  /api/atlas/v2/a:\n    get:\n      operationId: getA\n      tags: [A]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let small = Small::new(DESCRIPTION);
    let operation = |small: &Small| {
        let facts = value(small, "facts.json");
        let mut operations = facts["operations"].as_array().unwrap().clone().into_iter();
        operations.find(|operation| operation["id"] == "createGroupThing")
    };
    let before = operation(&small);
    assert!(before.is_some());
    let run = small.import(other, &["--keep", "createGroupThing"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let note = "names: createGroupThing is not in the description: kept\n";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert_eq!(operation(&small), before);
    assert!(value(&small, "facts.json")["schemas"]["Thing"].is_object());
    assert_eq!(value(&small, "facts.json")["tags"], json!(["A", "Things"]));
    // The lock records it.
    assert_eq!(small.import(other, &[]).code, Some(0));
    assert_eq!(operation(&small), before);
}

#[test]
fn schemas_that_a_kept_operation_reaches_through_others_are_kept_too() {
    let nested = DESCRIPTION.replace(
        "name: {type: string}",
        "name: {$ref: \"#/components/schemas/Name\"}\n    Name: {type: string}",
    );
    let nested = nested.replace("\n    Name: {type: string}", "") + "    Name: {type: string}\n";
    let other = "openapi: 3.0.1\ninfo: {x-xgen-sha: other}\npaths: {}\n";
    let small = Small::new(&nested);
    let run = small.import(other, &["--keep", "createGroupThing"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        value(&small, "facts.json")["schemas"]["Name"],
        json!({"type": "string"})
    );
}

#[test]
fn an_operation_at_another_path_does_not_inherit_the_former_ids_of_a_renamed_one() {
    let small = Small::new(&DESCRIPTION.replace("createGroupThing", "oldThing"));
    small.import(DESCRIPTION, &[]);
    // The id moves to another path, and its operation gets a third one.
    let other = "paths:\n  /api/atlas/v2/a:\n    get:\n      operationId: createGroupThing\n      tags: [T]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let moved = DESCRIPTION
        .replace("createGroupThing", "thirdThing")
        .replacen("paths:\n", other, 1);
    small.import(&moved, &[]);
    assert_eq!(
        value(&small, "names.json")["formerly"],
        json!({"thirdThing": ["oldThing"]})
    );
}

#[test]
fn an_operation_that_is_not_kept_is_removed_with_its_former_ids() {
    let other = "openapi: 3.0.1\ninfo: {x-xgen-sha: other}\npaths:\n  /api/atlas/v2/a:\n    get:\n      operationId: getA\n      tags: [A]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let small = Small::new(DESCRIPTION);
    small.import(
        &DESCRIPTION.replace("createGroupThing", "makeGroupThing"),
        &[],
    );
    let run = small.import(other, &[]);
    assert!(
        run.stdout
            .contains("removed     makeGroupThing: operation POST "),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .contains("makeGroupThing is gone: removed its former ids\n")
    );
    assert_eq!(value(&small, "names.json")["formerly"], json!({}));
}

#[test]
fn an_unknown_operation_cannot_be_kept() {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let run = small.import(DESCRIPTION, &["--keep", "createThing"]);
    assert_eq!(run.code, Some(2));
    let expected = "names.json: kept: unknown operation \"createThing\": correct the id\n";
    assert!(run.stderr.ends_with(expected), "{}", run.stderr);
    assert!(small.files() == before);
}

#[test]
fn a_watch_follows_a_renamed_id() {
    let small = Small::new(DESCRIPTION);
    let watch = r#"[{"until":{"status":404},"id":"createGroupThing","get":"createGroupThing","version":"2023-01-01","params":{"groupId":"input:groupId"}}]"#;
    small.write("watch.json", watch);
    let run = small.import(
        &DESCRIPTION.replace("createGroupThing", "makeGroupThing"),
        &[],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        small.read("watch.json"),
        "[\n{\"id\":\"makeGroupThing\",\"get\":\"makeGroupThing\",\"version\":\"2023-01-01\",\
         \"params\":{\"groupId\":\"input:groupId\"},\"until\":{\"status\":404}}]\n"
    );
}

#[test]
fn a_description_is_read_from_standard_input() {
    let small = Small::new(DESCRIPTION);
    let input = std::fs::File::open(fixture("golden/small.yaml")).unwrap();
    let run = run_with(
        small.root(),
        &["import", "-", "--print", "--date", DATE],
        input,
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, small.read("facts.json"));
}

#[test]
fn printing_the_facts_changes_no_file() {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let run = small.import(
        &DESCRIPTION.replace("default: 1", "default: 2"),
        &["--print"],
    );
    assert!(run.stdout.contains("\"default\":2"));
    assert!(small.files() == before);
}
