//! The JSON Schemas next to the sources accept these, and refuse invalid ones.

use serde_json::{Value, json};

use crate::support::{fixture, json as read};

fn problems(name: &str, value: &Value) -> Vec<String> {
    let schema = read(&fixture(&format!("{name}.schema.json")));
    let schema = jsonschema::validator_for(&schema).unwrap();
    schema
        .iter_errors(value)
        .take(5)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_source_matches_its_schema() {
    for name in ["facts", "names", "overrides", "watch"] {
        let found = problems(name, &read(&fixture(&format!("{name}.json"))));
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn every_golden_file_matches_the_schema_of_facts() {
    for entry in std::fs::read_dir(fixture("golden")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let found = problems("facts", &read(&path));
            assert!(found.is_empty(), "{}: {found:#?}", path.display());
        }
    }
}

/// Sets each value at its pointer in a valid source, and expects the schema to refuse the result.
fn refuses(name: &str, valid: &Value, wrong: &[(&str, Value)]) {
    assert_eq!(problems(name, valid), [""; 0]);
    for (pointer, value) in wrong {
        let mut changed = valid.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        changed.pointer_mut(parent).unwrap()[key] = value.clone();
        assert!(
            !problems(name, &changed).is_empty(),
            "{name}: {pointer} {value}"
        );
    }
}

#[test]
fn facts_with_prose_unknown_keys_or_wrong_values_are_refused() {
    let facts = read(&fixture("golden/small.facts.json"));
    refuses(
        "facts",
        &facts,
        &[
            ("/date", json!("12 March 2025")),
            ("/operations/0/description", json!("Creates a thing.")),
            ("/operations/0/method", json!("post")),
            ("/operations/0/id", json!("create a thing")),
            ("/operations/0/body", json!("maybe")),
            ("/operations/0/roles", json!(["Owner"])),
            ("/operations/0/errors", json!(["400"])),
            ("/operations/0/versions", json!([])),
            ("/operations/0/security", json!([{"DigestAuth": []}])),
            ("/schemas/Thing/example", json!({"name": "a"})),
            ("/schemas/Thing/title", json!("A thing")),
            ("/schemas/Thing/$ref", json!("Other")),
            ("/schemas/Thing/type", json!("thing")),
            ("/schemas/Thing/oneOf", json!({})),
            (
                "/parameters/p",
                json!({"in": "path", "name": "p", "schema": {}}),
            ),
            (
                "/parameters/p",
                json!({"in": "cookie", "name": "p", "schema": {}}),
            ),
            (
                "/parameters/p",
                json!({"in": "query", "name": "p", "schema": {}, "style": "fancy"}),
            ),
        ],
    );
    let mut dated = facts.clone();
    dated["operations"][0]["versions"][0]["version"] = json!("soon");
    assert!(!problems("facts", &dated).is_empty());
}

#[test]
fn invalid_names_watches_and_overrides_are_refused() {
    let names = json!({"formerly": {"a": ["b"]}, "formerSchemas": {}, "kept": ["a"],
        "operations": {"GET /a": {"id": "a", "rust": "a::GetA", "cli": "a getA",
            "schemas": {"2023-01-01 200 json": "A"}}},
        "retired": {"a::GetB": "GET /b", "a getB": "GET /b"}, "types": {"A.b": "B"}});
    refuses(
        "names",
        &names,
        &[
            ("/formerly", json!({"a": []})),
            ("/kept", json!("a")),
            ("/operations", json!({"a": {"id": "a"}})),
            ("/operations", json!({"GET /a": {}})),
            ("/operations/GET ~1a/rust", json!("GetA")),
            ("/operations/GET ~1a/cli", json!("getA")),
            ("/retired", json!({"a::GetB": "getB"})),
            ("/types", json!({"A": "a"})),
            ("/more", json!({})),
        ],
    );
    let watch = json!({"watch": {"id": "a", "get": "b", "version": "2023-01-01",
        "params": {"x": "input:x"}, "until": {"status": 404}}});
    for (key, value) in [
        ("until", json!({"status": 404, "path": "$.x"})),
        ("until", json!({"path": "x", "values": ["A"]})),
        ("params", json!({"x": "x"})),
        ("version", json!("new")),
        ("fail", json!([])),
    ] {
        let mut entry = watch["watch"].clone();
        assert_eq!(problems("watch", &json!([entry])), [""; 0]);
        entry[key] = value;
        assert!(!problems("watch", &json!([entry])).is_empty(), "{entry}");
    }
    let overrides = read(&fixture("overrides.json"));
    refuses(
        "overrides",
        &overrides,
        &[
            (
                "/roles/Owner",
                json!({"includes": [], "reason": "of everything there is"}),
            ),
            ("/roles/Project Owner", json!({"includes": []})),
            (
                "/values/Thing",
                json!({"values": ["A"], "reason": "it was recorded"}),
            ),
            (
                "/values/Thing.kind",
                json!({"reason": "neither values nor a keyword"}),
            ),
            (
                "/values/Thing.kind",
                json!({"relax": ["all"], "reason": "of a kind"}),
            ),
            (
                "/types/groupId",
                json!({"type": "String", "reason": "no type for it"}),
            ),
            ("/types/groupId", json!({"type": "ProjectId"})),
            (
                "/patterns",
                json!([{"pattern": "a", "enforced": true, "reason": "a good one"}]),
            ),
        ],
    );
}
