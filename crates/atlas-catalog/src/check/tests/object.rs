//! Objects: fields of one or several parts, of one or both directions.

use serde_json::{Value, json};

use super::{assert_answers, assert_requests};

#[test]
fn a_field_is_unknown_unless_the_object_is_open() {
    let unknown: &[&str] = &["$.b: unknown field"];
    let value = json!({"b": 1});
    let chosen = json!({"properties": {"kind": {"enum": ["x"]}},
        "discriminator": {"propertyName": "kind"}});
    let rows: [(Value, &[&str]); 7] = [
        (json!({"properties": {"a": {}}}), unknown),
        (
            json!({"properties": {"a": {}}, "additionalProperties": true}),
            &[],
        ),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            unknown,
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            unknown,
        ),
        (json!({"allOf": [{"type": "object"}]}), &[]),
        (
            json!({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
            &["$.b: expected a string, found 1"],
        ),
        (chosen, &[]),
    ];
    for (keywords, expected) in rows {
        assert_answers(&[(keywords, value.clone(), expected)]);
    }
}

#[test]
fn a_discriminator_without_a_match_is_a_violation_unless_its_field_reports_one() {
    let bare = json!({"discriminator": {"propertyName": "kind", "mapping": {"x": 0}}});
    let with = |field: Value| {
        let mut keywords = bare.clone();
        keywords["properties"] = json!({"kind": field});
        keywords
    };
    let missing: &[&str] = &["$.kind: required field is missing"];
    let mut required = with(json!({"type": "string"}));
    required["required"] = json!(["kind"]);
    assert_requests(&[
        (bare.clone(), json!({}), missing),
        (with(json!({"type": "string"})), json!({}), missing),
        (required, json!({}), missing),
        (with(json!({"readOnly": true})), json!({}), &[]),
        (
            bare.clone(),
            json!({"kind": "y"}),
            &["$.kind: expected x, found \"y\""],
        ),
        (
            with(json!({"enum": ["x"]})),
            json!({"kind": "y"}),
            &["$.kind: expected x, found \"y\""],
        ),
        (bare.clone(), json!({"kind": 5}), &[]),
        (
            json!({"discriminator": {"propertyName": "kind"}}),
            json!({"kind": "y"}),
            &[],
        ),
    ]);
    assert_answers(&[
        (bare.clone(), json!({}), &[]),
        (
            bare,
            json!({"kind": "y"}),
            &["$.kind: expected x, found \"y\""],
        ),
    ]);
}

#[test]
fn a_field_of_the_other_direction_is_a_violation_and_never_required() {
    let read_only = json!({"required": ["a"],
        "properties": {"a": {"type": "string", "readOnly": true}}});
    let write_only = json!({"required": ["a"],
        "properties": {"a": {"type": "string", "writeOnly": true}}});
    let (absent, given) = (json!({}), json!({"a": 5}));
    assert_requests(&[
        (read_only.clone(), absent.clone(), &[]),
        (read_only.clone(), given.clone(), &["$.a: read-only field"]),
        (
            write_only.clone(),
            absent.clone(),
            &["$.a: required field is missing"],
        ),
        (
            write_only.clone(),
            given.clone(),
            &["$.a: expected a string"],
        ),
    ]);
    assert_answers(&[
        (
            read_only.clone(),
            absent.clone(),
            &["$.a: required field is missing"],
        ),
        (
            read_only,
            given.clone(),
            &["$.a: expected a string, found 5"],
        ),
        (write_only.clone(), absent, &[]),
        (write_only, given, &["$.a: write-only field"]),
    ]);
}

#[test]
fn a_secret_is_hidden_at_every_position() {
    let secret = json!({"type": "string", "format": "password"});
    assert_requests(&[
        (secret.clone(), json!(5), &["$: expected a string"]),
        (
            json!({"type": "array", "items": secret}),
            json!([5]),
            &["$[0]: expected a string"],
        ),
        (
            json!({"type": "object", "additionalProperties": secret}),
            json!({"a": 5}),
            &["$.a: expected a string"],
        ),
        (
            json!({"format": "password", "properties": {"a": {"type": "string"}}}),
            json!({"a": 5}),
            &["$.a: expected a string"],
        ),
        // Only one of two parts marks it as secret.
        (
            json!({"allOf": [{"properties": {"a": secret}}, {"properties": {"a": {"type": "string"}}}]}),
            json!({"a": 5}),
            &["$.a: expected a string"],
        ),
    ]);
}

#[test]
fn a_field_of_several_parts_must_match_each_of_them() {
    let two = |one: Value, other: Value| json!({"allOf": [{"properties": {"a": one}}, {"properties": {"a": other}}]});
    let array = |keywords: Value| {
        let mut array = json!({"type": "array", "items": {}});
        for (key, value) in keywords.as_object().unwrap() {
            array[key] = value.clone();
        }
        array
    };
    let text = |keywords: Value| {
        let mut text = array(keywords);
        text["type"] = json!("string");
        text.as_object_mut().unwrap().remove("items");
        text
    };
    let few = "$.a: expected at least 2 elements, found an array of 1";
    let short = "$.a: expected at least 2 characters, found \"b\"";
    let b = json!({"type": "object", "properties": {"b": {}}});
    let c = json!({"type": "object", "properties": {"c": {}}});
    let union = |member: &Value| json!({"oneOf": [member]});
    assert_requests(&[
        (
            two(array(json!({"minItems": 2})), array(json!({}))),
            json!({"a": [1]}),
            &[few],
        ),
        (
            two(array(json!({"minItems": 2})), array(json!({"minItems": 2}))),
            json!({"a": [1]}),
            &[few],
        ),
        (
            two(
                array(json!({"items": {"type": "string"}})),
                array(json!({"maxItems": 2})),
            ),
            json!({"a": [1]}),
            &["$.a[0]: expected a string, found 1"],
        ),
        (
            two(text(json!({"minLength": 2})), text(json!({}))),
            json!({"a": "b"}),
            &[short],
        ),
        (
            two(text(json!({"minLength": 2})), text(json!({"minLength": 2}))),
            json!({"a": "b"}),
            &[short],
        ),
        // A field of one part is known; a field of no part is reported once.
        (
            two(b.clone(), c.clone()),
            json!({"a": {"b": 1, "c": 2, "d": 3}}),
            &["$.a.d: unknown field"],
        ),
        (
            two(union(&b), union(&c)),
            json!({"a": {"b": 1, "c": 2, "d": 3}}),
            &["$.a.d: unknown field"],
        ),
    ]);
}

#[test]
fn the_last_of_several_parts_decides_if_their_values_contradict() {
    let values = |first: Value, last: Value| {
        json!({"allOf": [
            {"properties": {"a": {"type": "string", "enum": first}}},
            {"properties": {"a": {"type": "string", "enum": last}}}]})
    };
    let given = json!({"a": "z"});
    assert_requests(&[
        (
            values(json!(["x", "y"]), json!(["y", "z"])),
            given.clone(),
            &[],
        ),
        (
            values(json!(["x", "y"]), json!(["y", "z"])),
            json!({"a": "x"}),
            &["$.a: expected one of y, z, found \"x\""],
        ),
        // One list contains the other: both apply.
        (
            values(json!(["y"]), json!(["y", "z"])),
            given.clone(),
            &["$.a: expected y, found \"z\""],
        ),
        (
            values(json!(["y", "z"]), json!(["y"])),
            given.clone(),
            &["$.a: expected y, found \"z\""],
        ),
        (
            values(json!(["y"]), json!([])),
            given.clone(),
            &["$.a: expected y, found \"z\""],
        ),
        (
            values(json!([]), json!(["y"])),
            given,
            &["$.a: expected y, found \"z\""],
        ),
    ]);
}
