//! `kill -9` at random times. `ATLAS_KILLS` is the number of kills per test, 8 by default.
//! `ATLAS_SEED` repeats a run with the seed that a failure printed.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::atlas::{Atlas, Job, folder, id, is_file, names, run, stderr, succeeded, verify};
use crate::s3::Moto;

const MIB: u64 = 1 << 20;
/// Files of other programs.
const OTHERS: [(&str, &[u8]); 4] = [
    ("notes.txt", b"not a snapshot"),
    ("other.tgz", b"another program's"),
    ("other.tgz.json", b"{\"snapshot\": 1}"),
    ("old.part", b"of a browser"),
];
/// How long a lease of the killed run in a store may block the first run after the kill.
const LEASE: Duration = Duration::from_secs(90);

pub(crate) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Kills at random times.
struct Killer {
    random: Rng,
    left: u64,
    /// The duration of the command without a kill.
    whole: Duration,
    /// The number of kills before the end of the command.
    hits: u64,
}

impl Killer {
    /// Measures a command without a kill.
    fn new(mut whole: Command) -> Self {
        let seed = number("ATLAS_SEED").unwrap_or_else(|| fastrand::u64(..));
        println!("ATLAS_SEED={seed}");
        let begun = Instant::now();
        succeeded("the first run", &run(&mut whole));
        Self {
            random: Rng::with_seed(seed),
            left: number("ATLAS_KILLS").unwrap_or(8),
            whole: begun.elapsed(),
            hits: 0,
        }
    }

    /// How often the next command is killed before it may end, one to three times.
    fn round(&mut self) -> u64 {
        let kills = self.random.u64(1..=3).min(self.left);
        self.left -= kills;
        kills
    }

    fn kill(&mut self, mut command: Command) {
        let latest = u64::try_from(self.whole.as_micros()).unwrap();
        let moment = Duration::from_micros(self.random.u64(0..=latest));
        let job = Job::start(&mut command);
        std::thread::sleep(moment);
        let has_ended = job.kill();
        self.hits += u64::from(!has_ended);
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        println!("{} kills hit, {} were left", self.hits, self.left);
    }
}

fn put_others(folder: &Path) {
    for (name, bytes) in OTHERS {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

fn assert_others(folder: &Path) {
    for (name, bytes) in OTHERS {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), bytes, "{name}");
    }
}

/// The names of snapshots in a folder.
fn snapshots(folder: &Path) -> Vec<String> {
    let mut names = names(folder);
    names.retain(|name| is_file(name) && name != "other.tgz");
    names
}

/// Checks every snapshot that has its name; returns their numbers.
fn assert_each(folder: &Path, known: &[(u32, Vec<u8>)]) -> Vec<u32> {
    let mut there = Vec::new();
    for name in snapshots(folder) {
        let mut known = known.iter();
        let known = known.find(|(number, _)| name.contains(&id(*number)));
        let (number, expected) = known.unwrap_or_else(|| panic!("{name}"));
        assert!(
            std::fs::read(folder.join(&name)).unwrap() == *expected,
            "{name}"
        );
        there.push(*number);
    }
    there.sort_unstable();
    there
}

fn assert_verified(folder: &Path) {
    for name in snapshots(folder) {
        succeeded(&name, &verify(folder, &name));
    }
}

#[test]
fn a_killed_download_is_resumed_and_no_file_is_named_before_it_is_complete() {
    let atlas = Atlas::new(&[20 * MIB]);
    let expected = atlas.file(0);
    let whole = folder();
    let mut killer = Killer::new(atlas.download(whole.path(), "s.tgz"));
    while killer.left > 0 {
        let folder = folder();
        put_others(folder.path());
        for _ in 0..killer.round() {
            killer.kill(atlas.download(folder.path(), "s.tgz"));
            if let Ok(named) = std::fs::read(folder.path().join("s.tgz")) {
                assert!(named == expected);
            }
            assert_others(folder.path());
        }
        let was_named = folder.path().join("s.tgz").exists();
        let output = run(&mut atlas.download(folder.path(), "s.tgz"));
        // The file was complete before the kill, and is in the way of another.
        if was_named && output.status.code() == Some(6) {
            assert!(stderr(&output).contains("--force"), "{}", stderr(&output));
        } else {
            succeeded("the run after the kill", &output);
        }
        assert!(std::fs::read(folder.path().join("s.tgz")).unwrap() == expected);
        assert_verified(folder.path());
        assert_others(folder.path());
        let mut left = names(folder.path());
        left.retain(|name| OTHERS.iter().all(|(other, _)| other != name));
        // The manifest may lack its name if the kill was between the two renames; a refused
        // download does not rename it.
        let waits = was_named && left == ["s.tgz", "s.tgz.json.part"];
        assert!(waits || left == ["s.tgz", "s.tgz.json"], "{left:?}");
    }
}

