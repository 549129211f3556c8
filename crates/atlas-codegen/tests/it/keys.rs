//! Unknown keys in the sources are refused with their place, since they would be lost.

use serde_json::{Value, json};

use crate::support::{DESCRIPTION, Small, run};

#[test]
fn an_unknown_key_is_refused_in_every_source() {
    let watch = json!([{"id": "createGroupThing", "get": "createGroupThing",
        "version": "2023-01-01", "params": {"groupId": "input:groupId"},
        "until": {"status": 404}}]);
    let row = json!({"values": ["HUGE"], "reason": "for this test"});
    let pattern = json!({"pattern": "a", "enforced": false, "reason": "for this test"});
    for (name, pointer, place, expected) in UNKNOWN {
        let small = Small::new(DESCRIPTION);
        small.write("watch.json", &watch.to_string());
        let mut source: Value = serde_json::from_str(&small.read(name)).unwrap();
        if name == "overrides.json" {
            source["patterns"] = json!([pattern]);
            source["values"] = json!({ "Thing.kind": row });
            source["successors"] = json!({"createGroupThing": {}});
        }
        source.pointer_mut(pointer).unwrap()["more"] = json!(["FAILED"]);
        small.write(name, &source.to_string());
        let before = small.files();
        let line = format!("error: fixtures/api/{name}: {place}: unknown key: expected {expected}");
        for run in [
            run(small.root(), &["generate"]),
            small.import(DESCRIPTION, &[]),
        ] {
            assert_eq!(run.code, Some(2), "{line}: {run:?}");
            // Reports of skipped keywords may precede the error.
            let error = run
                .stderr
                .lines()
                .last()
                .unwrap()
                .replace(small.root().to_str().unwrap(), "");
            let error = error.replace("error: /", "error: ");
            assert!(error.starts_with(&line), "{error}\n{line}");
        }
        assert!(small.files() == before);
    }
}

#[test]
fn a_field_of_the_wrong_shape_is_refused_and_not_dropped() {
    let watch = json!({"id": "createGroupThing", "get": "createGroupThing",
        "version": "2023-01-01", "params": {"groupId": "input:groupId"},
        "until": {"status": 404}});
    let values = |key: &str, value: Value| {
        let mut row = json!({"values": ["HUGE"], "reason": "for this test"});
        row[key] = value;
        json!({"Thing.kind": row})
    };
    let until = "expected a status, or a path such as $.state and a list of values";
    for (table, key, value, expected) in [
        (
            "",
            "params",
            json!(["groupId"]),
            "[0].params: expected an object",
        ),
        (
            "",
            "params",
            json!({"groupId": "groupId"}),
            "[0].params.groupId: expected input:NAME or body:$.FIELD",
        ),
        (
            "",
            "fail",
            json!("FAILED"),
            "[0].fail: expected a list of strings",
        ),
        (
            "",
            "until",
            json!({"path": "$.kind"}),
            &format!("[0].until: {until}"),
        ),
        (
            "",
            "until",
            json!({"status": "404"}),
            &format!("[0].until: {until}"),
        ),
        (
            "",
            "until",
            json!({"status": 404, "path": "$.kind", "values": [1]}),
            &format!("[0].until: {until}"),
        ),
        (
            "values",
            "values",
            values("values", json!("HUGE")),
            "values.Thing.kind.values: expected a list of strings",
        ),
        (
            "values",
            "relax",
            values("relax", json!("enum")),
            "values.Thing.kind.relax: expected a list of strings",
        ),
        (
            "successors",
            "",
            json!({"createGroupThing": "x"}),
            "successors.createGroupThing.successor: invalid successor \"\": expected the id of another operation",
        ),
    ] {
        let small = Small::new(DESCRIPTION);
        let name = if table.is_empty() {
            let mut entry = watch.clone();
            entry[key] = value;
            small.write("watch.json", &json!([entry]).to_string());
            "watch.json"
        } else {
            let mut overrides: Value = serde_json::from_str(&small.read("overrides.json")).unwrap();
            overrides[table] = value;
            small.write("overrides.json", &overrides.to_string());
            "overrides.json"
        };
        let check = run(small.root(), &["check"]);
        assert_eq!(
            check.stderr,
            format!("error: fixtures/api/{name}: {expected}\n")
        );
        assert_eq!(check.code, Some(2));
    }
}

