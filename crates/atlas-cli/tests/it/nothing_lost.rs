//! `atlas backups`: invalid outputs, files of other programs, and folders without new snapshots.

use std::process::Output;

use atlas_sandbox::{ClusterKind, FLEX_CLUSTER, PROJECT, SandboxServer};
use tempfile::TempDir;

use crate::{atlas_at, error_line, folder, sandbox};

fn run(server: &SandboxServer, folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = atlas_at(server, folder);
    command.arg("backups").args(arguments).output().unwrap()
}

fn download(server: &SandboxServer, folder: &TempDir, more: &[&str]) -> Output {
    let start = [
        "snapshots",
        "download",
        "latest",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    run(server, folder, &[&start[..], more].concat())
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_any_request() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    for (out, code, expected) in [
        ("", 2, "empty"),
        ("there", 2, "is a directory"),
        ("there/", 2, "is a directory"),
        ("new/", 2, "is a directory"),
        ("/dev/null", 2, "not a regular file"),
        ("no/such.tgz", 6, "No such file"),
    ] {
        let output = download(&server, &folder, &["--out", out, "--force"]);
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{out}: {line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}

#[test]
fn a_file_of_another_program_is_refused_and_with_force_kept_under_another_name() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let theirs = folder.path().join("data.json");
    std::fs::write(&theirs, "precious").unwrap();
    let line = error_line(&download(&server, &folder, &["--out", "data"]), 6);
    assert!(
        line.contains("data.json") && line.contains("--force"),
        "{line}"
    );
    assert_eq!(std::fs::read(&theirs).unwrap(), b"precious");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);

    let output = download(&server, &folder, &["--out", "data", "--force"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("kept as data.json.old1"), "{said}");
    let kept = folder.path().join("data.json.old1");
    assert_eq!(std::fs::read(kept).unwrap(), b"precious");
    assert!(run(&server, &folder, &["verify", "data"]).status.success());
}

#[test]
fn a_pull_without_snapshots_reports_it_and_fails_once_the_newest_is_too_old() {
    let (_runtime, server) = sandbox();
    server.with(|sandbox| {
        let project = PROJECT.parse().unwrap();
        sandbox.add_cluster(project, "Empty".parse().unwrap(), ClusterKind::Flex);
    });
    let folder = folder();
    let pull = ["pull", "--dir", "kept", "--clusterName", "Empty"];
    let output = run(&server, &folder, &pull);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("lists no snapshots of Empty"), "{said}");
    let output = run(
        &server,
        &folder,
        &[&pull[..], &["--max-age", "2d"]].concat(),
    );
    let line = error_line(&output, 12);
    assert!(line.contains("no snapshot in Atlas"), "{line}");

    // Its snapshots are of January 2026.
    let pull = ["pull", "--dir", "full", "--clusterName", FLEX_CLUSTER];
    let aged = |age: &str| {
        run(
            &server,
            &folder,
            &[&pull[..], &[&format!("--max-age={age}")]].concat(),
        )
    };
    let line = error_line(&aged("36h"), 12);
    assert!(line.contains("2026-01-08T00:00:00Z"), "{line}");
    assert!(aged("99999d").status.success());
    for odd in ["", "2", "d", "0d", "-1h", "2w", "99999999999d"] {
        let line = error_line(&aged(odd), 2);
        assert!(line.contains("--max-age"), "{line}");
    }
}

#[test]
fn the_rules_of_keep_add_up_and_contradictions_are_refused_before_any_request() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = |dir: &str, flags: &[&str]| {
        let arguments = ["pull", "--clusterName", FLEX_CLUSTER, "--dir", dir];
        run(&server, &folder, &[&arguments[..], flags].concat())
    };
    for flags in [
        &["--keep-at-least", "4"][..],
        &["--keep", "4", "--keep-at-least", "4"],
        &["--keep", "4w"],
        &["--keep-daily", "0"],
        &["--keep-weekly", "x"],
    ] {
        let line = error_line(&pull("none", flags), 2);
        assert!(line.contains("--keep"), "{line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    // The days of the eight snapshots, from Thursday to Thursday.
    for (flags, days) in [
        (
            &["--keep-monthly", "1", "--keep-at-least", "1"][..],
            &[8][..],
        ),
        (&["--keep-weekly", "2", "--keep-at-least", "1"], &[4, 8]),
        (&["--keep-weekly", "2"], &[4, 6, 7, 8]),
        (
            &["--keep", "2", "--keep-weekly", "2", "--keep-at-least", "1"],
            &[4, 7, 8],
        ),
        (
            &["--keep", "1d", "--keep-daily", "4", "--keep-at-least", "1"],
            &[5, 6, 7, 8],
        ),
        (
            &["--keep", "2,weekly=2", "--keep-at-least", "1"],
            &[4, 7, 8],
        ),
    ] {
        let dir = format!("d{}", flags.concat());
        assert!(pull(&dir, flags).status.success());
        let entries = std::fs::read_dir(folder.path().join(&dir)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<u32> = names
            .filter_map(|name| name.strip_suffix(".tgz")?.get(8..10)?.parse().ok())
            .collect();
        found.sort_unstable();
        assert_eq!(found, days, "{flags:?}");
    }
}

#[test]
fn a_damaged_file_is_reported_and_downloaded_again() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = [
        "pull",
        "--dir",
        "kept",
        "--clusterName",
        FLEX_CLUSTER,
        "--keep",
        "1",
    ];
    assert!(run(&server, &folder, &pull).status.success());
    let file = std::fs::read_dir(folder.path().join("kept")).unwrap();
    let file = file
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    std::fs::write(&file, vec![0; length]).unwrap();
    let output = run(&server, &folder, &[&pull[..], &["--verify"]].concat());
    assert!(output.status.success());
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let starts: Vec<_> = lines.lines().map(|line| &line[..7]).collect();
    assert_eq!(starts, ["damaged", "Flex0: "], "{lines}");
    let file = file.to_str().unwrap();
    assert!(run(&server, &folder, &["verify", file]).status.success());
}
