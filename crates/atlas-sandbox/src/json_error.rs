//! The errors of serde for texts that users write, in the terms of JSON.

/// Replaces serde's names of types by those of JSON.
pub(crate) fn plain(problem: &str) -> String {
    let mut plain = problem.to_owned();
    for (of_serde, of_json) in TERMS {
        plain = plain.replace(of_serde, of_json);
    }
    plain
}

const TERMS: [(&str, &str); 8] = [
    (
        "invalid type: unit variant, expected newtype variant",
        "this name needs a value: {\"NAME\": VALUE}",
    ),
    (
        "invalid type: unit variant, expected struct variant",
        "this name needs a value: {\"NAME\": {…}}",
    ),
    (
        "invalid type: newtype variant, expected unit variant",
        "this name takes no value: \"NAME\"",
    ),
    ("unknown variant", "unknown name"),
    ("invalid type: map", "invalid type: an object"),
    ("invalid type: sequence", "invalid type: an array"),
    ("expected a sequence", "expected an array"),
    ("expected a map", "expected an object"),
];