#[test]
fn a_type_in_the_facts_that_openapi_does_not_have_is_refused() {
    let small = Small::new(DESCRIPTION);
    small.write(
        "facts.json",
        &small.read("facts.json").replace("\"integer\"", "\"strng\""),
    );
    let check = run(small.root(), &["check"]);
    assert_eq!(check.code, Some(2));
    assert_eq!(
        check.stderr,
        "error: fixtures/api/facts.json: operations[0].parameters[1].schema.type: invalid type \
         \"strng\": expected array, boolean, integer, number, object or string\n"
    );
}

/// A source, a pointer to the object that gets a key `more`, the key's place, and the expected
/// keys.
const UNKNOWN: [(&str, &str, &str, &str); 19] = [
    (
        "facts.json",
        "",
        "more",
        "openapi, source, date, servers, tags, parameters, operations or schemas",
    ),
    (
        "facts.json",
        "/operations/0",
        "operations[0].more",
        "id, tag, ",
    ),
    (
        "facts.json",
        "/operations/0/versions/0",
        "operations[0].versions[0].more",
        "version, responses, sunset, preview or request",
    ),
    (
        "facts.json",
        "/operations/0/parameters/0",
        "operations[0].parameters[0].more",
        "deprecated, explode, ",
    ),
    (
        "facts.json",
        "/operations/0/parameters/0/schema",
        "operations[0].parameters[0].schema.more",
        "additionalProperties, ",
    ),
    (
        "facts.json",
        "/operations/0/versions/0/request/json",
        "operations[0].versions[0].request.json.more",
        "$ref",
    ),
    (
        "facts.json",
        "/operations/0/versions/0/responses/201/json",
        "operations[0].versions[0].responses.201.json.more",
        "$ref",
    ),
    (
        "facts.json",
        "/schemas/Thing",
        "schemas.Thing.more",
        "additionalProperties, ",
    ),
    (
        "facts.json",
        "/schemas/Thing/properties/kind",
        "schemas.Thing.properties.kind.more",
        "additionalProperties, ",
    ),
    (
        "names.json",
        "",
        "more",
        "formerly, formerSchemas, kept, operations, retired or types",
    ),
    (
        "names.json",
        "/operations/POST ~1api~1atlas~1v2~1groups~1{groupId}~1things",
        "operations.POST /api/atlas/v2/groups/{groupId}/things.more",
        "id, rust, cli or schemas",
    ),
    (
        "overrides.json",
        "",
        "more",
        "patterns, roles, security, successors, types or values",
    ),
    (
        "overrides.json",
        "/patterns/0",
        "patterns[0].more",
        "pattern, enforced, reason or expected",
    ),
    (
        "overrides.json",
        "/roles/Project Owner",
        "roles.Project Owner.more",
        "includes or reason",
    ),
    (
        "overrides.json",
        "/security",
        "security.more",
        "absent, empty, noRoles or roles",
    ),
    (
        "overrides.json",
        "/successors/createGroupThing",
        "successors.createGroupThing.more",
        "successor or reason",
    ),
    (
        "overrides.json",
        "/values/Thing.kind",
        "values.Thing.kind.more",
        "values, relax or reason",
    ),
    (
        "watch.json",
        "/0",
        "[0].more",
        "id, get, version, params, until or fail",
    ),
    (
        "watch.json",
        "/0/until",
        "[0].until.more",
        "status, path or values",
    ),
];
