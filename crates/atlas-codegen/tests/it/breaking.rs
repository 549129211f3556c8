//! `diff` reports breaking changes, including subtle ones, without false alarms.

use serde_json::{Value, json};

use crate::changes::{diff, small};

/// Facts whose only operation has `schema` under `Thing`, in requests and responses, or in one of
/// them.
fn facts(schema: &Value, request: bool, response: bool) -> Value {
    let mut facts = small();
    facts["schemas"]["Thing"] = schema.clone();
    let version = &mut facts["operations"][0]["versions"][0];
    if !request {
        version.as_object_mut().unwrap().remove("request");
    }
    if !response {
        version["responses"] = json!({"201": {"json": null}});
    }
    facts
}

/// The output of `diff` for a changed schema, without the line of counts.
fn changed(old: &Value, new: &Value, request: bool, response: bool) -> Vec<String> {
    let (old, new) = (facts(old, request, response), facts(new, request, response));
    let run = diff(&old, &new, &[]);
    assert_eq!(run.stderr, "");
    let mut lines: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    let breaking = lines.iter().any(|line| line.starts_with("breaking"));
    let code = match (breaking, lines.len()) {
        (true, _) => 3,
        (false, 1) => 0,
        (false, _) => 1,
    };
    assert_eq!(run.code, Some(code), "{lines:?}");
    lines.pop();
    lines
}

fn object(field: &Value, required: bool) -> Value {
    let required: &[&str] = if required { &["name"] } else { &[] };
    json!({"type": "object", "properties": {"name": field}, "required": required})
}

fn with(key: &str, value: Value) -> Value {
    let mut field = json!({"type": "string"});
    field[key] = value;
    field
}

