//! Downloads whose process ends, or whose disk fails, at any step of naming the file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, Sandbox, SandboxServer};
use serde_json::json;
use tempfile::TempDir;

use crate::{atlas_at, error_line, folder, sandbox};

/// Compiles `interrupt.c` with the C compiler that the build of this workspace needs.
pub(crate) fn library(folder: &Path) -> PathBuf {
    let library = folder.join("interrupt.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/interrupt.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([library.as_os_str(), source.as_ref()])
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success());
    library
}

struct World {
    _runtime: tokio::runtime::Runtime,
    server: SandboxServer,
    library: PathBuf,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let (runtime, server) = sandbox();
        let folder = folder();
        Self {
            _runtime: runtime,
            server,
            library: library(folder.path()),
            _folder: folder,
        }
    }

    fn run(&self, folder: &TempDir, arguments: &[&str], variables: &[(&str, String)]) -> Output {
        let mut command = atlas_at(&self.server, folder);
        command.env("LD_PRELOAD", &self.library);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.arg("backups").args(arguments).output().unwrap()
    }

    fn download(&self, folder: &TempDir, force: bool, variables: &[(&str, String)]) -> Output {
        let mut arguments = vec!["snapshots", "download", "latest", "--out", "s.tgz"];
        arguments.extend(["--clusterName", FLEX_CLUSTER]);
        arguments.extend(force.then_some("--force"));
        self.run(folder, &arguments, variables)
    }

    /// Deletes the oldest snapshot of a cluster and returns its id.
    fn delete_oldest(&self, cluster: &str) -> String {
        let list = ["snapshots", "list", cluster, "-o", "json"];
        let listed = self.run(&folder(), &list, &[]).stdout;
        let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
        let oldest = listed["results"].as_array().unwrap().last().unwrap();
        let id = oldest["id"].as_str().unwrap().to_owned();
        let delete = ["snapshots", "delete", &id, "--force"];
        let deleted = [&delete[..], &["--clusterName", cluster]].concat();
        let deleted = self.run(&folder(), &deleted, &[]);
        assert!(deleted.status.success(), "{deleted:?}");
        id
    }

    fn is_sound(&self, folder: &TempDir) -> bool {
        let verified = self.run(folder, &["verify", "s.tgz"], &[]);
        verified.status.success()
    }
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // An incomplete file without its final name.
    let mut names: Vec<_> = names.filter(|name| !name.starts_with(".tmp")).collect();
    names.sort();
    names
}

#[test]
fn killed_at_any_step_a_download_leaves_a_sound_file_or_none_and_the_next_one_succeeds() {
    let world = World::new();
    let mut killed = 0;
    for at in 1.. {
        let folder = folder();
        let output = world.download(&folder, false, &[("KILL_AT", at.to_string())]);
        if output.status.success() {
            break;
        }
        killed += 1;
        if folder.path().join("s.tgz").exists() {
            assert!(world.is_sound(&folder), "{at}: {:?}", names(&folder));
        }
        let again = world.download(&folder, folder.path().join("s.tgz").exists(), &[]);
        assert!(again.status.success(), "{at}: {again:?}");
        assert!(world.is_sound(&folder), "{at}");
        assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"], "{at}");
    }
    assert!(killed >= 6, "{killed}");
}

#[test]
fn killed_at_any_step_a_download_that_replaces_leaves_the_old_file_or_the_new_one() {
    let world = World::new();
    let mut killed = 0;
    for at in 1.. {
        let folder = folder();
        assert!(world.download(&folder, false, &[]).status.success());
        let output = world.download(&folder, true, &[("KILL_AT", at.to_string())]);
        assert!(world.is_sound(&folder), "{at}: {:?}", names(&folder));
        if output.status.success() {
            break;
        }
        killed += 1;
        assert!(world.download(&folder, true, &[]).status.success(), "{at}");
        assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"], "{at}");
    }
    assert!(killed >= 6, "{killed}");
}

fn is_named(name: &str, extension: &str) -> bool {
    Path::new(name).extension() == Some(extension.as_ref())
}

