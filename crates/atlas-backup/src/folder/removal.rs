//! Removing snapshots from a folder, so that a run can be killed at any step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;

use super::{Folder, HeldFile, State, given_name};
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

    /// The incomplete snapshots whose files are all of the cluster that currently has the name, and of which
    /// this program may remove some: an interrupted run removed the others, or has not stored them.
    pub(crate) fn rests(&self) -> impl Iterator<Item = SnapshotId> {
        self.incomplete().filter(|snapshot| {
            let mut files = self.files_of(*snapshot);
            let is_same = files.all(|(_, file)| self.is_of_same_cluster(file));
            is_same && !self.removable_files(*snapshot).is_empty()
        })
    }

    /// The files that a new catalogue lists, after one with the files `known`. Those are left out that are
    /// damaged, those of the snapshots `gone` that are removed, and those of unfinished snapshots:
    /// incomplete ones that were not listed, and that Atlas lists or that are among the `rests`. Other
    /// incomplete ones count as lost.
    pub(crate) fn staying(
        &self,
        incomplete: Vec<SnapshotId>,
        known: &BTreeSet<PathBuf>,
        gone: &[SnapshotId],
        rests: &[SnapshotId],
    ) -> impl Iterator<Item = (&PathBuf, &HeldFile)> {
        let is_known = |snapshot: SnapshotId| {
            let mut paths = self.files_of(snapshot).map(|(path, _)| path);
            paths.any(|path| known.contains(path))
        };
        let mut unfinished = incomplete;
        unfinished.retain(|it| !is_known(*it) && (self.listed.contains(it) || rests.contains(it)));
        let is_going = move |path: &Path, file: &HeldFile| {
            let snapshot = &file.manifest.snapshot;
            let is_gone = gone.contains(snapshot) && self.is_removable(path, file);
            is_gone || (unfinished.contains(snapshot) && self.is_own(&file.manifest))
        };
        let sound = self
            .files
            .iter()
            .filter(|(_, file)| file.state != State::Damaged);
        sound.filter(move |(path, file)| !is_going(path, file))
    }

    /// The snapshots of the cluster of which some files are present, and not all.
    pub(crate) fn incomplete(&self) -> impl Iterator<Item = SnapshotId> {
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
    pub(crate) fn is_removable(&self, path: &Path, file: &HeldFile) -> bool {
        file.state != State::Damaged && path == self.path.join(given_name(&file.manifest))
    }
}
