//! The model's tests, with the data in `fixtures/`.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(clippy::disallowed_methods, reason = "fixtures are files")]

mod advice;
mod operations;
mod patterns;
mod requests;
mod responses;
mod values;

/// Reads a fixture as text.
fn fixture(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/");
    std::fs::read_to_string(format!("{root}{path}")).expect("a fixture of the repository")
}

/// Reads a fixture as JSON.
fn fixture_json(path: &str) -> serde_json::Value {
    serde_json::from_str(&fixture(path)).expect("fixtures are JSON")
}
