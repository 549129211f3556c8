//! An import updates the handwritten sources for the description, and reports each change.

mod waits;

use serde_json::{Value, json};

use crate::support::{DESCRIPTION, Run, Small, fixture, json as read, run, workspace};

/// A GET of things, whose responses have a state. It replaces the first path.
const POLLED: &str = "paths:
  /api/atlas/v2/groups/{groupId}/things/one:
    get:
      operationId: getGroupThing
      tags: [Things]
      parameters:
        - {in: path, name: groupId, required: true, schema: {type: string}}
      responses:
        \"200\":
          content:
            application/vnd.atlas.2023-01-01+json: {schema: {$ref: \"#/components/schemas/Thing\"}}
            application/vnd.atlas.2024-01-01+json: {schema: {$ref: \"#/components/schemas/Thing\"}}
";

fn polled() -> String {
    DESCRIPTION.replacen("paths:\n", POLLED, 1)
}

/// Sources generated from [`polled`], with a wait after `createGroupThing`.
fn watched() -> Small {
    let small = Small::new(&polled());
    let entry = json!({"id": "createGroupThing", "get": "getGroupThing", "version": "2023-01-01",
        "params": {"groupId": "input:groupId"},
        "until": {"path": "$.kind", "values": ["LARGE"]}, "fail": ["SMALL"]});
    small.write("watch.json", &json!([entry]).to_string());
    small
}

/// Sources generated from `description`, with `rows` under `key` of the overrides.
fn overridden(description: &str, key: &str, rows: Value) -> Small {
    let small = Small::new(description);
    let mut overrides = value(&small, "overrides.json");
    overrides[key] = rows;
    small.write("overrides.json", &overrides.to_string());
    let generated = run(small.root(), &["generate"]);
    assert_eq!(generated.code, Some(0), "{}", generated.stderr);
    small
}

fn value(small: &Small, name: &str) -> Value {
    serde_json::from_str(&small.read(name)).unwrap()
}

/// Imports `description` without an error, with `line` on standard error, and checks that every
/// file is up to date.
fn imported(small: &Small, description: &str, line: &str) -> Run {
    let imported = small.import(description, &[]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert!(
        imported.stderr.lines().any(|found| found == line),
        "{line}\n{}",
        imported.stderr
    );
    let check = run(small.root(), &["check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""));
    imported
}

#[test]
fn a_new_pattern_gets_a_row_in_its_place_that_does_not_enforce_it() {
    let pattern = |text: &str| format!("name: {{type: string, pattern: \"{text}\"}}");
    let name = |to: String| DESCRIPTION.replace("name: {type: string}", &to);
    let old = json!({"pattern": "^b$", "enforced": false, "reason": "for this test"});
    let both = name(format!(
        "{}\n        more: {{type: string, pattern: ^b$}}",
        pattern("^a$")
    ));
    let only_b = DESCRIPTION.replace(
        "name: {type: string}",
        "name: {type: string}\n        more: {type: string, pattern: ^b$}",
    );
    // The first import adds a row too: none has to be written by hand.
    let small = Small::new(&only_b);
    let mut overrides = value(&small, "overrides.json");
    assert_eq!(overrides["patterns"][0]["pattern"], "^b$");
    overrides["patterns"] = json!([old]);
    small.write("overrides.json", &overrides.to_string());
    let line = "overrides.json: added a row for pattern \"^a$\", which is not enforced: decide \
                whether it may be";
    imported(&small, &both, line);
    let new = json!({"pattern": "^a$", "enforced": false,
        "reason": "Not reviewed yet: new in revision small of the description."});
    assert_eq!(
        value(&small, "overrides.json")["patterns"],
        json!([new, old])
    );
}

#[test]
fn a_pattern_of_any_text_can_be_imported() {
    for text in ["", "a\\nb", "\\u001b[2J\\u202e"] {
        let to = format!("name: {{type: string, pattern: \"{text}\"}}");
        let description = DESCRIPTION.replace("name: {type: string}", &to);
        let small = Small::new(DESCRIPTION);
        let imported = small.import(&description, &[]);
        assert_eq!(imported.code, Some(0), "{text}: {}", imported.stderr);
        assert!(!imported.stderr.contains(['\u{1b}', '\u{202e}']));
        assert_eq!(run(small.root(), &["check"]).code, Some(0));
    }
}

#[test]
fn the_row_of_a_pattern_is_removed_with_its_last_schema() {
    let with = DESCRIPTION.replace("name: {type: string}", "name: {type: string, pattern: ^a$}");
    let row =
        json!({"pattern": "^a$", "enforced": true, "expected": "a", "reason": "for this test"});
    let small = overridden(&with, "patterns", json!([row]));
    let line = "overrides.json: removed the row of pattern \"^a$\": no schema has it";
    imported(&small, DESCRIPTION, line);
    assert_eq!(value(&small, "overrides.json")["patterns"], json!([]));
}

#[test]
fn corrections_are_removed_with_their_fields_and_values() {
    let with = DESCRIPTION.replace(
        "name: {type: string}",
        "name: {type: string, format: email}",
    );
    let rows = json!({
        "Thing.kind": {"values": ["HUGE", "TINY"], "reason": "for this test"},
        "Thing.name": {"relax": ["format"], "reason": "for this test"},
    });
    let changed = |from: &str, to: &str| {
        assert!(with.contains(from));
        with.replace(from, to)
    };
    let kind = &rows["Thing.kind"];
    let name = &rows["Thing.name"];
    for (description, lines, left) in [
        (
            changed("        kind: {type: string, enum: [LARGE, SMALL]}", ""),
            &[
                "removed \"HUGE\" from values of Thing.kind: the field is gone",
                "removed \"TINY\" from values of Thing.kind: the field is gone",
                "removed the row of Thing.kind: it no longer corrects anything",
            ][..],
            json!({"Thing.name": name}),
        ),
        (
            changed("[LARGE, SMALL]", "[HUGE, LARGE, SMALL]"),
            &[
                "removed \"HUGE\" from values of Thing.kind: the value \"HUGE\" is documented, or the field has no values",
            ],
            json!({"Thing.kind": {"values": ["TINY"], "reason": "for this test"}, "Thing.name": name}),
        ),
        (
            changed(", format: email", ""),
            &[
                "removed \"format\" from relax of Thing.name: the keyword format is gone",
                "removed the row of Thing.name: it no longer corrects anything",
            ],
            json!({"Thing.kind": kind}),
        ),
        (
            changed("schemas/Thing", "schemas/Item").replace("    Thing:\n", "    Item:\n"),
            &[
                "values: Thing.kind is now Item.kind",
                "values: Thing.name is now Item.name",
            ],
            json!({"Item.kind": kind, "Item.name": name}),
        ),
    ] {
        let small = overridden(&with, "values", rows.clone());
        for line in lines {
            let small = overridden(&with, "values", rows.clone());
            imported(&small, &description, &format!("overrides.json: {line}"));
        }
        assert_eq!(small.import(&description, &[]).code, Some(0));
        assert_eq!(value(&small, "overrides.json")["values"], left);
    }
}

#[test]
fn a_successor_is_removed_with_either_operation_and_follows_a_renamed_one() {
    let row = json!({"reason": "for this test", "successor": "createGroupThing"});
    let ends = || overridden(&polled(), "successors", json!({"getGroupThing": row}));
    let small = ends();
    let line = "overrides.json: removed the successor of getGroupThing: the operation is gone";
    imported(&small, DESCRIPTION, line);
    assert_eq!(value(&small, "overrides.json")["successors"], json!({}));

    let row = json!({"reason": "for this test", "successor": "getGroupThing"});
    let small = overridden(&polled(), "successors", json!({"createGroupThing": row}));
    let line = "overrides.json: removed the successor of createGroupThing: getGroupThing is gone";
    imported(&small, DESCRIPTION, line);

    let small = ends();
    let renamed = polled()
        .replace("createGroupThing", "makeThing")
        .replace("getGroupThing", "readThing");
    assert_eq!(small.import(&renamed, &[]).code, Some(0));
    let row = json!({"reason": "for this test", "successor": "makeThing"});
    assert_eq!(
        value(&small, "overrides.json")["successors"],
        json!({"readThing": row})
    );
}

#[test]
fn an_earlier_mistake_still_stops_the_import() {
    for (name, source, expected) in [
        (
            "watch.json",
            json!([{"id": "createGroupThin", "get": "createGroupThing", "version": "2023-01-01",
                "params": {}, "until": {"status": 404}}]),
            "watch.json: [0].id: unknown operation \"createGroupThin\"",
        ),
        (
            "patterns",
            json!([{"pattern": "^x$", "enforced": false, "reason": "for this test"}]),
            "overrides.json: patterns: pattern \"^x$\" is not in the facts: remove its row",
        ),
        (
            "values",
            json!({"Thing.knd": {"values": ["A"], "reason": "for this test"}}),
            "overrides.json: values.Thing.knd: unknown field: expected Schema.field",
        ),
        (
            "successors",
            json!({"createThing": {"successor": "createGroupThing", "reason": "for this test"}}),
            "overrides.json: successors.createThing: unknown operation: correct the id",
        ),
        (
            "successors",
            json!({"createGroupThing": {"successor": "createGroupThing", "reason": "for this test"}}),
            "overrides.json: successors.createGroupThing.successor: invalid successor \"createGroupThing\": expected the id of another operation",
        ),
    ] {
        let small = Small::new(DESCRIPTION);
        if name == "watch.json" {
            small.write(name, &source.to_string());
        } else {
            let mut overrides = value(&small, "overrides.json");
            overrides[name] = source;
            small.write("overrides.json", &overrides.to_string());
        }
        let before = small.files();
        let refused = small.import(&DESCRIPTION.replace("default: 1", "default: 2"), &[]);
        assert_eq!(refused.code, Some(2), "{expected}: {refused:?}");
        let expected = format!("error: fixtures/api/{expected}\n");
        assert!(refused.stderr.ends_with(&expected), "{}", refused.stderr);
        assert!(small.files() == before);
        assert_eq!(run(small.root(), &["generate"]).code, Some(2));
    }
}

#[test]
fn the_committed_sources_survive_a_description_without_the_items_they_name() {
    let small = Small::new(DESCRIPTION);
    for name in ["facts.json", "names.json", "overrides.json", "watch.json"] {
        small.write(name, &std::fs::read_to_string(fixture(name)).unwrap());
    }
    let exported = run(&workspace(), &["export", "--format", "json"]).stdout;
    let mut description: Value = serde_json::from_str(&exported).unwrap();
    let watch = read(&fixture("watch.json"));
    let dropped = |id: &str| {
        let watches = watch.as_array().unwrap().iter();
        id.contains("Tenant")
            || id.contains("Invite")
            || watches
                .clone()
                .any(|entry| entry["id"] == id && id.starts_with("create"))
            || watches
                .clone()
                .any(|entry| entry["get"] == id && id.contains("Flex"))
    };
    for item in description["paths"].as_object_mut().unwrap().values_mut() {
        item.as_object_mut()
            .unwrap()
            .retain(|_, operation| !operation["operationId"].as_str().is_some_and(dropped));
    }
    let schemas = description["components"]["schemas"]
        .as_object_mut()
        .unwrap();
    let rows = read(&fixture("overrides.json"))["values"].clone();
    for key in rows.as_object().unwrap().keys() {
        let (schema, field) = key.split_once('.').unwrap();
        if let Some(properties) = schemas[schema].get_mut("properties") {
            let properties = properties.as_object_mut().unwrap();
            properties.remove(field.trim_end_matches("[]"));
        }
    }
    schemas.insert(
        "Other".to_owned(),
        json!({"type": "string", "pattern": "^other$"}),
    );
    let run = small.import(&description.to_string(), &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let check = crate::support::run(small.root(), &["check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""));
    let stays = |entry: &&Value| {
        // The field polled here has a row in the overrides, and is dropped above.
        entry["id"] != "verifyGroupUserSecurityLdap"
            && ["id", "get"]
                .iter()
                .all(|key| !dropped(entry[*key].as_str().unwrap()))
    };
    let stay = watch.as_array().unwrap().iter().filter(stays).count();
    assert!((10..20).contains(&stay), "{stay}");
    assert_eq!(value(&small, "watch.json").as_array().unwrap().len(), stay);
    assert!(
        run.stderr
            .contains("overrides.json: added a row for pattern \"^other$\"")
    );
    assert!(
        run.stderr
            .contains("overrides.json: removed the successor of createGroupInvite: ")
    );
}
