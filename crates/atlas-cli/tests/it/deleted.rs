//! Backups of deleted clusters, against a sandbox process whose seed has some.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use atlas_sandbox::{OWNER, PROJECT};
use serde_json::Value;

use crate::{atlas, error_line, folder};

/// A sandbox process with a deleted replica set and a deleted sharded cluster; ends when dropped.
struct Serving {
    child: Child,
    url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &tempfile::TempDir) -> Serving {
    let seed = format!(
        r#"{{"projects": [{{"id": "{PROJECT}", "clusters": [
            {{"name": "Set", "kind": "replicaSet", "deleted": true, "snapshots": [
                {{"id": "{SNAPSHOT}", "bytes": 1000}}]}},
            {{"name": "Shards", "kind": {{"sharded": 2}}, "deleted": true, "snapshots": [
                {{"id": "{SNAPSHOT}", "bytes": 1000}}]}},
            {{"name": "Live", "kind": "replicaSet"}}]}}]}}"#
    );
    std::fs::write(folder.path().join("seed.json"), seed).unwrap();
    let mut child = atlas(folder)
        .args(["sandbox", "--seed", "seed.json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.split_once('=').unwrap().1.to_owned();
    // Keep reading, so that the log never blocks.
    std::thread::spawn(move || lines.for_each(drop));
    Serving { child, url }
}

const SNAPSHOT: &str = "32b6e34b3d91647abb20e7ff";

#[test]
fn every_backup_command_works_on_a_deleted_cluster() {
    let folder = folder();
    let serving = serve(&folder);
    let run = |arguments: &[&str]| {
        let mut command: Command = atlas(&folder);
        command
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", &serving.url)
            .env("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token)
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .args(["backups"])
            .args(arguments);
        command.output().unwrap()
    };
    let done = |arguments: &[&str]| {
        let output = run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (cluster, files) in [("Set", 1), ("Shards", 2)] {
        let named = ["--clusterName", cluster];
        assert!(done(&["snapshots", "list", cluster]).contains(SNAPSHOT));
        done(&[&["snapshots", "describe", SNAPSHOT][..], &named].concat());
        let out = format!("{cluster}.tgz");
        let flags = [&named[..], &["--out", &out]].concat();
        let saved = done(&[&["snapshots", "download", "latest"][..], &flags].concat());
        assert_eq!(saved.lines().count(), files, "{saved}");
        let flags = [&named[..], &["--dir", cluster]].concat();
        assert!(done(&[&["pull"][..], &flags].concat()).contains(SNAPSHOT));

        let start = ["restores", "start", "automated", "--force", "-o", "json"];
        let flags = ["--snapshotId", "latest", "--targetClusterName", "Live"];
        let job = done(&[&start[..], &named, &flags].concat());
        let job: Value = serde_json::from_str(&job).unwrap();
        let id = job["id"].as_str().unwrap();
        assert!(done(&["restores", "list", cluster]).contains(id));
        assert!(done(&[&["restores", "describe", id][..], &named].concat()).contains(id));
    }
    let line = error_line(&run(&["snapshots", "list", "Missing"]), 4);
    assert!(line.contains("CLUSTER_NOT_FOUND"), "{line}");
}
