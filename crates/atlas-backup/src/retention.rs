//! Which snapshots a folder takes, keeps and gives up.

use atlas_model::SnapshotId;
use jiff::Timestamp;

use crate::folder::{Damage, Held};
use crate::keep::Keep;
use crate::options::PullOptions;
use crate::pull::PullSummary;
use crate::snapshot::{Listing, SnapshotView, is_future};

/// What is taken and what is removed.
pub(crate) struct Retention<'a> {
    listing: &'a Listing,
    /// The complete ones, the oldest first.
    complete: Vec<&'a SnapshotView>,
    keep: Option<Keep>,
    at_least: usize,
}

impl<'a> Retention<'a> {
    pub(crate) fn new(listing: &'a Listing, options: &PullOptions) -> Self {
        let complete = listing.snapshots.iter().filter(|it| it.completed);
        let mut complete: Vec<_> = complete.collect();
        complete.sort_by_key(|snapshot| (snapshot.taken, snapshot.id));
        Self {
            listing,
            complete,
            keep: options.keep,
            at_least: options.keep_at_least,
        }
    }

    /// Whether a date is in the future by the server's clock; by that of this machine only if the
    /// server gave none, and then nothing is removed.
    pub(crate) fn is_future(&self, taken: Option<Timestamp>) -> bool {
        is_future(taken, self.listing.date.unwrap_or_else(Timestamp::now))
    }

    pub(crate) fn can_be_taken(&self, snapshot: SnapshotId) -> bool {
        self.complete.iter().any(|known| known.id == snapshot)
    }

    /// The complete snapshots that are to be there: all but those that `keep` leaves no room for,
    /// and those that are damaged.
    pub(crate) fn wanted(&self, damaged: &[Damage]) -> Vec<&'a SnapshotView> {
        let mut counted: Vec<_> = self
            .complete
            .iter()
            .filter(|snapshot| !self.is_future(snapshot.taken))
            .filter_map(|snapshot| Some((snapshot.taken?, snapshot.id)))
            .collect();
        counted.reverse();
        let beyond = self.beyond(&counted);
        let is_damaged = |id| damaged.iter().any(|damage| damage.snapshot == id);
        let complete = self.complete.iter().copied();
        complete
            .filter(|snapshot| !beyond.contains(&snapshot.id) || is_damaged(snapshot.id))
            .collect()
    }

    /// Which of these, the newest first, are kept no more.
    fn beyond(&self, counted: &[(Timestamp, SnapshotId)]) -> Vec<SnapshotId> {
        let Some(keep) = self.keep else {
            return Vec::new();
        };
        let taken: Vec<Timestamp> = counted.iter().map(|(taken, _)| *taken).collect();
        (0..counted.len())
            .filter(|place| keep.is_beyond(self.at_least, &taken, *place))
            .map(|place| counted[place].1)
            .collect()
    }

    /// Which of the snapshots in the folder, the newest first, may be removed as far as the list
    /// goes.
    fn removable(&self, counted: &[(Timestamp, SnapshotId)]) -> Vec<SnapshotId> {
        let trusted = self.listing.date.is_some() && self.listing.is_whole;
        if !trusted || self.complete.is_empty() {
            return Vec::new();
        }
        let mut beyond = self.beyond(counted);
        let listed = &self.listing.snapshots;
        beyond.retain(|id| listed.iter().all(|snapshot| snapshot.id != *id));
        beyond
    }

    /// The snapshots in the folder that have to be read before others are removed; none if none is
    /// to be removed.
    pub(crate) fn to_be_read(&self, held: &[Held]) -> Vec<SnapshotId> {
        let Some(keep) = self.keep else {
            return Vec::new();
        };
        let counted = self.counted(held);
        // With those that are about to be taken.
        let mut soon = counted.clone();
        let wanted = self.wanted(&[]);
        soon.extend(wanted.iter().filter_map(|it| Some((it.taken?, it.id))));
        soon.retain(|(taken, _)| !self.is_future(Some(*taken)));
        soon.sort_by_key(|it| std::cmp::Reverse(*it));
        soon.dedup();
        if self.removable(&soon).is_empty() {
            return Vec::new();
        }
        let newest = counted.iter().take(keep.floor(self.at_least));
        newest.map(|(_, snapshot)| *snapshot).collect()
    }

    /// The snapshots in the folder that are removed; none if those that stay were not all read.
    pub(crate) fn to_be_removed(&self, held: &[Held]) -> Vec<SnapshotId> {
        let Some(keep) = self.keep else {
            return Vec::new();
        };
        let removable = self.removable(&self.counted(held));
        let floor = keep.floor(self.at_least);
        let counted = held.iter().filter(|held| self.counts(held));
        if counted.take(floor).all(|held| held.read) {
            removable
        } else {
            Vec::new()
        }
    }

    /// Whether a snapshot in the folder is one of those to keep: it is of this
    /// cluster and has a date that has come.
    fn counts(&self, held: &Held) -> bool {
        held.is_same_cluster && held.taken.is_some() && !self.is_future(held.taken)
    }

    fn counted(&self, held: &[Held]) -> Vec<(Timestamp, SnapshotId)> {
        let counted = held.iter().filter(|held| self.counts(held));
        counted
            .filter_map(|held| Some((held.taken?, held.snapshot)))
            .collect()
    }

    pub(crate) fn summary(&self, held: &[Held]) -> PullSummary {
        let listed = self.complete.iter().map(|snapshot| snapshot.taken);
        // A file of an earlier cluster does not say how old the newest of this one is.
        let held = held.iter().filter(|held| held.is_same_cluster);
        let taken = listed.chain(held.map(|held| held.taken));
        PullSummary {
            listed: self.listing.snapshots.len(),
            completed: self.complete.len(),
            newest: taken
                .flatten()
                .filter(|taken| !self.is_future(Some(*taken)))
                .max(),
            date: self.listing.date,
        }
    }
}