#[test]
fn a_killed_pull_is_resumed_and_every_file_is_complete() {
    let sizes = [5 * MIB, MIB, 9 * MIB];
    let atlas = Atlas::new(&sizes);
    let known: Vec<_> = (0..3).map(|number| (number, atlas.file(number))).collect();
    let whole = folder();
    let mut killer = Killer::new(atlas.pull(whole.path()));
    while killer.left > 0 {
        let folder = folder();
        put_others(folder.path());
        for _ in 0..killer.round() {
            killer.kill(atlas.pull(folder.path()));
            assert_each(folder.path(), &known);
            assert_others(folder.path());
        }
        succeeded(
            "the pull after the kill",
            &run(&mut atlas.pull(folder.path())),
        );
        assert_eq!(assert_each(folder.path(), &known), [0, 1, 2]);
        assert_verified(folder.path());
        assert_others(folder.path());
        let left = names(folder.path());
        let parts: Vec<_> = left.iter().filter(|it| it.contains(".tgz.part")).collect();
        assert!(parts.is_empty(), "{left:?}");
    }
}

#[test]
fn a_killed_pull_with_retention_never_has_fewer_snapshots_than_it_keeps() {
    let size = 3 * MIB;
    let atlas = Atlas::new(&[size, size]);
    let folder = folder();
    put_others(folder.path());
    let pull = || {
        let mut command = atlas.pull(folder.path());
        command.args(["--keep", "2"]);
        command
    };
    let mut known = vec![(0, atlas.file(0)), (1, atlas.file(1))];
    let mut killer = Killer::new(pull());
    let mut newest = 1;
    while killer.left > 0 {
        // The oldest expires and a new one is taken; sometimes two of each, so that one is missed.
        for _ in 0..killer.random.u32(1..=2) {
            newest += 1;
            atlas.list(&[(newest - 1, size), (newest, size)]);
            known.push((newest, atlas.file(newest)));
        }
        for _ in 0..killer.round() {
            killer.kill(pull());
            let there = assert_each(folder.path(), &known);
            assert!(there.len() >= 2, "{there:?}");
            assert_others(folder.path());
        }
        succeeded("the pull after the kill", &run(&mut pull()));
        assert_eq!(assert_each(folder.path(), &known), [newest - 1, newest]);
        assert_verified(folder.path());
        assert_others(folder.path());
        let keep = known.len() - 4.min(known.len());
        known.drain(..keep);
    }
}

#[test]
fn a_killed_upload_leaves_no_incomplete_object_and_finally_no_open_upload() {
    let Some(moto) = Moto::start() else { return };
    let atlas = Atlas::new(&[20 * MIB]);
    let expected = atlas.file(0);
    let folder = folder();
    let download = || {
        let mut command = atlas.download(folder.path(), "s3://bucket/s.tgz");
        moto.configure(&mut command);
        command
    };
    let mut killer = Killer::new(download());
    while killer.left > 0 {
        moto.remove("s.tgz");
        moto.remove("s.tgz.json");
        for _ in 0..killer.round() {
            killer.kill(download());
            assert!(moto.get("s.tgz").is_none_or(|object| object == expected));
        }
        let begun = Instant::now();
        loop {
            let was_there = moto.get("s.tgz").is_some();
            let output = run(&mut download());
            if output.status.success() {
                break;
            }
            let code = output.status.code();
            assert!(matches!(code, Some(6 | 14 | 15)), "{}", stderr(&output));
            // The object was complete before the kill.
            if was_there && stderr(&output).contains("--force") {
                break;
            }
            assert!(begun.elapsed() < LEASE, "{}", stderr(&output));
            std::thread::sleep(Duration::from_secs(1));
        }
        assert!(moto.get("s.tgz").is_some_and(|object| object == expected));
        let manifest = moto.get("s.tgz.json").expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["bytes"], expected.len());
        assert_eq!(moto.parts_of_open_uploads(), 0);
    }
    assert!(names(folder.path()).is_empty());
}
