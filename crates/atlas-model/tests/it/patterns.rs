//! The matchers compared with the documented patterns in the `regex` crate.

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
fn every_pattern_agrees_with_its_cases() {
    agrees_with_cases::<ProjectId>("patterns/id.json");
    agrees_with_cases::<SnapshotId>("patterns/id.json");
    agrees_with_cases::<RestoreJobId>("patterns/id.json");
    agrees_with_cases::<ClusterName>("patterns/clusterName.json");
    agrees_with_cases::<DeploymentItemName>("patterns/targetDeploymentItemName.json");
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
fn an_error_names_the_field_the_text_what_is_expected_and_the_first_fault() {
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
        assert_eq!(error.pattern(), ProjectId::PATTERN);
        assert_eq!(error.text(), text);
        assert_eq!(
            error.to_string(),
            format!("invalid groupId {text:?}: expected 24 lowercase hex digits")
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