#[test]
fn killed_at_any_step_while_it_removes_a_pull_leaves_a_folder_without_false_alarms() {
    let (before, after) = (World::new(), World::new());
    let snapshots = json!([
        {"bytes": 1000, "finished": "2026-01-01T00:00:00Z"},
        {"bytes": 1000, "finished": "2026-01-02T00:00:00Z"},
    ]);
    let settings = json!({"limitRates": false});
    let seed = json!({"settings": settings, "projects": [{"id": PROJECT, "clusters": [
        {"name": "One", "kind": "replicaSet", "snapshots": snapshots},
        {"name": "Two", "kind": {"sharded": 2}, "snapshots": snapshots},
    ]}]});
    for world in [&before, &after] {
        let mut seeded = Sandbox::from_seed(&seed.to_string()).unwrap();
        seeded.set_base_url(world.server.url());
        world.server.with(|sandbox| *sandbox = seeded);
    }
    for (name, least) in [("One", 4), ("Two", 7)] {
        let cluster = ["--clusterName", name];
        let gone = after.delete_oldest(name);
        let pull = [&["pull", "--dir", ".", "--keep", "1"][..], &cluster].concat();
        let all = [&["pull", "--dir", ".", "--keep", "9"][..], &cluster].concat();
        let mut killed = 0;
        for at in 1..100 {
            let folder = folder();
            assert!(before.run(&folder, &all, &[]).status.success());
            let output = after.run(&folder, &pull, &[("KILL_AT", at.to_string())]);
            let verified = after.run(&folder, &["verify", "."], &[]);
            let names = names(&folder);
            let at = format!("{name} {at}: {names:?}");
            assert!(verified.status.success(), "{at} {verified:?}");
            if output.status.success() {
                break;
            }
            killed += 1;
            let is_of_gone = |name: &&String| name.contains(&gone) && is_named(name, "tgz");
            let dry = after.run(&folder, &[&pull[..], &["--dry-run"]].concat(), &[]);
            let told = String::from_utf8(dry.stdout).unwrap().contains(&gone);
            assert_eq!(told, names.iter().any(|it| is_of_gone(&it)), "{at}");
            assert!(after.run(&folder, &pull, &[]).status.success(), "{at}");
            let left = |name: &String| name.contains(&gone);
            assert!(!self::names(&folder).iter().any(left), "{at}");
        }
        assert!(killed >= least, "{killed}");
    }
}

#[test]
fn a_lost_file_that_atlas_no_longer_has_is_reported_after_the_next_pull_too() {
    let world = World::new();
    let pull = ["pull", "--dir", ".", "--keep", "9"];
    let pull = [&pull[..], &["--clusterName", DEDICATED_CLUSTER]].concat();
    let folder = folder();
    assert!(world.run(&folder, &pull, &[]).status.success());
    let gone = world.delete_oldest(DEDICATED_CLUSTER);
    let is_lost = |name: &String| name.contains(&gone) && is_named(name, "tgz");
    let lost = names(&folder).into_iter().find(is_lost).unwrap();
    std::fs::remove_file(folder.path().join(lost)).unwrap();
    for _ in 0..2 {
        let pulled = world.run(&folder, &pull, &[]);
        assert_eq!(pulled.status.code(), Some(11), "{pulled:?}");
        let verified = world.run(&folder, &["verify", "."], &[]);
        assert_eq!(verified.status.code(), Some(7), "{verified:?}");
    }
}

#[test]
fn killed_at_any_step_a_pull_is_completed_by_the_next() {
    let world = World::new();
    let pull = [
        "pull",
        "--dir",
        ".",
        "--keep",
        "1",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    let mut killed = 0;
    for at in 1.. {
        let folder = folder();
        let output = world.run(&folder, &pull, &[("KILL_AT", at.to_string())]);
        if output.status.success() {
            break;
        }
        killed += 1;
        assert!(world.run(&folder, &pull, &[]).status.success(), "{at}");
        let names = names(&folder);
        assert_eq!(names.len(), 4, "{at}: {names:?}");
        assert_eq!(names[3], "catalogue.json", "{at}");
    }
    assert!(killed >= 6, "{killed}");
}

#[test]
fn after_a_failed_fsync_the_partial_file_is_not_trusted() {
    let world = World::new();
    let served = || world.server.with(|sandbox| sandbox.served_bytes());
    let mut failed = 0;
    for at in 1.. {
        let folder = folder();
        let output = world.download(&folder, false, &[("FAIL_FSYNC", at.to_string())]);
        if output.status.success() {
            break;
        }
        failed += 1;
        let line = error_line(&output, 6);
        let expected = ["cannot be synced to disk", "Input/output error"];
        assert!(expected.iter().any(|text| line.contains(text)), "{line}");
        if folder.path().join("s.tgz").exists() {
            // Only the folder could not be synced.
            assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"], "{at}");
            continue;
        }
        assert_eq!(names(&folder), [""; 0], "{at}");
        let before = served();
        assert!(world.download(&folder, false, &[]).status.success());
        assert!(served() - before > 200_000, "{at}: it is downloaded again");
    }
    assert!(failed >= 3, "{failed}");
}
