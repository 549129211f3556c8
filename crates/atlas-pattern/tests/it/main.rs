//! The matchers compared with the documented patterns in two regex engines.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(clippy::disallowed_methods, reason = "fixtures are files")]

mod engines;
mod errors;
mod overrides;
mod pattern;
mod scalars;

use serde_json::Value;

/// Reads a fixture as JSON.
fn fixture(path: &str) -> Value {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/");
    let text = std::fs::read(format!("{root}{path}")).expect("a fixture of the repository");
    serde_json::from_slice(&text).expect("fixtures are JSON")
}

/// Compiles an ECMA-262 pattern with the `regex` crate, whose `\d` is not limited to ASCII.
fn regex(source: &str) -> regex::Regex {
    assert!(!source.contains(r"\w"), "{source}");
    regex::Regex::new(&source.replace(r"\d", "[0-9]")).expect("the pattern is valid")
}
