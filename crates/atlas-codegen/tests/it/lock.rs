//! The lock of names: the meaning of a Rust name or a command never changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{DESCRIPTION, Small, fixture, json as read, run};

const LINE: &str = "POST /api/atlas/v2/groups/{groupId}/things";

/// Another operation, which replaces the first path.
const OTHER: &str = "paths:
  /api/atlas/v2/others:
    get:
      operationId: listOthers
      tags: [Others]
      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}
";

fn names(small: &Small) -> Value {
    serde_json::from_str(&small.read("names.json")).unwrap()
}

fn both() -> String {
    DESCRIPTION.replacen("paths:\n", OTHER, 1)
}

#[test]
fn a_rust_name_stays_with_its_request_line_whatever_is_renamed() {
    let short = "operationId: createGroupThing\n      x-xgen-operation-id-override: ";
    let with_short = DESCRIPTION.replace("operationId: createGroupThing\n", &format!("{short}a\n"));
    for renamed in [
        DESCRIPTION.replace("createGroupThing", "makeGroupThing"),
        with_short.clone(),
        DESCRIPTION.replace("tags: [Things]", "tags: [Items]"),
        DESCRIPTION
            .replace("schemas/Thing", "schemas/Item")
            .replace("    Thing:\n", "    Item:\n"),
    ] {
        let small = Small::new(DESCRIPTION);
        let before = names(&small);
        assert_eq!(
            before["operations"][LINE]["rust"],
            "things::CreateGroupThing"
        );
        assert_eq!(before["types"]["Thing"], "Thing");
        let imported = small.import(&renamed, &[]);
        assert_eq!(imported.code, Some(0), "{}", imported.stderr);
        let after = names(&small);
        let rust = &after["operations"][LINE]["rust"];
        assert_eq!(rust, &before["operations"][LINE]["rust"], "{renamed}");
        let types = |names: &Value| -> BTreeSet<String> {
            let types = names["types"].as_object().unwrap().values();
            types
                .map(|name| name.as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(types(&after), types(&before), "{renamed}");
        assert_eq!(run(small.root(), &["check"]).code, Some(0));
    }
    // The command follows its short id; the former command is never given to another operation.
    let small = Small::new(&with_short);
    small.import(
        &with_short.replace(&format!("{short}a"), &format!("{short}b")),
        &[],
    );
    let names = names(&small);
    assert_eq!(names["operations"][LINE]["cli"], "things b");
    assert_eq!(names["retired"], json!({ "things a": LINE }));
}

#[test]
fn an_operation_that_would_take_the_name_of_another_is_refused() {
    let taken = OTHER
        .replace("listOthers", "CreateGroupThing")
        .replace("[Others]", "[Things]");
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let refused = small.import(&DESCRIPTION.replacen("paths:\n", &taken, 1), &[]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let expected = format!(
        "error: fixtures/api/names.json: operations: things::CreateGroupThing means {LINE} and \
         would mean GET /api/atlas/v2/others: give the latter another name in names.json\n"
    );
    assert!(refused.stderr.ends_with(&expected), "{}", refused.stderr);
    assert!(small.files() == before);
}

#[test]
fn a_name_of_an_operation_that_is_gone_is_not_given_to_another() {
    let small = Small::new(&both());
    assert_eq!(small.import(DESCRIPTION, &[]).code, Some(0));
    let retired = json!({
        "others listOthers": "GET /api/atlas/v2/others",
        "others::ListOthers": "GET /api/atlas/v2/others",
    });
    assert_eq!(names(&small)["retired"], retired);
    let before = small.files();
    let moved = both().replace("/v2/others", "/v2/more");
    let refused = small.import(&moved, &[]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let expected = "others::ListOthers means GET /api/atlas/v2/others and would mean \
                    GET /api/atlas/v2/more: give the latter another name in names.json, or remove \
                    the name from retired if it is no longer used\n";
    assert!(refused.stderr.ends_with(expected), "{}", refused.stderr);
    assert!(small.files() == before);

    // The hint in the error resolves it.
    let mut freed = names(&small);
    freed["retired"] = json!({});
    small.write("names.json", &freed.to_string());
    let imported = small.import(&moved, &[]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let lock = names(&small)["operations"]["GET /api/atlas/v2/more"].clone();
    assert_eq!(lock["rust"], "others::ListOthers");

    // An operation that returns gets its former names back.
    let small = Small::new(&both());
    let first = names(&small);
    small.import(DESCRIPTION, &[]);
    assert_eq!(small.import(&both(), &[]).code, Some(0));
    assert_eq!(names(&small)["operations"], first["operations"]);
}

#[test]
fn an_enum_that_gains_a_value_keeps_its_name() {
    let small = Small::new(DESCRIPTION);
    let before = names(&small)["types"].clone();
    assert_eq!(before["Thing.kind"], "ThingKind");
    let more = DESCRIPTION.replace("[LARGE, SMALL]", "[HUGE, LARGE, SMALL]");
    assert_eq!(small.import(&more, &[]).code, Some(0));
    assert_eq!(names(&small)["types"], before);
}

#[test]
fn every_name_has_the_meaning_it_was_added_with() {
    let names = read(&fixture("names.json"));
    let mut meant: BTreeSet<String> = BTreeSet::new();
    for (line, lock) in names["operations"].as_object().unwrap() {
        for name in [&lock["rust"], &lock["cli"]] {
            meant.insert(format!("{} = {line}", name.as_str().unwrap()));
        }
    }
    for (name, line) in names["retired"].as_object().unwrap() {
        meant.insert(format!("{name} = {}", line.as_str().unwrap()));
    }
    let former = names["formerSchemas"].as_object().unwrap();
    for (key, name) in names["types"].as_object().unwrap() {
        let name = name.as_str().unwrap();
        meant.insert(format!("{name} = schema {key}"));
        // A renamed schema is still the same schema.
        let end = key.find('.').unwrap_or(key.len());
        let (schema, rest) = key.split_at(end);
        for before in former
            .get(schema)
            .into_iter()
            .flat_map(|list| list.as_array().unwrap())
        {
            meant.insert(format!(
                "{name} = schema {}{rest}",
                before.as_str().unwrap()
            ));
        }
    }
    let golden = std::fs::read_to_string(fixture("golden/names.txt")).unwrap();
    let lines = golden.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() >= 2_235, "{}", lines.len());
    let changed: Vec<&&str> = lines
        .iter()
        .filter(|line| !meant.contains(**line))
        .collect();
    assert!(
        changed.is_empty(),
        "these names mean something else now: {changed:#?}"
    );
}

#[test]
fn a_name_in_the_list_cannot_be_reassigned_by_hand() {
    let small = Small::new(DESCRIPTION);
    std::fs::create_dir_all(small.path("golden")).unwrap();
    let list = format!("# names\nthings::CreateGroupThing = {LINE}\nThing = schema Thing\n");
    small.write("golden/names.txt", &list);
    assert_eq!(run(small.root(), &["check"]).code, Some(0));
    let names = small.read("names.json");
    for (from, to) in [
        ("things::CreateGroupThing", "things::MakeGroupThing"),
        ("\"Thing\":\"Thing\"", "\"Thing\":\"Item\""),
    ] {
        small.write("names.json", &names.replace(from, to));
        let before = small.files();
        for command in ["check", "generate"] {
            let refused = run(small.root(), &[command]);
            assert_eq!(refused.code, Some(2), "{}", refused.stdout);
            assert!(
                refused.stderr.contains("no longer means"),
                "{}",
                refused.stderr
            );
        }
        assert_eq!(small.files(), before);
    }
}

#[test]
fn ambiguous_rust_names_are_refused_and_change_no_file() {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    for fields in [
        "fooBar: {type: string}, foo_bar: {type: string}",
        "type: {type: string}, kind: {type: string}",
        "groupId: {type: string}, projectId: {type: string}",
        "$: {type: string}",
    ] {
        let odd = DESCRIPTION.replacen(
            "    Thing:\n",
            &format!("    Odd: {{type: object, properties: {{{fields}}}}}\n    Thing:\n"),
            1,
        );
        let odd = odd.replacen(
            "properties:\n        ",
            "properties:\n        odd: {$ref: '#/components/schemas/Odd'}\n        ",
            1,
        );
        let refused = small.import(&odd, &[]);
        assert_eq!(refused.code, Some(2), "{fields}: {}", refused.stdout);
        let refusal = refused.stderr.contains("same name") || refused.stderr.contains("no letter");
        assert!(refusal, "{fields}: {}", refused.stderr);
        assert_eq!(small.files(), before, "{fields}");
    }
}

#[test]
fn a_row_of_types_needs_a_known_type_and_a_reason() {
    let small = Small::new(DESCRIPTION);
    let overrides: Value = serde_json::from_str(&small.read("overrides.json")).unwrap();
    for (row, problem) in [
        (
            json!({"type": "Foo", "reason": "it is one of these"}),
            "unknown type \"Foo\"",
        ),
        (json!({"type": "ProjectId"}), "missing reason"),
    ] {
        let mut odd = overrides.clone();
        odd["types"] = json!({"name": row});
        small.write("overrides.json", &odd.to_string());
        let refused = run(small.root(), &["check"]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains(problem), "{}", refused.stderr);
    }
}
