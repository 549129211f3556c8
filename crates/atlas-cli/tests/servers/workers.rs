//! A folder in an S3 server (moto) that several processes update concurrently, some of which are
//! killed.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use atlas_sandbox::FLEX_CLUSTER;
use fastrand::Rng;

use crate::atlas::{Atlas, Job, folder, id, run, stderr, succeeded};
use crate::kills::number;
use crate::s3::Moto;

const MIB: u64 = 1 << 20;

struct World {
    moto: Moto,
    atlas: Atlas,
    empty: tempfile::TempDir,
    /// All snapshots that were ever listed.
    known: BTreeMap<u32, Vec<u8>>,
}

impl World {
    fn new(sizes: &[u64]) -> Option<Self> {
        let moto = Moto::start()?;
        let atlas = Atlas::new(sizes);
        let numbers = 0..u32::try_from(sizes.len()).unwrap();
        let known = numbers.map(|number| (number, atlas.file(number)));
        Some(Self {
            known: known.collect(),
            moto,
            atlas,
            empty: folder(),
        })
    }

    fn pull(&self, more: &[&str]) -> Command {
        let mut command = self.atlas.command(self.empty.path());
        command
            .args(["backups", "pull", "--clusterName", FLEX_CLUSTER])
            .args(["--dir", "s3://bucket/kept", "--verbose"])
            .args(more);
        self.moto.configure(&mut command);
        command
    }

    /// Checks every object under a snapshot's key; returns the snapshots that exist.
    fn present(&self) -> Vec<u32> {
        let keys = self.moto.keys("kept/");
        let tars = keys.iter().filter(|key| is_a(key, ".tgz"));
        let numbers = tars.map(|key| {
            let mut known = self.known.iter();
            let (number, expected) = known
                .find(|(number, _)| key.contains(&id(**number)))
                .unwrap();
            assert!(self.moto.get(key).unwrap() == *expected, "{key}");
            let manifest = self.moto.get(&format!("{key}.json")).unwrap();
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(manifest["bytes"], expected.len());
            *number
        });
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        numbers
    }

    /// Checks the folder while no process is running.
    fn assert_settled(&self, expected: &[u32]) {
        assert_eq!(self.present(), expected);
        let keys = self.moto.keys("kept/");
        assert!(keys.iter().all(|key| !is_a(key, ".part")), "{keys:?}");
        assert_eq!(keys.len(), 2 * expected.len() + 1, "{keys:?}");
        assert_eq!(self.moto.parts_of_open_uploads(), 0);
        let catalogue = self.moto.get("kept/catalogue.json").unwrap();
        let catalogue: Vec<serde_json::Value> = serde_json::from_slice(&catalogue).unwrap();
        assert_eq!(catalogue.len(), expected.len());
    }
}

fn is_a(key: &str, ending: &str) -> bool {
    key.ends_with(ending)
}

/// Counts how often each snapshot was downloaded.
fn count(taken: &mut BTreeMap<String, usize>, printed: &[u8]) {
    for line in String::from_utf8_lossy(printed).lines() {
        if let Some(rest) = line.strip_prefix("downloaded ") {
            let snapshot = rest.split_whitespace().next().unwrap_or_default();
            *taken.entry(snapshot.to_owned()).or_default() += 1;
        }
    }
}

#[test]
fn two_and_eight_processes_share_the_work_and_download_each_snapshot_once() {
    for workers in [2, 8] {
        let Some(world) = World::new(&[MIB; 10]) else {
            return;
        };
        let jobs: Vec<_> = (0..workers)
            .map(|_| Job::start(&mut world.pull(&[])))
            .collect();
        let (mut taken, mut busy) = (BTreeMap::new(), 0);
        for job in jobs {
            let output = job.end();
            succeeded("a worker", &output);
            let before = taken.values().sum::<usize>();
            count(&mut taken, &output.stdout);
            busy += usize::from(taken.values().sum::<usize>() > before);
        }
        assert!(
            taken.len() == 10 && taken.values().all(|times| *times == 1),
            "{taken:?}"
        );
        assert!(busy > 1, "the work is shared");
        world.assert_settled(&(0..10).collect::<Vec<_>>());
    }
}

