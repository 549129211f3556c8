//! Exit codes: each kind of failure has its own, and `--help` lists them all.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use atlas_sandbox::{CLUSTER, FLEX_CLUSTER, PROJECT};
use tempfile::TempDir;

use crate::peer::{Peer, peer, peer_with_headers};
use crate::{atlas, atlas_at, error_line, folder, sandbox};

const ID: &str = "32b6e34b3d91647abb20e7ff";

fn at(url: &str, folder: &TempDir) -> Command {
    let mut command = atlas(folder);
    command
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

fn run(url: &str, arguments: &[&str]) -> Output {
    at(url, &folder()).args(arguments).output().unwrap()
}

const LIST: [&str; 4] = ["backups", "snapshots", "list", CLUSTER];

/// Responds to everything with an error.
fn refusing(status: u16) -> Peer {
    peer_with_headers(move |_, _| {
        let body = format!(r#"{{"error":{status},"errorCode":"SOME_CODE","detail":"why"}}"#);
        (status, "Retry-After: 0\r\n", body)
    })
}

#[test]
fn the_status_decides_the_code_and_only_a_transient_one_suggests_a_retry() {
    for (status, code, is_transient) in [
        (400, 4, false),
        (401, 3, false),
        (403, 4, false),
        (404, 4, false),
        (409, 4, false),
        (429, 14, true),
        (500, 14, true),
        (502, 14, true),
        (503, 14, true),
        (504, 14, true),
    ] {
        let peer = refusing(status);
        let line = error_line(&run(&peer.url, &LIST), code);
        assert!(line.contains(&status.to_string()), "{line}");
        let hints = ["try again", "wait before the next request"];
        let has_hint = hints.iter().any(|hint| line.contains(hint));
        assert_eq!(has_hint, is_transient, "{line}");
        // Each kind of cluster has its own request.
        let asked = peer.asked();
        let distinct: BTreeSet<&String> = asked.iter().collect();
        assert_eq!(asked.len() > distinct.len(), is_transient, "{asked:?}");
    }
}

#[test]
fn a_request_is_not_sent_a_fourth_time_after_three_failures() {
    let peer = refusing(503);
    let line = error_line(&run(&peer.url, &LIST), 14);
    assert_eq!(peer.asked().len(), 3, "{line}");
    assert!(line.contains("3 attempts"), "{line}");
}

#[test]
fn an_unknown_export_job_is_reported_after_one_request() {
    let peer = refusing(404);
    let watch = ["backups", "exports", "jobs", "watch", ID];
    let flags = ["--clusterName", CLUSTER];
    let line = error_line(&run(&peer.url, &[&watch[..], &flags].concat()), 4);
    assert_eq!(peer.asked().len(), 1, "{line}");
}

#[test]
fn an_unreachable_peer_is_5_for_every_command_without_retries() {
    let verify = ["doctor"];
    let projects = ["projects", "list"];
    let clusters = ["clusters", "list"];
    let api = ["api", "projects", "listGroups"];
    for arguments in [&LIST[..], &verify, &projects, &clusters, &api] {
        let output = run("http://127.0.0.1:1", arguments);
        let line = error_line(&output, 5);
        assert!(line.contains("127.0.0.1:1"), "{arguments:?}: {line}");
    }
}

/// An Atlas whose dedicated cluster has one snapshot with a status, and restore jobs with fields.
fn with_snapshot(status: &'static str, job: impl Into<String>) -> Peer {
    let job = job.into();
    peer(move |method, path| {
        let snapshot = format!(
            r#"{{"id":"{ID}","status":"{status}","createdAt":"2026-01-01T00:00:00Z",
                "clusterName":"C","snapshotType":"onDemand"}}"#
        );
        let body = if path.contains("/restoreJobs") {
            let one = format!(r#"{{"id":"{ID}","snapshotId":"{ID}",{job}}}"#);
            if method == "POST" || path.ends_with(ID) {
                one
            } else {
                format!(r#"{{"results":[{one}],"totalCount":1}}"#)
            }
        } else if path.ends_with("/snapshots") {
            format!(r#"{{"results":[{snapshot}],"totalCount":1}}"#)
        } else if path.contains("/snapshots/") {
            snapshot
        } else {
            r#"{"name":"C","clusterType":"REPLICASET","replicationSpecs":[{"regionConfigs":[
               {"providerName":"AWS"}]}]}"#
                .to_owned()
        };
        (200, body)
    })
}

/// A job that never gets a link.
const WAITING: &str = r#""deliveryType":"download","deliveryUrl":[]"#;

