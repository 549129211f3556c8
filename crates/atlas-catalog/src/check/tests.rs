//! Checks against small schemas, with one or two keywords each.

mod object;

use serde_json::{Value, json};

use super::{Checker, Direction};
use crate::schema::Schema;

fn schema(keywords: Value) -> Schema {
    serde_json::from_value(keywords).unwrap()
}

fn checked(direction: Direction, schema: &Schema, value: &Value) -> Vec<String> {
    let mut checker = Checker::new(direction);
    checker.value(schema, value, false);
    checker.violations.iter().map(ToString::to_string).collect()
}

/// Compares the violations of requests with the lines of each row.
fn assert_requests(rows: &[(Value, Value, &[&str])]) {
    for (keywords, value, expected) in rows {
        let found = checked(Direction::Request, &schema(keywords.clone()), value);
        assert_eq!(found, *expected, "{keywords} {value}");
    }
}

/// Compares the violations of responses with the lines of each row.
fn assert_answers(rows: &[(Value, Value, &[&str])]) {
    for (keywords, value, expected) in rows {
        let found = checked(Direction::Response, &schema(keywords.clone()), value);
        assert_eq!(found, *expected, "{keywords} {value}");
    }
}

#[test]
fn a_value_has_the_type_that_the_keywords_imply() {
    assert_requests(&[
        (json!({}), json!(5), &[]),
        (json!({"type": "object"}), json!(5), &[]),
        (json!({"type": "string"}), json!("a"), &[]),
        (
            json!({"type": "string"}),
            json!(5),
            &["$: expected a string, found 5"],
        ),
        (
            json!({"type": "string"}),
            json!(null),
            &["$: expected a string, found null"],
        ),
        (
            json!({"type": "string", "nullable": true}),
            json!(null),
            &[],
        ),
        (json!({"type": "integer"}), json!(1.0), &[]),
        (json!({"type": "integer"}), json!(u64::MAX), &[]),
        (
            json!({"type": "integer"}),
            json!(1.5),
            &["$: expected an integer, found 1.5"],
        ),
        (json!({"type": "number"}), json!(1.5), &[]),
        (
            json!({"properties": {"a": {}}}),
            json!(5),
            &["$: expected an object, found 5"],
        ),
        (
            json!({"allOf": [{"properties": {"a": {}}}]}),
            json!(5),
            &["$: expected an object, found 5"],
        ),
        (
            json!({"discriminator": {"propertyName": "kind"}}),
            json!(5),
            &["$: expected an object, found 5"],
        ),
    ]);
}

#[test]
fn a_bound_includes_the_bound_itself_unless_it_is_exclusive() {
    let array = json!({"type": "array", "items": {}, "minItems": 1, "maxItems": 2});
    let fields = json!({"type": "object", "minProperties": 1, "maxProperties": 2,
        "properties": {"a": {}, "b": {}, "c": {}}});
    let text = json!({"type": "string", "minLength": 1, "maxLength": 2});
    let closed = json!({"type": "integer", "minimum": 1.0, "maximum": 3});
    let open = json!({"type": "number", "minimum": 1, "exclusiveMinimum": true,
        "maximum": 3, "exclusiveMaximum": true});
    let large = json!({"type": "integer", "maximum": 9_007_199_254_740_992_u64});
    assert_requests(&[
        (
            array.clone(),
            json!([]),
            &["$: expected at least 1 element, found an array of 0"],
        ),
        (array.clone(), json!([1]), &[]),
        (array.clone(), json!([1, 2]), &[]),
        (
            array,
            json!([1, 2, 3]),
            &["$: expected at most 2 elements, found an array of 3"],
        ),
        (fields.clone(), json!({}), &["$: expected at least 1 field"]),
        (fields.clone(), json!({"a": 1}), &[]),
        (fields.clone(), json!({"a": 1, "b": 2}), &[]),
        (
            fields,
            json!({"a": 1, "b": 2, "c": 3}),
            &["$: expected at most 2 fields"],
        ),
        (
            text.clone(),
            json!(""),
            &["$: expected at least 1 character, found \"\""],
        ),
        (text.clone(), json!("é"), &[]),
        (text.clone(), json!("éé"), &[]),
        (
            text,
            json!("ééé"),
            &["$: expected at most 2 characters, found \"ééé\""],
        ),
        (
            closed.clone(),
            json!(0),
            &["$: expected at least 1, found 0"],
        ),
        (closed.clone(), json!(1), &[]),
        (closed.clone(), json!(3.0), &[]),
        (closed, json!(4), &["$: expected at most 3, found 4"]),
        (
            open.clone(),
            json!(1.0),
            &["$: expected more than 1, found 1.0"],
        ),
        (open.clone(), json!(1.25), &[]),
        (open.clone(), json!(2.75), &[]),
        (open, json!(3), &["$: expected less than 3, found 3"]),
        (
            large,
            json!(9_007_199_254_740_993_u64),
            &["$: expected at most 9007199254740992, found 9007199254740993"],
        ),
    ]);
}

#[test]
fn unique_elements_differ_as_values_and_not_as_texts() {
    let unique = json!({"type": "array", "items": {}, "uniqueItems": true});
    let same: &[&str] = &["$: expected unique elements, found an array of 2"];
    let rows: [(Value, &[&str]); 10] = [
        (json!([1, 2]), &[]),
        (json!([1, 1]), same),
        (json!([1, 1.0]), same),
        (json!([1.5, 2]), &[]),
        (json!([u64::MAX, u64::MAX - 1]), &[]),
        (json!([i64::MIN, i64::MIN + 1]), &[]),
        (json!([1, "1"]), &[]),
        (json!([[1, 2], [1.0, 2.0]]), same),
        (json!([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]), same),
        (json!([{"a": 1}, {"b": 1}]), &[]),
    ];
    for (value, expected) in rows {
        assert_requests(&[(unique.clone(), value, expected)]);
    }
}

