//! The patterns of the facts, the overrides and the table agree.

use std::collections::BTreeSet;

use atlas_pattern::{Pattern, cluster_name, id, item_name};
use serde_json::Value;

use crate::fixture;

/// Collects the pattern of every schema.
fn collect(value: &Value, patterns: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
                patterns.insert(pattern.to_owned());
            }
            members.values().for_each(|value| collect(value, patterns));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, patterns)),
        _ => {}
    }
}

fn rows() -> Vec<Value> {
    let overrides = fixture("api/overrides.json");
    overrides["patterns"].as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap()
}

#[test]
fn every_pattern_of_the_facts_has_exactly_one_override_and_every_override_has_a_pattern() {
    let mut documented = BTreeSet::new();
    collect(&fixture("api/facts.json"), &mut documented);
    let rows = rows();
    let overridden: BTreeSet<String> = rows
        .iter()
        .map(|row| text(row, "pattern").to_owned())
        .collect();
    assert_eq!(overridden, documented);
    assert_eq!(rows.len(), documented.len(), "a pattern has two rows");
}

#[test]
fn each_override_gives_its_reason_in_one_sentence() {
    for row in rows() {
        let reason = text(&row, "reason");
        assert!(reason.ends_with('.') && !reason.contains('\n'), "{reason}");
    }
}

#[test]
fn the_enforced_patterns_are_found_and_the_others_are_not() {
    let mut enforced = Vec::new();
    for row in rows() {
        let source = text(&row, "pattern");
        let found = Pattern::find(source);
        if row["enforced"].as_bool().unwrap() {
            let found = found.unwrap_or_else(|| panic!("{source} is not found"));
            assert_eq!(found.source(), source);
            assert_eq!(found.expected(), text(&row, "expected"));
            enforced.push(source.to_owned());
        } else {
            assert_eq!(found, None, "{source}");
            assert_eq!(row.get("expected"), None, "{source}");
        }
    }
    enforced.sort_unstable();
    let all: Vec<&str> = Pattern::all().map(Pattern::source).collect();
    assert_eq!(all, enforced);
}

#[test]
fn a_source_that_is_not_documented_is_not_found() {
    for source in [
        "",
        "^([a-f0-9]{24})",
        "^([a-f0-9]{24})$ ",
        "[",
        "\u{10ffff}",
    ] {
        assert_eq!(Pattern::find(source), None, "{source:?}");
    }
}

#[test]
fn a_module_and_the_table_expect_the_same_of_the_same_pattern() {
    for (source, expected) in [
        (id::SOURCE, id::EXPECTED),
        (cluster_name::SOURCE, cluster_name::EXPECTED),
    ] {
        assert_eq!(Pattern::find(source).unwrap().expected(), expected);
    }
}

#[test]
fn names_with_spaces_are_not_checked_against_their_documented_pattern() {
    assert!(!item_name::is_match("Atlas CLI E2E"));
    assert_eq!(Pattern::find(item_name::SOURCE), None);
}
