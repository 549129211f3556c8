//! Tests each GET of pyatlassdk, an SDK with typed models of the whole API, with `atlas sandbox`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::command::CommandSandbox;
use super::testees::python_with;

/// The number of GETs in the SDK, and of those that cannot be read: see `known` in
/// `conformance/peers/pyatlassdk.json`.
const GETS: usize = 258;
const KNOWN: usize = 19;
/// The number of GETs of the catalog that the SDK lacks: see `lacking` in the same file.
const LACKING: usize = 19;

/// Calls every GET with one kind of login.
fn report(login: &str) -> Option<Value> {
    let python = python_with("pyatlassdk")?;
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    std::fs::write(&seed, r#"{"settings": {"limitRates": false}}"#).unwrap();
    let mut arguments = vec!["--seed", seed.to_str().unwrap()];
    if login == "oauth" {
        arguments.push("--oauth-form");
    }
    let sandbox = CommandSandbox::start(&arguments);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/pyatlassdk_gets.py");
    let output = Command::new(python)
        .arg(program)
        .args([sandbox.url(), login])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn assert_complete(report: &Value) {
    let failed = report["failed"].as_object().unwrap();
    let lines = failed.iter().map(|(name, why)| format!("{name}: {why}"));
    assert!(
        failed.is_empty(),
        "{}",
        lines.collect::<Vec<_>>().join("\n")
    );
    assert_eq!(report["passed"].as_array().unwrap().len(), GETS - KNOWN);
    assert_eq!(report["known"].as_object().unwrap().len(), KNOWN);
    assert_eq!(report["lacking"].as_array().unwrap().len(), LACKING);
    assert_eq!(report["unlisted"], serde_json::json!([]));
}

#[test]
fn pyatlassdk_reads_every_response_with_an_api_key() {
    if let Some(report) = report("digest") {
        assert_complete(&report);
    }
}

#[test]
fn pyatlassdk_reads_every_response_with_a_service_account_in_the_form() {
    if let Some(report) = report("oauth") {
        assert_complete(&report);
    }
}