#[test]
fn the_snapshots_of_killed_workers_are_downloaded_by_the_others_and_only_once() {
    let seed = number("ATLAS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("ATLAS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut left = number("ATLAS_KILLS").unwrap_or(8);
    while left > 0 {
        for workers in [2, 8] {
            let Some(world) = World::new(&[2 * MIB, 12 * MIB, MIB, 9 * MIB]) else {
                return;
            };
            let mut taken = BTreeMap::new();
            let mut jobs: Vec<_> = (0..workers)
                .map(|_| Job::start(&mut world.pull(&[])))
                .collect();
            for _ in 0..4.min(left) {
                std::thread::sleep(Duration::from_millis(random.u64(0..700)));
                let victim = jobs.swap_remove(random.usize(..jobs.len()));
                let (_, output) = victim.kill_and_read();
                count(&mut taken, &output.stdout);
                world.present();
                jobs.push(Job::start(&mut world.pull(&[])));
            }
            left = left.saturating_sub(4);
            for job in jobs {
                let output = job.end();
                succeeded("a worker that was left", &output);
                count(&mut taken, &output.stdout);
            }
            succeeded("the last worker", &run(&mut world.pull(&[])));
            assert!(taken.values().all(|times| *times == 1), "{taken:?}");
            world.assert_settled(&[0, 1, 2, 3]);
        }
    }
}

/// The lease of a worker on another machine.
#[test]
fn a_lease_that_is_not_renewed_is_taken_over_by_the_clock_of_the_store_and_not_before() {
    let Some(world) = World::new(&[MIB]) else {
        return;
    };
    let listed = run(&mut world.pull(&["--dry-run"]));
    succeeded("a dry run", &listed);
    assert!(
        world.moto.keys("kept/").is_empty(),
        "a dry run writes nothing"
    );
    succeeded("a pull", &run(&mut world.pull(&[])));
    let keys = world.moto.keys("kept/");
    let tar = keys.iter().find(|key| is_a(key, ".tgz")).unwrap();
    for key in &keys {
        world.moto.remove(key);
    }
    let key = format!("{tar}.part");
    let lease = |seconds: u64| {
        let lease = serde_json::json!({
            "format": "atlas-backup/1",
            "source": "another project's",
            "holder": {"nonce": "n", "machine": "another", "pid": 1, "started": "1"},
            "seconds": seconds,
        });
        world.moto.put(&key, &lease.to_string());
    };
    lease(3600);
    let output = run(&mut world.pull(&["--timeout", "1"]));
    assert_eq!(output.status.code(), Some(11), "{}", stderr(&output));
    assert!(world.present().is_empty());
    lease(1);
    succeeded("once it has ended", &run(&mut world.pull(&[])));
    world.assert_settled(&[0]);
    world.moto.put(&key, "{\"of\": \"another program\"}");
    let first = world
        .moto
        .keys("kept/")
        .into_iter()
        .find(|key| is_a(key, ".tgz"));
    world.moto.remove(&first.unwrap());
    let output = run(&mut world.pull(&[]));
    assert_eq!(output.status.code(), Some(11), "{}", stderr(&output));
    assert!(world.moto.get(&key).is_some(), "the object is not touched");
}

#[test]
fn objects_that_are_not_kept_are_removed_and_damaged_ones_are_downloaded_again() {
    let Some(mut world) = World::new(&[MIB; 3]) else {
        return;
    };
    let keep = ["--keep", "2"];
    succeeded("the first pull", &run(&mut world.pull(&keep)));
    world.assert_settled(&[1, 2]);
    // Another run, for which the first has expired.
    world.atlas.list(&[(2, MIB), (3, MIB)]);
    world.known.insert(3, world.atlas.file(3));
    world.moto.put("kept/notes.tgz", "not a snapshot");
    succeeded("the second pull", &run(&mut world.pull(&keep)));
    world.moto.remove("kept/notes.tgz");
    world.assert_settled(&[2, 3]);
    // Another writer of the store changed a byte.
    let keys = world.moto.keys("kept/");
    let key = keys
        .iter()
        .find(|key| key.ends_with(&format!("{}.tgz", id(3))))
        .unwrap();
    let mut object = world.moto.get(key).unwrap();
    let middle = object.len() / 2;
    object[middle] ^= 1;
    world.moto.put_bytes(key, &object);
    let output = run(&mut world.pull(&["--keep", "2", "--verify"]));
    succeeded("the pull that reads all", &output);
    assert!(String::from_utf8_lossy(&output.stdout).contains("damaged"));
    world.assert_settled(&[2, 3]);
}

#[test]
fn a_killed_pull_into_a_store_with_retention_never_has_fewer_snapshots_than_it_keeps() {
    let Some(mut world) = World::new(&[MIB, MIB]) else {
        return;
    };
    let seed = number("ATLAS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("ATLAS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let keep = ["--keep", "2"];
    succeeded("the first pull", &run(&mut world.pull(&keep)));
    let mut newest = 1;
    for _ in 0..number("ATLAS_KILLS").unwrap_or(8) {
        newest += 1;
        world.atlas.list(&[(newest - 1, MIB), (newest, MIB)]);
        world.known.insert(newest, world.atlas.file(newest));
        let job = Job::start(&mut world.pull(&keep));
        std::thread::sleep(Duration::from_millis(random.u64(0..500)));
        job.kill();
        assert!(world.present().len() >= 2);
        succeeded("the pull after the kill", &run(&mut world.pull(&keep)));
        world.assert_settled(&[newest - 1, newest]);
    }
}
