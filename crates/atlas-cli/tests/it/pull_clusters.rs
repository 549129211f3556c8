//! A pull of several clusters.

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::{Arc, Mutex};

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, Sandbox, SandboxServer};
use tempfile::TempDir;

use crate::{atlas_at, error_line, folder, sandbox};

fn pull(server: &SandboxServer, folder: &TempDir, flags: &[&str]) -> Output {
    let mut command = atlas_at(server, folder);
    command
        .args(["backups", "pull", "--dir", "kept"])
        .args(flags);
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The number of snapshot files in a cluster's folder, which may be missing.
fn files(folder: &TempDir, name: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.path().join(name)) else {
        return 0;
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "tgz"))
        .count()
}

#[test]
fn each_of_several_clusters_has_its_folder_and_its_line() {
    let (_runtime, server) = sandbox();
    for flags in [
        &["--clusterName", "Flex0,Dedicated0"][..],
        &[
            "--clusterName",
            FLEX_CLUSTER,
            "--clusterName",
            DEDICATED_CLUSTER,
        ],
    ] {
        let folder = folder();
        let output = pull(&server, &folder, flags);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output), "");
        let lines = stdout(&output);
        let lines: BTreeSet<&str> = lines
            .lines()
            .filter_map(|it| it.split(" (").next())
            .collect();
        let expected = [
            "2 clusters: downloaded 11",
            "Dedicated0: downloaded 3",
            "Flex0: downloaded 8",
        ];
        assert_eq!(lines, expected.into());
        assert_eq!(
            (
                files(&folder, "kept/Flex0"),
                files(&folder, "kept/Dedicated0")
            ),
            (8, 3)
        );
        let json = stdout(&pull(&server, &folder, &[flags, &["-o", "json"]].concat()));
        let mut clusters = Vec::new();
        for line in json.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            match line["clusterName"].as_str() {
                Some(cluster) => clusters.push(cluster.to_owned()),
                None => assert_eq!(line["clusters"], 2, "the summary of all"),
            }
        }
        clusters.sort();
        clusters.dedup();
        assert_eq!(clusters, [DEDICATED_CLUSTER, FLEX_CLUSTER]);
    }
}

#[test]
fn all_clusters_are_those_with_backups_and_each_has_a_folder_even_if_it_is_the_only_one() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let output = pull(&server, &folder, &["--all-clusters"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let kept = ["kept/Dedicated0", "kept/Flex0", "kept/Sharded0"];
    assert_eq!(kept.map(|name| files(&folder, name)), [3, 8, 2]);
    server.with(|sandbox| {
        for cluster in [DEDICATED_CLUSTER, SHARDED_CLUSTER] {
            sandbox.delete_cluster(crate::project(), &cluster.parse().unwrap());
        }
    });
    let folder = crate::folder();
    assert!(pull(&server, &folder, &["--all-clusters"]).status.success());
    assert_eq!(files(&folder, "kept/Flex0"), 8);
    server.with(|sandbox| {
        sandbox.delete_cluster(crate::project(), &FLEX_CLUSTER.parse().unwrap());
    });
    let output = pull(&server, &folder, &["--all-clusters"]);
    assert!(output.status.success());
    assert!(stderr(&output).contains("no cluster with backups"));
    error_line(
        &pull(&server, &folder, &["--all-clusters", "--max-age", "2d"]),
        12,
    );
}

#[test]
fn one_cluster_that_fails_stops_no_other_and_the_worst_decides_the_exit_code() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let several = [
        "--clusterName",
        "Flex0,Missing,Dedicated0",
        "--max-age",
        "2d",
    ];
    let output = pull(&server, &folder, &several);
    let line = error_line(&output, 4);
    assert!(line.contains("3 of 3 clusters failed"), "{line}");
    let said = stderr(&output);
    let said: Vec<&str> = said
        .lines()
        .filter(|it| !it.starts_with("error: "))
        .collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said.iter()
            .any(|it| it.starts_with("Missing: ") && it.contains("CLUSTER_NOT_FOUND"))
    );
    assert!(
        said.iter()
            .any(|it| it.starts_with("Flex0: the newest snapshot, taken ")),
        "{said:?}"
    );
    assert_eq!(
        (
            files(&folder, "kept/Flex0"),
            files(&folder, "kept/Dedicated0")
        ),
        (8, 3)
    );

    server.with(|sandbox| sandbox.fail_next_jobs(1));
    let folder = crate::folder();
    let output = pull(&server, &folder, &["--clusterName", "Flex0,Dedicated0"]);
    let line = error_line(&output, 11);
    assert!(line.contains("1 of 2 clusters failed"), "{line}");
    let failed = stdout(&output);
    let failed: Vec<&str> = failed
        .lines()
        .filter(|it| it.contains(": failed   "))
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn contradicting_names_of_clusters_are_refused_before_any_request() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for flags in [
        &[][..],
        &["--clusterName", "Flex0,Flex0"],
        &["--clusterName", "Flex0,"],
        &["--clusterName", "Flex0,../x"],
        &["--clusterName", "Flex0", "--all-clusters"],
    ] {
        let line = error_line(&pull(&server, &folder, flags), 2);
        assert!(line.contains("cluster"), "{flags:?}: {line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}

/// Each waits at least a second for its job. If they ran in sequence, a file would be requested before
/// the last job.
#[test]
fn several_clusters_wait_for_atlas_at_the_same_time() {
    let mut sandbox = Sandbox::new();
    sandbox.set_download_delay(jiff::SignedDuration::from_millis(100));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let builder = SandboxServer::builder(sandbox).log(move |answered| {
        log.lock()
            .unwrap()
            .push((answered.method.clone(), answered.path.clone()));
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(builder.start()).unwrap();
    let folder = folder();
    let output = pull(&server, &folder, &["--all-clusters", "--keep", "1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let seen = seen.lock().unwrap();
    let first_file = seen
        .iter()
        .position(|(_, path)| path.starts_with("/sandbox-store/"));
    let asked = seen.iter().take(first_file.unwrap());
    assert_eq!(
        asked.filter(|(method, _)| method == "POST").count(),
        3,
        "{seen:?}"
    );
}
