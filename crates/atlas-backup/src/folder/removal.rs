//! Removing snapshots from a folder, so that a run can be killed at any step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;

use super::{Folder, HeldFile, State, given_name};
use crate::catalogue;
use crate::disk::look;
use crate::error::Error;
use crate::manifest::Manifest;

impl Folder {
    /// The files of a snapshot of the cluster that have the names that this program gave them and
    /// are sound as far as is known.
    pub(crate) fn removable_files(&self, snapshot: SnapshotId) -> Vec<(PathBuf, Manifest)> {
        let files = self.files_of(snapshot);
        files
            .filter(|(path, file)| self.is_removable(path, file))
            .map(|(path, file)| (path.clone(), file.manifest.clone()))
            .collect()
    }

    /// The snapshots of the cluster of which an interrupted run removed, or stored, some files: the
    /// catalogue, which is written before a removal and after a download, lists none of the others.
    pub(crate) fn half_removed(&self) -> Result<BTreeSet<SnapshotId>, Error> {
        if self.incomplete().next().is_none() {
            return Ok(BTreeSet::new());
        }
        let listed = catalogue::files(&self.path)?;
        let listed = listed.iter().map(|name| self.path.join(name)).collect();
        Ok(self.unlisted_rests(&listed))
    }

    /// The incomplete snapshots of the cluster of which a catalogue with these files lists none. None if it
    /// is empty: then it tells nothing.
    pub(crate) fn unlisted_rests(&self, listed: &BTreeSet<PathBuf>) -> BTreeSet<SnapshotId> {
        if listed.is_empty() {
            return BTreeSet::new();
        }
        let is_listed = |snapshot: SnapshotId| {
            let mut paths = self.files_of(snapshot).map(|(path, _)| path);
            paths.any(|path| listed.contains(path))
        };
        let incomplete = self.incomplete();
        incomplete.filter(|it| !is_listed(*it)).collect()
    }

    /// The snapshots of the cluster of which some files are present, and not all.
    fn incomplete(&self) -> impl Iterator<Item = SnapshotId> {
        let snapshots = self.snapshots.iter();
        let present = snapshots.filter(|(_, paths)| !paths.is_empty());
        let present = present.map(|(snapshot, _)| *snapshot);
        present.filter(|snapshot| !self.has(*snapshot))
    }

    /// Removes the files of a snapshot, and their manifests. Only files that have the names that
    /// this program gave them and are unchanged are removed; returns them.
    pub(crate) fn remove(
        &mut self,
        snapshot: SnapshotId,
    ) -> Result<Vec<(PathBuf, Manifest)>, Error> {
        let mut removed = Vec::new();
        for (path, known) in self.removable_files(snapshot) {
            // Checked again on disk: earlier results may be outdated.
            let manifest = Manifest::read(&path)?;
            let fits = look(&path)?.is_some_and(|found| manifest.fits(&found));
            if manifest != known || !fits {
                continue;
            }
            // The file first: a manifest without a file does no harm, and the catalogue does not list it.
            for path in [&path, &Manifest::path_of(&path)] {
                std::fs::remove_file(path)
                    .map_err(|error| Error::file(path, "cannot be removed", error))?;
            }
            self.forget(&path);
            removed.push((path, manifest));
        }
        Ok(removed)
    }

    /// Whether a file has the name that this program gave it, and is sound as far as is known.
    pub(super) fn is_removable(&self, path: &Path, file: &HeldFile) -> bool {
        file.state != State::Damaged && path == self.path.join(given_name(&file.manifest))
    }
}