#[test]
fn ids_that_two_operations_swap_are_breaking() {
    let mut old = small();
    let mut other = old["operations"][0].clone();
    other["id"] = json!("createGroupItem");
    other["path"] = json!("/api/atlas/v2/groups/{groupId}/items");
    old["operations"].as_array_mut().unwrap().push(other);
    let mut new = old.clone();
    new["operations"][0]["id"] = json!("createGroupItem");
    new["operations"][1]["id"] = json!("createGroupThing");
    let run = diff(&old, &new, &[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let path = "POST /api/atlas/v2/groups/{groupId}";
    for (id, now, was) in [
        ("createGroupItem", "things", "items"),
        ("createGroupThing", "items", "things"),
    ] {
        let line = format!("breaking    {id}: id now means {path}/{now}, was {path}/{was}\n");
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
}

#[test]
fn content_that_a_response_loses_is_breaking_unless_another_status_has_it() {
    let old = small();
    let content = old["operations"][0]["versions"][0]["responses"]["201"].clone();
    for (responses, class) in [
        (json!({}), "breaking   "),
        (json!({"204": {"json": null}}), "breaking   "),
        (json!({"200": {"json": {"type": "string"}}}), "breaking   "),
        (json!({"200": content}), "behavioural"),
    ] {
        let mut new = old.clone();
        new["operations"][0]["versions"][0]["responses"] = responses.clone();
        let run = diff(&old, &new, &[]);
        let line = format!("{class} createGroupThing 2023-01-01: success status 201 removed\n");
        assert!(run.stdout.contains(&line), "{responses}: {}", run.stdout);
    }
}

#[test]
fn a_required_field_that_is_no_longer_read_only_has_to_be_sent() {
    let (old, new) = (with("readOnly", json!(true)), json!({"type": "string"}));
    let sent = "breaking    Thing.name: became required".to_owned();
    let lines = changed(&object(&old, true), &object(&new, true), true, false);
    assert!(lines.contains(&sent), "{lines:?}");
    let lines = changed(&object(&old, false), &object(&new, false), true, false);
    assert!(!lines.contains(&sent), "{lines:?}");
    let lines = changed(&object(&old, true), &object(&new, true), false, true);
    assert!(!lines.contains(&sent), "{lines:?}");
}

#[test]
fn a_field_is_read_only_through_references_and_parts() {
    let parts = json!({"type": "object", "required": ["name"], "allOf": [{"$ref": "Base"}]});
    let with_base = |name: Value| {
        let mut facts = facts(&parts, true, false);
        facts["schemas"]["Base"] = json!({"properties": {"name": {"$ref": "Name"}}});
        facts["schemas"]["Name"] = name;
        facts
    };
    let old = with_base(with("readOnly", json!(true)));
    let run = diff(&old, &with_base(json!({"type": "string"})), &[]);
    let line = "breaking    Thing.name: became required\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
}

#[test]
fn requiring_a_read_only_field_breaks_no_request() {
    let field = with("readOnly", json!(true));
    assert_eq!(
        changed(&object(&field, false), &object(&field, true), true, true),
        ["behavioural Thing.name: became required"]
    );
}

#[test]
fn a_field_that_may_be_absent_or_null_in_a_response_is_breaking() {
    let text = json!({"type": "string"});
    let (must, may) = (object(&text, true), object(&text, false));
    assert_eq!(
        changed(&must, &may, false, true),
        ["breaking    Thing.name: became optional"]
    );
    assert_eq!(
        changed(&must, &may, true, false),
        ["added       Thing.name: became optional"]
    );
    let secret = with("writeOnly", json!(true));
    assert_eq!(
        changed(&object(&secret, true), &object(&secret, false), false, true),
        ["behavioural Thing.name: became optional"]
    );
    let null = object(&with("nullable", json!(true)), true);
    let change = "Thing.name: nullable changed from none to true";
    assert_eq!(
        changed(&must, &null, false, true),
        [format!("breaking    {change}")]
    );
    assert_eq!(
        changed(&must, &null, true, false),
        [format!("behavioural {change}")]
    );
}

#[test]
fn enum_values_of_another_type_are_other_values() {
    let (text, number) = (json!({"enum": ["1"]}), json!({"enum": [1]}));
    assert_eq!(
        changed(&text, &number, false, true),
        [
            "breaking    Thing: the type of the enum's values changed",
            "behavioural Thing: enum value \"1\" removed",
            "added       Thing: enum value 1 added",
        ]
    );
}

#[test]
fn numbers_are_compared_exactly() {
    let limit = |number: u64| json!({"type": "integer", "maximum": number});
    let (low, high) = (9_007_199_254_740_992, 9_007_199_254_740_993);
    assert_eq!(
        changed(&limit(high), &limit(low), true, false),
        [format!(
            "breaking    Thing: maximum changed from {high} to {low}"
        )]
    );
    assert_eq!(
        changed(&limit(low), &limit(high), true, false),
        [format!(
            "behavioural Thing: maximum changed from {low} to {high}"
        )]
    );
    let float = json!({"type": "integer", "maximum": 5.0});
    assert!(changed(&limit(5), &float, true, true).is_empty());
    assert_eq!(
        changed(
            &limit(5),
            &json!({"type": "integer", "maximum": 4.5}),
            true,
            false
        ),
        ["breaking    Thing: maximum changed from 5 to 4.5"]
    );
}

#[test]
fn equivalent_schemas_are_no_breaking_change() {
    let text = json!({"type": "string"});
    let thing = object(&text, false);
    let more = |value: Value| {
        let mut thing = thing.clone();
        thing["additionalProperties"] = value;
        thing
    };
    for value in [json!({}), json!(true)] {
        for (old, new) in [
            (thing.clone(), more(value.clone())),
            (more(value.clone()), thing.clone()),
        ] {
            let lines = changed(&old, &new, true, true);
            assert!(lines[0].starts_with("behavioural"), "{lines:?}");
        }
    }
    let mut untyped = thing.clone();
    untyped.as_object_mut().unwrap().remove("type");
    let change = "behavioural Thing: type changed from \"object\" to none";
    assert_eq!(changed(&thing, &untyped, true, true), [change]);
    let (one, two) = (json!({"type": "string"}), json!({"type": "integer"}));
    for key in ["oneOf", "anyOf", "allOf"] {
        let (old, new) = (json!({key: [one, two]}), json!({key: [two, one]}));
        let change = format!("behavioural Thing: {key} was reordered");
        assert_eq!(changed(&old, &new, true, true), [change]);
    }
}

#[test]
fn an_explicit_default_is_no_change() {
    for flag in [
        "deprecated",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "nullable",
        "readOnly",
        "uniqueItems",
        "writeOnly",
    ] {
        let (absent, spelled) = (json!({}), json!({flag: false}));
        for (old, new) in [(&absent, &spelled), (&spelled, &absent)] {
            let none: [&str; 0] = [];
            assert_eq!(changed(old, new, true, true), none);
        }
    }
    for bound in ["minLength", "minItems", "minProperties"] {
        let lines = changed(&json!({}), &json!({bound: 0}), true, false);
        assert!(lines[0].starts_with("behavioural"), "{lines:?}");
    }
    let mut new = small();
    let parameters = new["operations"][0]["parameters"].as_array_mut().unwrap();
    for parameter in parameters {
        let query = parameter["in"] == "query";
        parameter["style"] = json!(if query { "form" } else { "simple" });
        parameter["explode"] = json!(query);
        parameter["deprecated"] = json!(false);
    }
    assert_eq!(diff(&small(), &new, &[]).code, Some(0));
}

#[test]
fn a_response_that_gains_content_is_not_breaking() {
    let mut old = small();
    let version = &mut old["operations"][0]["versions"][0];
    version["responses"]["201"]["json"] = json!(null);
    let run = diff(&old, &small(), &[]);
    let line =
        "behavioural createGroupThing 2023-01-01 201 json: null is now {\"$ref\":\"Thing\"}\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    assert_eq!(run.code, Some(1));
    assert_eq!(diff(&small(), &old, &[]).code, Some(3));
}

#[test]
fn additional_fields_that_are_refused_or_get_a_schema_are_breaking() {
    let (any, none) = (json!({}), json!({"additionalProperties": false}));
    let text = json!({"additionalProperties": {"type": "string"}});
    for (old, new, request, response) in [
        (&any, &none, "breaking", "behavioural"),
        (&any, &text, "breaking", "behavioural"),
        (&none, &text, "behavioural", "behavioural"),
        (&none, &any, "behavioural", "behavioural"),
        (&text, &any, "behavioural", "breaking"),
        (&text, &none, "breaking", "breaking"),
    ] {
        let class = |request, response| {
            let lines = changed(old, new, request, response);
            lines[0].split(' ').next().unwrap().to_owned()
        };
        assert_eq!(class(true, false), request, "{old} {new}");
        assert_eq!(class(false, true), response, "{old} {new}");
    }
}

#[test]
fn only_the_changed_member_of_a_reordered_union_is_reported() {
    let member = |bound: u8| json!({"type": "string", "maxLength": bound});
    let (one, two) = (json!({"type": "integer"}), json!({"type": "boolean"}));
    let old = json!({"oneOf": [one, two, member(5)]});
    let new = json!({"oneOf": [member(4), two, one]});
    assert_eq!(
        changed(&old, &new, true, false),
        ["breaking    Thing.oneOf[2]: maxLength changed from 5 to 4"]
    );
}

type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn facts_that_contradict_themselves_are_refused() {
    let thing = "operations.createGroupThing";
    let place = "paths./api/atlas/v2/groups/{groupId}/things.post";
    let changes: [(Change<'_>, String); 6] = [
        (
            &|facts| {
                let operation = facts["operations"][0].clone();
                facts["operations"].as_array_mut().unwrap().push(operation);
            },
            format!("{thing}: duplicate id: remove one"),
        ),
        (
            &|facts| {
                let mut operation = facts["operations"][0].clone();
                operation["id"] = json!("other");
                facts["operations"].as_array_mut().unwrap().push(operation);
            },
            "operations.other: duplicate POST /api/atlas/v2/groups/{groupId}/things: remove one"
                .to_owned(),
        ),
        (
            &|facts| {
                let versions = &mut facts["operations"][0]["versions"];
                let version = versions[0].clone();
                versions.as_array_mut().unwrap().push(version);
            },
            format!("{thing}: duplicate version 2023-01-01: remove one"),
        ),
        (
            &|facts| {
                let parameters = &mut facts["operations"][0]["parameters"];
                let parameter = parameters[1].clone();
                parameters.as_array_mut().unwrap().push(parameter);
            },
            format!("{thing}: duplicate parameter \"size\": remove one"),
        ),
        (
            &|facts| {
                facts["schemas"].as_object_mut().unwrap().remove("Thing");
            },
            format!(
                "{place} 2023-01-01 request json: #/components/schemas/Thing does not exist: add it"
            ),
        ),
        (
            &|facts| facts["operations"][0]["parameters"][1] = json!({"$ref": "size"}),
            format!("{place}.parameters: #/components/parameters/size does not exist: add it"),
        ),
    ];
    for (change, expected) in changes {
        let mut facts = small();
        change(&mut facts);
        for (old, new, file) in [(&facts, &small(), "old"), (&small(), &facts, "new")] {
            let run = diff(old, new, &[]);
            assert_eq!(run.code, Some(2), "{run:?}");
            let expected = format!("{file}.json: {expected}\n");
            assert!(run.stderr.ends_with(&expected), "{}", run.stderr);
        }
    }
}