#[test]
fn a_snapshot_or_a_job_that_failed_is_9_and_one_that_is_not_complete_in_time_10() {
    let watch = ["backups", "snapshots", "watch", ID];
    let download = ["backups", "snapshots", "download", ID];
    let job = ["backups", "snapshots", "download", "--job", ID];
    let restore = ["backups", "restores", "watch", ID];
    let failed = r#""deliveryType":"download","failed":true,"deliveryUrl":[]"#;
    let cancelled = r#""deliveryType":"download","cancelled":true,"deliveryUrl":[]"#;
    let expired = r#""deliveryType":"download","expired":true,"deliveryUrl":[]"#;
    for (what, status, fields, arguments, code) in [
        ("failed", "failed", WAITING, &watch[..], 9),
        ("failed", "failed", WAITING, &download, 9),
        ("failed", "completed", failed, &download, 9),
        ("failed", "completed", failed, &job, 9),
        ("failed", "completed", failed, &restore, 9),
        ("cancelled", "completed", cancelled, &restore, 9),
        ("expired", "completed", expired, &restore, 9),
        ("1 s", "queued", WAITING, &watch, 10),
        ("1 s", "inProgress", WAITING, &watch, 10),
        ("1 s", "completed", WAITING, &download, 10),
        ("1 s", "completed", WAITING, &job, 10),
        ("1 s", "completed", WAITING, &restore, 10),
    ] {
        let peer = with_snapshot(status, fields);
        let flags = ["--clusterName", "C", "--timeout", "1"];
        let output = run(&peer.url, &[arguments, &flags].concat());
        let line = error_line(&output, code).to_lowercase();
        assert!(
            line.contains(what),
            "{status} {fields} {arguments:?}: {line}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_another_pull_uses_is_15() {
    use crate::signal_states::{ends, until};
    use crate::signals::start;

    let (_runtime, server) = sandbox();
    server.with(|sandbox| sandbox.set_download_delay(jiff::SignedDuration::from_hours(1)));
    let folder = folder();
    let pull = [
        "backups",
        "pull",
        "--clusterName",
        FLEX_CLUSTER,
        "--dir",
        "kept",
    ];
    let busy = start(atlas_at(&server, &folder).args(pull));
    // The job is requested while the lock is held.
    until("a job", || {
        let (cluster, now) = (FLEX_CLUSTER.parse().unwrap(), jiff::Timestamp::UNIX_EPOCH);
        server.with(|sandbox| !sandbox.jobs(now, crate::project(), &cluster).is_empty())
    });
    for flags in [&[][..], &["--verify"], &["--keep", "1"]] {
        let output = atlas_at(&server, &folder).args(pull).args(flags).output();
        let line = error_line(&output.unwrap(), 15);
        let expected = "error: kept is in use by another run; wait for it to end";
        assert_eq!(line, expected);
    }
    // A dry run needs no lock.
    let output = atlas_at(&server, &folder)
        .args(pull)
        .arg("--dry-run")
        .output()
        .unwrap();
    assert!(output.status.success());
    ends(busy, "-TERM", 15);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_another_download_writes_is_15() {
    use crate::signal_states::{Holding, ends, until};
    use crate::signals::start;

    let stopping = Holding::stopping(
        "HTTP/1.1 200 OK\r\ncontent-type: application/gzip\r\ncontent-length: 1000\r\n\r\n1234",
    );
    let address = stopping.address.clone();
    let peer = with_snapshot(
        "completed",
        format!(r#""deliveryType":"download","deliveryUrl":["http://{address}/x"]"#),
    );
    let folder = folder();
    let download = ["backups", "snapshots", "download", ID];
    let flags = ["--clusterName", "C", "--out", "s.tgz"];
    let busy = start(at(&peer.url, &folder).args(download).args(flags));
    until("a request for the file", || stopping.is_reached());
    for more in [&[][..], &["--force"]] {
        let mut command = at(&peer.url, &folder);
        let output = command.args(download).args(flags).args(more).output();
        let line = error_line(&output.unwrap(), 15);
        let expected = "error: s.tgz.part is in use by another run; wait for it to end";
        assert_eq!(line, expected);
    }
    ends(busy, "-TERM", 15);
}

#[test]
fn every_code_that_a_command_ends_with_is_in_the_help() {
    let output = atlas(&folder()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let list = help.split_once("Exit codes:\n").unwrap().1;
    let list = list.split_once("\n\n").unwrap().0;
    let listed: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let distinct: BTreeSet<&&str> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "{list}");
    // 1 is the code of the standard library and of shells.
    let expected: Vec<String> = [0]
        .into_iter()
        .chain(2..=15)
        .map(|it: u8| it.to_string())
        .collect();
    let (signals, numbers) = listed.split_last().unwrap();
    assert_eq!(numbers, expected);
    assert_eq!(*signals, "128");
}
