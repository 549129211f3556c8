//! Selects the snapshots that a folder downloads, keeps and removes.
//!
//! The kept snapshots are chosen from one set: the sound snapshots in the folder and the complete
//! ones that Atlas lists. A snapshot of that set that is not kept is not downloaded, and is removed
//! from the folder once Atlas no longer lists it. Each rule chooses the same snapshots after some
//! that it does not keep are removed from the set, so a second run finds nothing to do.

mod keep;

use std::collections::{BTreeMap, BTreeSet};

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::folder::{Damage, Folder, Held};
use crate::options::PullOptions;
use crate::pull::PullSummary;
use crate::snapshot::{Listing, SnapshotView, is_future};

use keep::Kept;
pub use keep::{Keep, KeepError};

/// The rules of one run, with the list they apply to.
pub(crate) struct Retention<'a> {
    listing: &'a Listing,
    /// The complete snapshots, oldest first.
    complete: Vec<&'a SnapshotView>,
    /// The ids of all listed snapshots, and whether each is complete.
    listed: BTreeMap<SnapshotId, bool>,
    now: Timestamp,
    keep: Option<Keep>,
    at_least: usize,
}

impl<'a> Retention<'a> {
    pub(crate) fn new(listing: &'a Listing, options: &PullOptions) -> Self {
        let snapshots = &listing.snapshots;
        let mut complete: Vec<_> = snapshots.iter().filter(|it| it.completed).collect();
        complete.sort_by_key(|snapshot| (snapshot.taken, snapshot.id));
        Self {
            listing,
            complete,
            listed: snapshots.iter().map(|it| (it.id, it.completed)).collect(),
            // The local clock is used only if the server sent no date; then nothing is removed.
            now: listing.date.unwrap_or_else(Timestamp::now),
            keep: options.keep,
            at_least: options.keep_at_least,
        }
    }

    /// Whether a date is in the future.
    pub(crate) fn is_future(&self, taken: Option<Timestamp>) -> bool {
        is_future(taken, self.now)
    }

    /// Whether any snapshot may be removed.
    pub(crate) fn is_limited(&self) -> bool {
        self.keep.is_some()
    }

    /// Whether everything that Atlas lists could be read.
    #[cfg(feature = "object-store")]
    pub(crate) fn is_whole(&self) -> bool {
        self.listing.is_whole
    }

    /// The ids of all snapshots that Atlas lists; `None` if some could not be read, or the list is
    /// empty.
    pub(crate) fn all_listed(&self) -> Option<BTreeSet<SnapshotId>> {
        let is_known = self.listing.is_whole && !self.listed.is_empty();
        is_known.then(|| self.listed.keys().copied().collect())
    }

    pub(crate) fn can_be_taken(&self, snapshot: SnapshotId) -> bool {
        self.listed.get(&snapshot) == Some(&true)
    }

    /// Decides for each candidate whether it is kept. The candidates are the complete snapshots
    /// that are listed, and those in the folder that are of this cluster, if they have a date that
    /// is not in the future.
    fn choose(&self, held: &[Held]) -> BTreeMap<SnapshotId, Kept> {
        let listed = self.complete.iter().map(|it| (it.taken, it.id));
        // The data of Atlas takes precedence over that of the folder.
        let held = held
            .iter()
            .filter(|held| held.is_same_cluster && !self.can_be_taken(held.snapshot));
        let mut counted: Vec<(Timestamp, SnapshotId)> = listed
            .chain(held.map(|held| (held.taken, held.snapshot)))
            .filter(|(taken, _)| !self.is_future(*taken))
            .filter_map(|(taken, snapshot)| Some((taken?, snapshot)))
            .collect();
        counted.sort_unstable_by_key(|it| std::cmp::Reverse(*it));
        let taken: Vec<Timestamp> = counted.iter().map(|(taken, _)| *taken).collect();
        let kept = match self.keep {
            Some(keep) => keep.kept(self.at_least, &taken),
            None => vec![Kept::ByAge; taken.len()],
        };
        let snapshots = counted.into_iter().map(|(_, snapshot)| snapshot);
        snapshots.zip(kept).collect()
    }

    /// Whether a snapshot that is not in the folder would be kept.
    pub(crate) fn would_keep(
        &self,
        held: &[Held],
        taken: Option<Timestamp>,
        snapshot: SnapshotId,
    ) -> bool {
        let mut held = held.to_vec();
        held.push(Held {
            taken,
            snapshot,
            is_same_cluster: true,
            read: false,
            is_removable: false,
        });
        self.choose(&held).get(&snapshot) != Some(&Kept::No)
    }