#[test]
fn a_documented_value_is_compared_by_its_number() {
    let few = json!({"type": "integer", "enum": [1, 3, 5, 7, 9, 11, 13, 15]});
    let many = json!({"type": "string",
        "enum": ["north", "south", "east", "west", "up", "down", "left", "right", "home"]});
    assert_requests(&[
        (few.clone(), json!(3.0), &[]),
        (
            few,
            json!(4),
            &["$: expected one of 1, 3, 5, 7, 9, 11, 13, 15, found 4"],
        ),
        (
            json!({"type": "string", "enum": ["a"]}),
            json!("b"),
            &["$: expected a, found \"b\""],
        ),
        (
            many.clone(),
            json!("nort"),
            &["$: expected one of 9 values, such as north, found \"nort\""],
        ),
        (
            many,
            json!("????????"),
            &["$: expected one of 9 documented values, found \"????????\""],
        ),
    ]);
}

#[test]
fn a_value_is_checked_128_levels_deep() {
    let deepest = "at most 128 levels";
    let mut nested = Schema::default();
    let mut union = schema(json!({"type": "string"}));
    let (mut array, mut levels) = (json!(0), 0);
    let mut last = Vec::new();
    while last.is_empty() && levels < 200 {
        levels += 1;
        nested = Schema {
            kind: Some(crate::schema::Kind::Array),
            items: Some(Box::new(nested)),
            ..Schema::default()
        };
        array = json!([array]);
        last = checked(Direction::Request, &nested, &array);
    }
    assert_eq!(levels, 129);
    assert_eq!(last.len(), 1);
    assert!(last[0].ends_with(&format!("[0]: expected {deepest}")));
    // Each union in a union adds a level.
    for _ in 0..129 {
        union = Schema {
            one_of: vec![union],
            ..Schema::default()
        };
    }
    let found = checked(Direction::Request, &union, &json!("a"));
    assert!(found[0].contains(deepest), "{found:?}");
    assert!(checked(Direction::Request, &union.one_of[0], &json!("a")).is_empty());
}

#[test]
fn a_wide_value_is_not_too_deep_and_has_at_most_100_violations() {
    let wide = Value::Array(vec![json!(0); 300]);
    let numbers = schema(json!({"type": "array", "items": {"type": "integer"}}));
    let texts = schema(json!({"type": "array", "items": {"type": "string"}}));
    assert!(checked(Direction::Request, &numbers, &wide).is_empty());
    assert_eq!(checked(Direction::Request, &texts, &wide).len(), 100);
    let fields = (0..150).map(|number| (format!("f{number}"), json!(0)));
    let fields = Value::Object(fields.collect());
    let object = schema(json!({"type": "object", "properties": {"a": {}}}));
    assert_eq!(checked(Direction::Request, &object, &fields).len(), 100);
}

#[test]
fn recorded_values_are_allowed_only_in_responses() {
    let more = json!({"type": "string", "enum": ["a"],
        "answers": {"values": ["b"], "relaxed": false}});
    let relaxed = json!({"type": "string", "maxLength": 1,
        "answers": {"values": [], "relaxed": true}});
    let strict = json!({"type": "string", "maxLength": 1,
        "answers": {"values": [], "relaxed": false}});
    let long: &[&str] = &["$: expected at most 1 character, found \"bb\""];
    let other: &[&str] = &["$: expected a, found \"b\""];
    assert_requests(&[
        (more.clone(), json!("b"), other),
        (relaxed.clone(), json!("bb"), long),
    ]);
    assert_answers(&[
        (more.clone(), json!("b"), &[]),
        (more, json!("c"), &["$: expected a, found \"c\""]),
        (relaxed.clone(), json!("bb"), &[]),
        (relaxed, json!(5), &["$: expected a string, found 5"]),
        (strict, json!("bb"), long),
    ]);
}

#[test]
fn the_first_of_equally_close_forms_of_a_union_is_reported() {
    let texts = json!({"oneOf": [{"type": "boolean"}, {"type": "integer"}]});
    let forms = json!({"anyOf": [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"b": {"type": "string"}}}]});
    let values = json!({"oneOf": [
        {"type": "string", "enum": ["x"]}, {"type": "string", "enum": ["y"]}]});
    let beside = json!({"required": ["a"], "properties": {"a": {}}, "oneOf": [
        {"type": "object", "properties": {"a": {}}}]});
    assert_requests(&[
        (texts.clone(), json!(1), &[]),
        (texts.clone(), json!(true), &[]),
        (
            texts,
            json!("a"),
            &[
                "$: expected one of 2 documented forms (closest: $: expected true or false, found \"a\"), \
               found \"a\"",
            ],
        ),
        (forms.clone(), json!({"b": "c"}), &[]),
        (
            forms.clone(),
            json!({"b": 1}),
            &[
                "$: expected one of 2 documented forms (closest: $.b: expected a string, found 1), \
               found an object",
            ],
        ),
        (forms, json!({"c": 1}), &["$.c: unknown field"]),
        (values.clone(), json!("y"), &[]),
        (
            values,
            json!("z"),
            &["$: expected one of x, y, found \"z\""],
        ),
        (beside.clone(), json!({"a": 1}), &[]),
        (beside, json!({}), &["$.a: required field is missing"]),
    ]);
}
