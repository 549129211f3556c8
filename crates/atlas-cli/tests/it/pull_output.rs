//! The output of a pull: one line at most, so that a mail of cron is short.

use std::process::Output;

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, SandboxServer};
use tempfile::TempDir;

use crate::{atlas_at, folder, sandbox};

fn run(server: &SandboxServer, folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = atlas_at(server, folder);
    command.args(arguments).output().unwrap()
}

/// The output of a pull on stdout and stderr; it must have succeeded.
fn pull(
    server: &SandboxServer,
    folder: &TempDir,
    cluster: &str,
    flags: &[&str],
) -> (String, String) {
    let arguments = ["backups", "pull", "--dir", "kept", "--clusterName", cluster];
    let output = run(server, folder, &[&arguments[..], flags].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    (out, err)
}

/// The action of a line of JSON.
fn action(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["action"].as_str().unwrap().to_owned()
}

fn quiet(line: &str) -> (String, String) {
    (line.to_owned(), String::new())
}

#[test]
fn a_run_that_succeeds_prints_one_line_if_anything_changed_and_none_else() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let newest = "newest 2026-01-08T00:00:00Z\n";
    let pull = |cluster: &str, flags: &[&str]| pull(&server, &folder, cluster, flags);
    // A warning to print on a terminal.
    let delay = |millis| {
        let delay = jiff::SignedDuration::from_millis(millis);
        server.with(|sandbox| sandbox.set_download_delay(delay));
    };
    delay(100);
    let first = pull(FLEX_CLUSTER, &["--keep", "1"]);
    delay(0);
    let start = "Flex0: downloaded 323611d1fe8cfa8245af8bde (2026-01-08T00:00:00Z, ";
    assert!(first.0.starts_with(start), "{first:?}");
    assert!(
        first.0.ends_with(&format!(" bytes); 1 kept, {newest}")),
        "{first:?}"
    );
    assert_eq!((first.0.lines().count(), &*first.1), (1, ""));
    assert_eq!(pull(FLEX_CLUSTER, &["--keep", "1"]), quiet(""));
    let more = pull(FLEX_CLUSTER, &[]);
    assert!(more.0.starts_with("Flex0: downloaded 7 ("), "{more:?}");
    assert!(
        more.0.ends_with(&format!(" bytes); 8 kept, {newest}")),
        "{more:?}"
    );
    assert_eq!((more.0.lines().count(), &*more.1), (1, ""));
    assert_eq!(pull(FLEX_CLUSTER, &["--verify"]), quiet(""));

    let (verbose, _) = pull(FLEX_CLUSTER, &["--verbose"]);
    assert_eq!(verbose.matches("present    ").count(), 8, "{verbose}");
    let summary = format!("Flex0: nothing to do; 8 kept, {newest}");
    assert!(verbose.ends_with(&summary), "{verbose}");
    let (json, _) = pull(FLEX_CLUSTER, &["-o", "json"]);
    let actions: Vec<String> = json.lines().map(action).collect();
    assert_eq!(actions, ["summary"], "a present snapshot has no line");
    let by_setting = atlas_at(&server, &folder)
        .env("MONGODB_ATLAS_OUTPUT", "json")
        .args([
            "backups",
            "pull",
            "--dir",
            "kept",
            "--clusterName",
            FLEX_CLUSTER,
        ])
        .output()
        .unwrap();
    assert!(by_setting.status.success());
    assert!(
        by_setting.stdout.is_empty(),
        "only the flag selects output for programs"
    );
    let (json, _) = pull(FLEX_CLUSTER, &["-o", "json", "-v"]);
    let lines: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 9);
    let file = &lines[0]["files"][0];
    let path = folder.path().join(file["path"].as_str().unwrap());
    assert_eq!(file["bytes"], path.metadata().unwrap().len());
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    for line in &lines {
        assert_eq!(line["clusterName"], FLEX_CLUSTER);
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
    }
}

#[test]
fn removed_snapshots_are_counted_and_a_dry_run_names_them() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = |flags: &[&str]| pull(&server, &folder, DEDICATED_CLUSTER, flags);
    let (dry, _) = pull(&["--dry-run"]);
    assert_eq!(
        dry.matches("would download ").count(),
        4,
        "three, and the sum: {dry}"
    );
    assert!(
        dry.ends_with("Dedicated0: would download 3; 0 kept\n"),
        "{dry}"
    );
    assert!(!folder.path().join("kept").exists());
    pull(&[]);
    let oldest = server.with(|sandbox| {
        let (project, cluster) = (PROJECT.parse().unwrap(), DEDICATED_CLUSTER.parse().unwrap());
        sandbox.snapshots(project, &cluster)[0].to_string()
    });
    let delete = ["api", "cloudBackups", "deleteGroupClusterBackupSnapshot"];
    let named = ["--clusterName", DEDICATED_CLUSTER, "--snapshotId", &oldest];
    let output = run(&server, &folder, &[&delete[..], &named].concat());
    assert!(output.status.success(), "{output:?}");

    let (dry, _) = pull(&["--keep", "2", "--dry-run"]);
    assert_eq!(dry.matches("would read ").count(), 3, "{dry}");
    assert!(dry.contains(&format!("would remove {oldest}\n")), "{dry}");
    let summary = "Dedicated0: would read 2; would remove 1; 3 kept, newest ";
    assert!(dry.lines().last().unwrap().starts_with(summary), "{dry}");
    let (json, _) = pull(&["--keep", "2", "--dry-run", "-o", "json"]);
    let would: Vec<_> = json.lines().map(action).collect();
    let expected = ["wouldRead", "wouldRead", "wouldRemove", "summary"];
    assert_eq!(would, expected, "{json}");

    let (line, said) = pull(&["--keep", "2"]);
    assert!(
        line.starts_with("Dedicated0: removed 1; 2 kept, newest "),
        "{line}"
    );
    assert_eq!((line.lines().count(), &*said), (1, ""));
    assert_eq!(pull(&["--keep", "2"]), quiet(""));
}