    /// The complete snapshots that the folder should have, oldest first: those that are kept, those
    /// without a usable date, and those that are damaged.
    pub(crate) fn wanted(&self, held: &[Held], damaged: &[Damage]) -> Vec<&'a SnapshotView> {
        let chosen = self.choose(held);
        let damaged: BTreeSet<SnapshotId> = damaged.iter().map(|it| it.snapshot).collect();
        let is_wanted = |id| chosen.get(id) != Some(&Kept::No) || damaged.contains(id);
        let complete = self.complete.iter().copied();
        complete
            .filter(|snapshot| is_wanted(&snapshot.id))
            .collect()
    }

    /// The snapshots in the folder that are removed if nothing fails.
    pub(crate) fn soon_removed(&self, held: &[Held]) -> Vec<SnapshotId> {
        self.removable(held, &self.choose(held))
    }

    /// Whether files may be removed according to the list.
    fn is_trusted(&self) -> bool {
        self.listing.date.is_some() && self.listing.is_whole && !self.complete.is_empty()
    }

    /// The incomplete snapshots whose rest is removed, of these.
    pub(crate) fn rests(
        &self,
        folder: &Folder,
        incomplete: impl Iterator<Item = SnapshotId>,
    ) -> Vec<SnapshotId> {
        let mut rests: Vec<SnapshotId> = incomplete.collect();
        if rests.is_empty() || !self.is_trusted() {
            return Vec::new();
        }
        let held = folder.held();
        rests.retain(|snapshot| {
            let taken = folder.taken(*snapshot);
            !self.listed.contains_key(snapshot) && !self.would_keep(&held, taken, *snapshot)
        });
        rests
    }

    /// The snapshots in the folder that may be removed according to the list, newest first.
    fn removable(&self, held: &[Held], chosen: &BTreeMap<SnapshotId, Kept>) -> Vec<SnapshotId> {
        if !self.is_trusted() {
            return Vec::new();
        }
        let is_removable = |held: &&Held| {
            held.is_removable
                && held.is_same_cluster
                && chosen.get(&held.snapshot) == Some(&Kept::No)
                && !self.listed.contains_key(&held.snapshot)
        };
        let removable = held.iter().filter(is_removable);
        removable.map(|held| held.snapshot).collect()
    }

    /// The snapshots in the folder that must be read before others are removed: those that are kept
    /// instead of the others. Empty if none is to be removed.
    pub(crate) fn to_be_read(&self, held: &[Held]) -> Vec<SnapshotId> {
        let chosen = self.choose(held);
        if self.removable(held, &chosen).is_empty() {
            return Vec::new();
        }
        let unread = held
            .iter()
            .filter(|held| !held.read && chosen.get(&held.snapshot) == Some(&Kept::ByPlace));
        unread.map(|held| held.snapshot).collect()
    }

    /// The snapshots in the folder that are removed; empty unless all that are kept instead are
    /// present and were read.
    pub(crate) fn to_be_removed(&self, held: &[Held]) -> Vec<SnapshotId> {
        let chosen = self.choose(held);
        let read = held.iter().filter(|held| held.read);
        let read: BTreeSet<SnapshotId> = read.map(|held| held.snapshot).collect();
        let mut needed = chosen.iter().filter(|(_, kept)| **kept == Kept::ByPlace);
        if needed.all(|(snapshot, _)| read.contains(snapshot)) {
            self.removable(held, &chosen)
        } else {
            Vec::new()
        }
    }

    pub(crate) fn summary(&self, held: &[Held]) -> PullSummary {
        let listed = self.complete.iter().map(|snapshot| snapshot.taken);
        // A file of an earlier cluster says nothing about the age of this one's newest snapshot.
        let same = held.iter().filter(|held| held.is_same_cluster);
        let newest = |taken: &mut dyn Iterator<Item = Option<Timestamp>>| {
            let come = taken.filter(|taken| !self.is_future(*taken));
            come.flatten().max()
        };
        let newest_held = newest(&mut same.map(|held| held.taken));
        PullSummary {
            listed: self.listing.snapshots.len(),
            completed: self.complete.len(),
            newest: newest(&mut listed.chain([newest_held])),
            date: self.listing.date,
            held: held.len(),
            newest_held,
        }
    }
}
