//! The invariants after each run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use atlas_sandbox::PROJECT;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::oracle::{Policy, kept, manifest};
use super::steps::Status;
use super::world::{CLUSTER, IDS, World};

impl World {
    /// Files under final names are sound or were damaged here, and the user's own files still
    /// exist.
    pub(super) fn check_contents(&self, after: &BTreeMap<PathBuf, Vec<u8>>) {
        for (path, bytes) in after {
            if path.extension().is_some_and(|ending| ending == "tgz") {
                let is_known = self.damage.contains(bytes)
                    || self.precious.contains(bytes)
                    || self.snapshots.iter().any(|(.., file)| file == bytes);
                assert!(is_known, "{} is not sound", path.display());
            }
        }
        for text in &self.precious {
            let is_there = after.values().any(|bytes| bytes == text);
            assert!(is_there, "{} is lost", String::from_utf8_lossy(text));
        }
    }

    /// Whether a date is in the future.
    fn is_future(&self, taken: Timestamp) -> bool {
        let now = self.answers.lock().unwrap().date;
        taken.duration_since(now.unwrap_or_else(Timestamp::now)) > SignedDuration::from_hours(1)
    }

    /// The manifest of a snapshot's file that is present and sound.
    fn sound(&self, folder: &BTreeMap<PathBuf, Vec<u8>>, place: usize) -> Option<Value> {
        let path = self.given(place);
        let is_sound = folder.get(&path) == Some(&self.snapshots[place].2);
        is_sound.then(|| manifest(folder, &path)).flatten()
    }

    fn is_same_cluster(&self, manifest: &Value) -> bool {
        let id = IDS[self.answers.lock().unwrap().cluster];
        manifest["cluster_id"] == id
            && manifest["cluster"] == CLUSTER
            && manifest["project"] == PROJECT
    }

    /// The snapshots that are kept, of those listed as complete and those present.
    fn kept(
        &self,
        before: &BTreeMap<PathBuf, Vec<u8>>,
        policy: Option<Policy>,
    ) -> (BTreeSet<String>, BTreeMap<String, Timestamp>) {
        let mut set = BTreeMap::new();
        for (place, (id, taken, _)) in self.snapshots.iter().enumerate() {
            let taken = if self.status(place) == Status::Completed {
                Some(*taken)
            } else {
                let manifest = self.sound(before, place);
                let manifest = manifest.filter(|manifest| self.is_same_cluster(manifest));
                manifest.map(|manifest| manifest["taken"].as_str().unwrap().parse().unwrap())
            };
            if let Some(taken) = taken.filter(|taken| !self.is_future(*taken)) {
                set.insert(id.clone(), taken);
            }
        }
        let kept = match policy {
            Some(policy) => kept(policy, &set),
            None => set.keys().cloned().collect(),
        };
        (kept, set)
    }

    fn is_list_trusted(&self) -> bool {
        let answers = self.answers.lock().unwrap();
        answers.date.is_some() && answers.status.contains(&Status::Completed)
    }

    /// Each removed sound file was removable.
    pub(super) fn check_removed(
        &self,
        before: &BTreeMap<PathBuf, Vec<u8>>,
        after: &BTreeMap<PathBuf, Vec<u8>>,
        policy: Option<Policy>,
    ) {
        let (kept, set) = self.kept(before, policy);
        for (place, (id, _, file)) in self.snapshots.iter().enumerate() {
            let holds = |folder: &BTreeMap<PathBuf, Vec<u8>>| folder.values().any(|it| it == file);
            if !holds(before) || holds(after) {
                continue;
            }
            // A complete partial file is not a file of the folder yet.
            let Some(manifest) = self.sound(before, place) else {
                let named = before.get(&self.given(place)) == Some(file);
                assert!(!named, "{id} is removed without a manifest");
                continue;
            };
            assert!(
                self.is_same_cluster(&manifest),
                "{id} is of another cluster"
            );
            assert_eq!(self.status(place), Status::Gone, "{id} is listed");
            assert!(self.is_list_trusted(), "{id} is removed for no list");
            assert!(set.contains_key(id), "{id} does not count");
            assert!(!kept.contains(id), "{id} is kept, of {set:?}");
        }
    }

    /// After a successful run, kept snapshots are present, and others are removed.
    pub(super) fn check_complete(
        &self,
        before: &BTreeMap<PathBuf, Vec<u8>>,
        after: &BTreeMap<PathBuf, Vec<u8>>,
        policy: Option<Policy>,
    ) {
        let is_damaged = |bytes: &Vec<u8>| self.damage.contains(bytes);
        if before.values().any(is_damaged) {
            return;
        }
        let (kept, set) = self.kept(before, policy);
        for (place, (id, ..)) in self.snapshots.iter().enumerate() {
            let is_there = self.sound(after, place).is_some();
            if self.status(place) == Status::Completed {
                let is_wanted = kept.contains(id) || !set.contains_key(id);
                assert!(is_there || !is_wanted, "{id} is not downloaded");
            } else if self.status(place) == Status::Gone && self.is_list_trusted() {
                let is_beyond = set.contains_key(id) && !kept.contains(id);
                let has_name = self.sound(before, place).is_some_and(|manifest| {
                    manifest["taken"] == self.snapshots[place].1.to_string()
                });
                assert!(!(is_there && is_beyond && has_name), "{id} is not removed");
            }
        }
    }
}
