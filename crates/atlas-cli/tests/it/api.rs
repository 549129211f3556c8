//! `atlas api`.

use std::io::Write;
use std::process::Stdio;

use atlas_sandbox::{CLUSTER, PROJECT};

use crate::{assert_empty, atlas, atlas_at, error_line, folder, sandbox};

const REQUEST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/downloadGroupClusterBackupTenant/request.json"
);

fn arguments(file: &str) -> Vec<String> {
    let operation = ["api", "sharedTierSnapshots", "downloadClusterBackupTenant"];
    let flags = [
        "--groupId",
        PROJECT,
        "--clusterName",
        CLUSTER,
        "--file",
        file,
    ];
    operation
        .iter()
        .chain(&flags)
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_answer_is_printed_in_the_form_asked_for() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for (flags, envelope, pretty) in [
        (vec![], false, false),
        (vec!["--envelope"], true, false),
        (vec!["--pretty"], false, true),
        (vec!["--envelope=true", "--pretty=false"], true, false),
        (
            vec![
                "--envelope",
                "--pretty",
                "--version",
                "2025-02-19",
                "-o",
                "json",
            ],
            true,
            true,
        ),
    ] {
        let output = atlas_at(&server, &folder)
            .args(arguments(REQUEST))
            .args(&flags)
            .output()
            .unwrap();
        assert!(output.status.success(), "{flags:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let resource = if envelope {
            &answer["content"]
        } else {
            &answer
        };
        assert_eq!(resource["clusterName"], CLUSTER, "{flags:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).lines().count() > 1,
            pretty
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
    }
}

#[test]
fn both_names_of_the_operation_and_of_the_project_work() {
    let folder = folder();
    let output = atlas(&folder)
        .args([
            "api",
            "sharedTierSnapshots",
            "downloadGroupClusterBackupTenant",
            "--sandbox",
        ])
        .args([
            "--projectId",
            PROJECT,
            "--clusterName",
            CLUSTER,
            "--file",
            REQUEST,
        ])
        .output()
        .unwrap();
    assert!(output.status.success());
}

#[test]
fn the_body_may_come_from_standard_input_and_the_answer_go_to_a_file() {
    let folder = folder();
    let mut child = atlas(&folder)
        .args(arguments("-"))
        .args(["--sandbox", "--outputFile", "answer.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let body = std::fs::read(REQUEST).unwrap();
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    let answer = std::fs::read(folder.path().join("answer.json")).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["clusterName"], CLUSTER);
}

#[test]
fn a_body_that_cannot_be_sent_is_refused_with_its_place() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let cases = [
        ("not json", 2, "expected ident"),
        ("", 2, "the body is empty"),
        (
            r#"{"snapshotId":"X","targetDeploymentItemName":"a"}"#,
            2,
            r#"snapshotId: invalid value "X": expected 24 lowercase hex digits"#,
        ),
        (
            r#"{"snapshotId":"32b6e34b3d91647abb20e7b8","targetDeploymentItemName":"a","status":"x"}"#,
            2,
            "unknown field `status`",
        ),
    ];
    for (body, code, expected) in cases {
        let path = folder.path().join("body.json");
        std::fs::write(&path, body).unwrap();
        let output = atlas_at(&server, &folder)
            .args(arguments("body.json"))
            .output()
            .unwrap();
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{line}");
        std::fs::remove_file(path).unwrap();
    }
    let output = atlas_at(&server, &folder)
        .args(arguments("none.json"))
        .output()
        .unwrap();
    let line = error_line(&output, 6);
    assert!(line.contains("none.json cannot be read"), "{line}");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[test]
fn a_version_that_is_none_or_too_old_is_refused() {
    let folder = folder();
    for (version, code, expected) in [("tomorrow", 2, "2025-02-19"), ("2022-12-31", 4, "406")] {
        let output = atlas(&folder)
            .args(arguments(REQUEST))
            .args(["--sandbox", "--version", version])
            .output()
            .unwrap();
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{line}");
    }
}
