//! Every Unicode scalar value at a position of a text, compared with the `regex` crate.

use atlas_pattern::{Pattern, cluster_name, id, item_name};

use crate::engines::member;
use crate::regex;

/// Inserts every scalar value between two texts and compares with `regex`.
fn agrees_on_every_scalar(
    source: &str,
    is_match: impl Fn(&str) -> bool,
    before: &str,
    after: &str,
) {
    let regex = regex(source);
    let mut text = String::new();
    let mut seen = 0;
    for character in '\0'..=char::MAX {
        text.clear();
        text.push_str(before);
        text.push(character);
        text.push_str(after);
        assert_eq!(
            is_match(&text),
            regex.is_match(&text),
            "{source} and U+{:04X} in {text:?}",
            u32::from(character)
        );
        seen += 1;
    }
    assert_eq!(seen, 1_112_064);
}

#[test]
fn an_item_name_agrees_with_regex_on_every_scalar_value() {
    let check = |text: &str| {
        let matches = item_name::is_match(text);
        assert_eq!(item_name::check(text).is_ok(), matches);
        matches
    };
    agrees_on_every_scalar(item_name::SOURCE, check, "", "");
    agrees_on_every_scalar(item_name::SOURCE, check, "é", "");
}

#[test]
fn a_cluster_name_agrees_with_regex_on_every_scalar_value() {
    let check = |text: &str| {
        let matches = cluster_name::is_match(text);
        assert_eq!(cluster_name::check(text).is_ok(), matches);
        matches
    };
    // Longer texts are matched in words: the character is in the first, the last and both.
    for (before, after) in [
        ("", ""),
        ("a", ""),
        ("a", "bcdefghijkl"),
        ("abcdefghijkl", "m"),
        ("", "abcdefg"),
    ] {
        agrees_on_every_scalar(cluster_name::SOURCE, check, before, after);
    }
}

#[test]
fn an_id_agrees_with_regex_on_every_scalar_value_in_its_last_place() {
    let before = "32b6e34b3d91647abb20e7b";
    agrees_on_every_scalar(id::SOURCE, id::is_match, before, "");
}

#[test]
fn every_enforced_pattern_agrees_with_regex_on_every_scalar_value_inside() {
    for pattern in Pattern::all() {
        let member = member(pattern.source());
        let (before, after) = member.split_at(member.len() / 2);
        let is_match = |text: &str| pattern.is_match(text);
        agrees_on_every_scalar(pattern.source(), is_match, before, &after[1..]);
    }
}
