//! `atlas api`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use atlas_sandbox::{CLUSTER, FLEX_CLUSTER, PROJECT};

use crate::peer::{Peer, peer};
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
fn the_response_is_printed_in_the_requested_form() {
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
fn the_body_may_come_from_standard_input_and_the_response_go_to_a_file() {
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
        (
            "not json",
            2,
            "is not JSON: expected ident at line 1 column 2",
        ),
        (
            "",
            2,
            "the request body in body.json is empty: expected JSON",
        ),
        (
            r#"{"snapshotId":"X","targetDeploymentItemName":"a"}"#,
            2,
            r#"$.snapshotId: expected 24 lowercase hex digits, found "X""#,
        ),
        (
            r#"{"snapshotId":"32b6e34b3d91647abb20e7b8"}"#,
            2,
            "$.targetDeploymentItemName: required field is missing",
        ),
    ];
    for (body, code, expected) in cases {
        let path = folder.path().join("body.json");
        std::fs::write(&path, body).unwrap();
        let output = atlas_at(&server, &folder)
            .args(arguments("body.json"))
            .arg("--check")
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
    assert!(
        line.contains("cannot read the request body in none.json"),
        "{line}"
    );
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[test]
fn an_invalid_or_too_old_version_is_refused() {
    let folder = folder();
    let expected = "expected 2023-01-01 or a later date";
    for version in ["tomorrow", "2022-12-31", "preview"] {
        let output = atlas(&folder)
            .args(arguments(REQUEST))
            .args(["--sandbox", "--version", version])
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(expected), "{line}");
    }
}

/// An operation of a scripted peer.
fn at(peer: &Peer, folder: &tempfile::TempDir) -> Command {
    let mut command = atlas(folder);
    command
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &peer.url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .arg("api");
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_operation_is_called_by_each_of_its_names() {
    let folder = folder();
    let peer = peer(|_, _| (200, r#"{"id":"x"}"#.to_owned()));
    for path in [
        ["clusters", "getCluster"],
        ["clusters", "getGroupCluster"],
        ["projects", "getProject"],
        ["projects", "getGroup"],
    ] {
        let mut command = at(&peer, &folder);
        command.args(path);
        if path[0] == "clusters" {
            command.args(["--clusterName", "C", "--useEffectiveInstanceFields"]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{path:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "{\"id\":\"x\"}\n");
    }
    let cluster = format!("GET /api/atlas/v2/groups/{PROJECT}/clusters/C HTTP/1.1");
    assert_eq!(peer.asked()[0], cluster);
}

#[test]
fn a_wrong_name_is_one_line_with_similar_names_and_nothing_is_sent() {
    let folder = folder();
    let peer = peer(|_, _| (200, "{}".to_owned()));
    let cases: [(&[&str], &str); 9] = [
        (
            &["clusters", "getClutser"],
            "unknown command \"getClutser\"; did you mean getCluster",
        ),
        (
            &["clutsers", "getCluster"],
            "unknown command \"clutsers\"; did you mean clusters",
        ),
        (
            &["clusters", "getCluster", "--clusterNam", "C"],
            "unexpected argument \"--clusterNam\"; did you mean --clusterName",
        ),
        (&["clusters", "getCluster"], "missing --clusterName"),
        (
            &["clusters", "getCluster", "--clusterName", "a_b"],
            "found \"a_b\"",
        ),
        (
            &["projects", "listProjects", "--itemsPerPage", "501"],
            "expected at most 500, found \"501\"",
        ),
        (
            &["projects", "listProjects", "-o", "yaml"],
            "invalid value \"yaml\" for --output <FORMAT>: expected plaintext, json or",
        ),
        (
            &["projects", "listProjects", "-o", "json-path=$["],
            "invalid value \"json-path=$[\" for --output",
        ),
        (
            &["projects", "getProject", "--groupId", "x"],
            "expected 24 lowercase hex digits, found \"x\"",
        ),
    ];
    for (arguments, expected) in cases {
        let output = at(&peer, &folder).args(arguments).output().unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(expected), "{line}");
        assert_eq!(stderr(&output).lines().count(), 1, "{line}");
    }
    assert!(peer.asked().is_empty());
}

#[test]
fn a_note_reports_a_list_with_more_items_and_all_reads_it_to_its_end() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let list = [
        "api",
        "flexSnapshots",
        "listFlexBackupSnapshots",
        "--name",
        FLEX_CLUSTER,
    ];
    let cut = atlas_at(&server, &folder)
        .args(list)
        .args(["--itemsPerPage", "3"])
        .output()
        .unwrap();
    assert_eq!(stderr(&cut), "3 of 8 shown; pass --all for the rest\n");
    let all = atlas_at(&server, &folder)
        .args(list)
        .args(["--itemsPerPage", "3", "--all"])
        .output()
        .unwrap();
    assert_eq!(stderr(&all), "");
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all["results"].as_array().unwrap().len(), 8);
    assert_eq!(all["totalCount"], 8);
    let whole = atlas_at(&server, &folder).args(list).output().unwrap();
    assert_eq!(stderr(&whole), "");
    let ids = atlas_at(&server, &folder)
        .args(list)
        .args(["--all", "-o", "json-path=$.results[*].id"])
        .output()
        .unwrap();
    assert_eq!(stdout(&ids).lines().count(), 8);
}

#[test]
fn a_body_comes_from_standard_input_without_a_byte_order_mark() {
    let folder = folder();
    let peer = peer(|_, _| (201, "{}".to_owned()));
    let mut child = at(&peer, &folder)
        .args(["projects", "createProject"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let body = b"\xEF\xBB\xBF{\"name\":\"p\",\"orgId\":\"32b6e34b3d91647abb20e7b8\"}";
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(peer.asked().len(), 1);
}

#[test]
fn check_warns_of_ignored_fields_and_refuses_the_rest() {
    let folder = folder();
    let peer = peer(|_, _| (201, "{}".to_owned()));
    std::fs::write(
        folder.path().join("b.json"),
        r#"{"name":"p","orgId":"no","id":"x","y":1}"#,
    )
    .unwrap();
    let create = ["projects", "createProject", "--file", "b.json"];
    let output = at(&peer, &folder)
        .args(create)
        .arg("--check")
        .output()
        .unwrap();
    let line = error_line(&output, 2);
    assert!(
        line.contains("$.orgId: expected 24 lowercase hex digits"),
        "{line}"
    );
    let warnings = stderr(&output);
    assert!(
        warnings.contains("warning: $.id: read-only field"),
        "{warnings}"
    );
    assert!(
        warnings.contains("warning: $.y: unknown field"),
        "{warnings}"
    );
    assert!(peer.asked().is_empty());
    let unchecked = at(&peer, &folder).args(create).output().unwrap();
    assert!(unchecked.status.success());
    assert_eq!(peer.asked().len(), 1);
}

#[test]
fn a_file_of_logs_is_streamed_unchanged() {
    let folder = folder();
    let peer = peer(|_, _| (200, "\u{1f}not json\n".to_owned()));
    let log = [
        "monitoringAndLogs",
        "getHostLogs",
        "--hostName",
        "h.example.net",
        "--logName",
        "mongodb",
    ];
    let piped = at(&peer, &folder).args(log).output().unwrap();
    assert_eq!(stdout(&piped), "\u{1f}not json\n", "{}", stderr(&piped));
    let to_file = at(&peer, &folder)
        .args(log)
        .args(["--outputFile", "l.gz"])
        .output()
        .unwrap();
    assert!(to_file.status.success() && to_file.stdout.is_empty());
    assert_eq!(
        std::fs::read(folder.path().join("l.gz")).unwrap(),
        piped.stdout
    );
    assert!(peer.asked()[0].contains("/clusters/h.example.net/logs/mongodb.gz"));
    let path = at(&peer, &folder)
        .args(log)
        .args(["-o", "json-path=$.a"])
        .output()
        .unwrap();
    assert!(error_line(&path, 2).contains("json-path needs JSON"));
    let wrapped = at(&peer, &folder)
        .args(log)
        .arg("--envelope")
        .output()
        .unwrap();
    assert!(error_line(&wrapped, 2).contains("cannot be in an envelope"));
}

#[test]
fn a_response_without_the_selected_value_is_not_a_usage_error() {
    let folder = folder();
    let peer = peer(|_, _| (200, r#"{"id":"x"}"#.to_owned()));
    let get = ["projects", "getProject", "-o"];
    let output = at(&peer, &folder)
        .args(get)
        .arg("json-path=$.nope")
        .output()
        .unwrap();
    assert!(error_line(&output, 13).contains("the response has no value at $"));
    let all = at(&peer, &folder)
        .args(["projects", "listProjects", "--all"])
        .output()
        .unwrap();
    assert!(error_line(&all, 13).contains("the response is not a list"));
    let deep = format!("json-path=${}", "[?(".repeat(5000));
    let output = at(&peer, &folder).args(get).arg(deep).output().unwrap();
    assert!(error_line(&output, 2).contains("expected at most 64 brackets"));
}

#[test]
fn a_body_that_cannot_be_checked_is_refused() {
    let folder = folder();
    let peer = peer(|_, _| (201, "{}".to_owned()));
    let cases: [(&[u8], &str); 5] = [
        (b"{\"name\":\"\xe9\"}", "is not JSON"),
        (b"{\"name\":1e999}", "is not JSON"),
        (b"{\"name\":\"\\ud800\"}", "is not JSON"),
        (&[b'['; 200], "is not JSON"),
        (b"{\"name\":5,\"name\":\"p\"}", "duplicate field \"name\""),
    ];
    for (body, expected) in cases {
        std::fs::write(folder.path().join("b.json"), body).unwrap();
        let create = ["projects", "createProject", "--file", "b.json", "--check"];
        let output = at(&peer, &folder).args(create).output().unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(expected), "{line}");
    }
    assert!(peer.asked().is_empty());
}

#[test]
fn a_change_is_watched_until_it_is_complete_fails_or_takes_too_long() {
    let folder = folder();
    let run = |state: &'static str| {
        let peer = peer(
            move |method, path| match (method, path.ends_with("/restoreJobs")) {
                ("POST", true) => (
                    200,
                    r#"{"id":"32b6e34b3d91647abb20e7aa","status":"PENDING"}"#.into(),
                ),
                _ => (200, format!(r#"{{"status":"{state}"}}"#)),
            },
        );
        let mut child = at(&peer, &folder)
            .args(["flexRestoreJobs", "createFlexRestoreJob", "--name", "F"])
            .args(["--watch", "--watchTimeout", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"{}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(peer.asked()[1].contains("/restoreJobs/32b6e34b3d91647abb20e7aa"));
        output
    };
    let done = run("COMPLETED");
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(
        stdout(&done).contains("PENDING"),
        "the response to the call is printed"
    );
    let failed = run("FAILED");
    assert!(
        error_line(&failed, 9).contains("createGroupFlexClusterBackupRestoreJob ended as FAILED")
    );
    let late = run("RUNNING");
    assert!(error_line(&late, 10).contains("was not complete within 1 s"));
    assert!(stderr(&late).contains("waiting for createGroupFlexClusterBackupRestoreJob: RUNNING"));
}

#[test]
fn operations_are_found_by_words_and_listed_as_json() {
    let folder = folder();
    let output = atlas(&folder)
        .args(["api", "search", "flex", "RESTORE", "create"])
        .output()
        .unwrap();
    assert!(
        stdout(&output).contains("createFlexRestoreJob"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stdout(&output).lines().count(), 2);
    let none = atlas(&folder)
        .args(["api", "search", "zzz"])
        .output()
        .unwrap();
    assert!(error_line(&none, 2).contains("no operation matches zzz"));
    let all = atlas(&folder)
        .args(["api", "list", "-o", "json"])
        .output()
        .unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all.len(), 546);
}

#[test]
fn sunset_dates_are_listed_by_date_and_found_in_a_source_tree() {
    let folder = folder();
    let source = "// nothing\nclient.GetGroupClusterBackupTenantSnapshot(ctx)\ngetuser()\n\
        get_group_cluster_backup_tenant_snapshot(); getGroupClusterBackupTenantSnapshot()\n\
        atlas api sharedTierSnapshots getBackupTenantSnapshot\n\
        \"/groups/%s/clusters/{name}/backup/tenant/snapshots/%s\"\n";
    std::fs::write(folder.path().join("main.go"), source).unwrap();
    let before = ["api", "sunsets", "--before", "2026-01-23"];
    let output = atlas(&folder)
        .args(before)
        .args(["--grep", ".", "-o", "json"])
        .output()
        .unwrap();
    let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["id"], "getGroupClusterBackupTenantSnapshot");
    assert_eq!(found[0]["date"], "2026-01-22");
    assert_eq!(found[0]["instead"], "getGroupFlexClusterBackupSnapshot");
    let lines = [2, 4, 5, 6].map(|line| format!("./main.go:{line}"));
    assert_eq!(found[0]["places"], serde_json::json!(lines));
    let all = atlas(&folder).args(["api", "sunsets"]).output().unwrap();
    assert_eq!(stdout(&all).lines().count(), 1 + 106);
    let wrong = atlas(&folder)
        .args(["api", "sunsets", "--before", "soon"])
        .output()
        .unwrap();
    assert!(error_line(&wrong, 2).contains("invalid --before \"soon\": expected a date"));
}
