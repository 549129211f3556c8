//! The matchers against the documented patterns, as the `regex` crate understands them.

use atlas_model::{
    ClusterName, DeploymentItemName, PatternFault, Patterned, ProjectId, RestoreJobId, SnapshotId,
};
use regex::Regex;

use crate::fixture_json;

fn accepts<T: Patterned>(text: &str) -> bool {
    let accepted = T::parse_field("field", text).is_ok();
    assert_eq!(T::is_match(text), accepted, "{text:?}");
    accepted
}

fn agrees_with_cases<T: Patterned>(path: &str) {
    let cases = fixture_json(path);
    assert_eq!(cases["pattern"], T::PATTERN);
    let regex = Regex::new(T::PATTERN).unwrap();
    for (key, expected) in [("accept", true), ("refuse", false)] {
        let texts = cases[key].as_array().unwrap();
        assert!(!texts.is_empty());
        for text in texts {
            let text = text.as_str().unwrap();
            assert_eq!(accepts::<T>(text), expected, "{text:?}");
            assert_eq!(regex.is_match(text), expected, "regex and {text:?}");
            if let Ok(value) = T::parse_field("field", text) {
                assert_eq!(value.to_string(), text);
            }
        }
    }
}

#[test]
fn every_pattern_accepts_and_refuses_what_its_cases_say() {
    agrees_with_cases::<ProjectId>("patterns/id.json");
    agrees_with_cases::<SnapshotId>("patterns/id.json");
    agrees_with_cases::<RestoreJobId>("patterns/id.json");
    agrees_with_cases::<ClusterName>("patterns/clusterName.json");
    agrees_with_cases::<DeploymentItemName>("patterns/targetDeploymentItemName.json");
}

/// Puts every scalar value at one place of a text and compares with `regex`.
fn agrees_on_every_scalar<T: Patterned>(text_with: impl Fn(char) -> String) {
    let regex = Regex::new(T::PATTERN).unwrap();
    let mut seen = 0;
    for character in '\0'..=char::MAX {
        let text = text_with(character);
        assert_eq!(
            accepts::<T>(&text),
            regex.is_match(&text),
            "U+{:04X} in {text:?}",
            u32::from(character)
        );
        seen += 1;
    }
    assert_eq!(seen, 1_112_064);
}

#[test]
fn a_deployment_item_name_agrees_with_regex_on_every_scalar_value() {
    agrees_on_every_scalar::<DeploymentItemName>(String::from);
    agrees_on_every_scalar::<DeploymentItemName>(|c| format!("é{c}"));
}

#[test]
fn a_cluster_name_agrees_with_regex_on_every_scalar_value() {
    agrees_on_every_scalar::<ClusterName>(String::from);
    agrees_on_every_scalar::<ClusterName>(|c| format!("a{c}"));
    // Long enough to be looked at in words, the character in the first, the last and both.
    agrees_on_every_scalar::<ClusterName>(|c| format!("a{c}bcdefghijkl"));
    agrees_on_every_scalar::<ClusterName>(|c| format!("abcdefghijkl{c}m"));
    agrees_on_every_scalar::<ClusterName>(|c| format!("{c}abcdefg"));
}

#[test]
fn an_id_agrees_with_regex_on_every_scalar_value_in_its_last_place() {
    agrees_on_every_scalar::<ProjectId>(|c| format!("32b6e34b3d91647abb20e7b{c}"));
}

#[test]
fn an_id_is_twelve_bytes_and_prints_as_it_was_read() {
    let text = "32b6e34b3d91647abb20e7b8";
    let id = ProjectId::parse(text).unwrap();
    assert_eq!(size_of::<ProjectId>(), 12);
    assert_eq!(id.to_string(), text);
    assert_eq!(ProjectId::from_bytes(id.to_bytes()), id);
    assert_eq!(format!("{id:?}"), format!("ProjectId({text})"));
}

#[test]
fn an_error_names_the_field_the_pattern_the_character_and_its_position() {
    let cases: [(&str, PatternFault); 5] = [
        (
            "32B6e34b3d91647abb20e7b8",
            PatternFault::Character {
                found: 'B',
                position: 3,
            },
        ),
        (
            "éa",
            PatternFault::Character {
                found: 'é',
                position: 1,
            },
        ),
        (
            "32b6e34b3d91647abb20e7b8\n",
            PatternFault::TooLong {
                maximum: 24,
                found: '\n',
            },
        ),
        (
            "32b6",
            PatternFault::TooShort {
                length: 4,
                minimum: 24,
            },
        ),
        (
            "",
            PatternFault::TooShort {
                length: 0,
                minimum: 24,
            },
        ),
    ];
    for (text, fault) in cases {
        let error = ProjectId::parse(text).unwrap_err();
        assert_eq!(error.fault(), fault, "{text:?}");
        assert_eq!(error.field(), "groupId");
        let line = error.to_string();
        assert!(
            line.starts_with("groupId: ") && line.ends_with(ProjectId::PATTERN),
            "{line}"
        );
    }
    let error = DeploymentItemName::parse(&"é".repeat(65)).unwrap_err();
    assert_eq!(
        error.fault(),
        PatternFault::TooLong {
            maximum: 64,
            found: 'é'
        }
    );
    assert_eq!(
        ClusterName::parse("ab-é").unwrap_err().fault(),
        PatternFault::Character {
            found: 'é',
            position: 4
        }
    );
}
