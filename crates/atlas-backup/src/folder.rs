//! A folder of snapshots on disk: files, their manifests, the catalogue and the lock.

mod given_name;
mod held_file;
pub(crate) mod litter;
mod lock;
mod names;
mod removal;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_model::{ClusterId, ClusterName, ProjectId, SnapshotId};
use jiff::Timestamp;

use crate::catalogue;
#[cfg(test)]
use crate::disk::counter;
use crate::disk::look;
use crate::error::Error;
use crate::manifest::Manifest;
use crate::saved::{Saved, settle};
use crate::teller::Teller;
use given_name::given_name;
pub(crate) use given_name::{file_name, is_given_name};
pub(crate) use held_file::{Damage, HeldFile, Reading, State};
pub use lock::is_busy_folder;
pub(crate) use lock::{FolderLock, LOCK, check, lock, prepare};
use names::{Known, Names};

/// The files of a folder that have a manifest.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    project: ProjectId,
    cluster: ClusterName,
    /// The cluster's id, if Atlas reports it.
    cluster_id: Option<ClusterId>,
    /// The snapshots that Atlas lists for it.
    listed: BTreeSet<SnapshotId>,
    files: BTreeMap<PathBuf, HeldFile>,
    /// Manifests of the cluster whose files are missing.
    lone: Vec<(PathBuf, Manifest)>,
    /// The files of each snapshot of the cluster.
    snapshots: BTreeMap<SnapshotId, BTreeSet<PathBuf>>,
}

/// A snapshot with all of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) taken: Option<Timestamp>,
    pub(crate) snapshot: SnapshotId,
    /// Whether they are of the cluster that currently has the name, as far as is known.
    pub(crate) is_same_cluster: bool,
    /// Whether its files were read in this run.
    pub(crate) read: bool,
    /// Whether any of its files may be removed, since it has the name that this program gave it.
    pub(crate) is_removable: bool,
}

impl Folder {
    /// A folder without files. With an empty path it is not on disk: its files are inserted by
    /// name.
    pub(crate) fn empty(path: &Path, project: ProjectId, cluster: &ClusterName) -> Self {
        Self {
            path: path.to_owned(),
            project,
            cluster: cluster.clone(),
            cluster_id: None,
            listed: BTreeSet::new(),
            files: BTreeMap::new(),
            lone: Vec::new(),
            snapshots: BTreeMap::new(),
        }
    }

    /// The files, by path.
    #[cfg(feature = "object-store")]
    pub(crate) fn files(&self) -> impl Iterator<Item = (&PathBuf, &HeldFile)> {
        self.files.iter()
    }

    #[cfg(feature = "object-store")]
    pub(crate) fn file_mut(&mut self, path: &Path) -> Option<&mut HeldFile> {
        self.files.get_mut(path)
    }

    /// Reads a folder.
    pub(crate) fn open(
        path: &Path,
        project: ProjectId,
        cluster: &ClusterName,
        reading: Reading,
        teller: &Teller,
    ) -> Result<(Self, Vec<Damage>), Error> {
        let mut folder = Self::empty(path, project, cluster);
        let mut damaged = Vec::new();
        let names = Names::read(path, reading.is_look())?;
        for name in names.snapshots() {
            let path = path.join(name);
            if !reading.is_look() && names.is_unsettled(name) {
                settle(&path)?;
            }
            let manifest = match names.manifest(name) {
                Known::Nothing => continue,
                Known::Settled => Manifest::read_at(&Manifest::path_of(&path)),
                Known::Waiting => Manifest::read(&path),
            };
            let manifest = match manifest {
                Ok(manifest) => manifest,
                // It may be of this cluster: its snapshot must not be downloaded twice.
                Err(error) if error.is_denied() => return Err(error),
                Err(_) => continue,
            };
            let mut file = HeldFile {
                manifest,
                state: State::Unchanged,
            };
            if folder.is_own(&file.manifest) {
                damaged.extend(file.check(&path, reading, teller));
            } else if look(&path)?.is_none_or(|found| found.len() != file.manifest.bytes) {
                continue;
            }
            folder.insert(path, file);
        }
        for name in names.lone() {
            let path = path.join(name);
            match Manifest::read_at(&Manifest::path_of(&path)) {
                Ok(manifest) if folder.is_own(&manifest) => folder.lone.push((path, manifest)),
                Err(error) if error.is_denied() => return Err(error),
                _ => {}
            }
        }
        Ok((folder, damaged))
    }

    /// The manifests whose files are missing, by the paths of the files.
    pub(crate) fn lone(&self) -> &[(PathBuf, Manifest)] {
        &self.lone
    }

    #[cfg(feature = "object-store")]
    pub(crate) fn set_lone(&mut self, lone: Vec<(PathBuf, Manifest)>) {
        self.lone = lone;
    }

    pub(crate) fn insert(&mut self, path: PathBuf, file: HeldFile) {
        self.forget(&path);
        if self.is_own(&file.manifest) {
            let paths = self.snapshots.entry(file.manifest.snapshot).or_default();
            paths.insert(path.clone());
        }
        self.files.insert(path, file);
    }

    pub(crate) fn forget(&mut self, path: &Path) {
        let Some(file) = self.files.remove(path) else {
            return;
        };
        if let Some(paths) = self.snapshots.get_mut(&file.manifest.snapshot) {
            paths.remove(path);
        }
    }

    /// The files of a snapshot of the cluster.
    fn files_of(&self, snapshot: SnapshotId) -> impl Iterator<Item = (&PathBuf, &HeldFile)> {
        let paths = self.snapshots.get(&snapshot).into_iter().flatten();
        paths.filter_map(|path| self.files.get_key_value(path))
    }

    /// The files of a snapshot of the cluster that are sound as far as is known.
    pub(crate) fn sound_files(
        &self,
        snapshot: SnapshotId,
    ) -> impl Iterator<Item = (&Path, &Manifest)> {
        let files = self.files_of(snapshot);
        let sound = files.filter(|(_, file)| file.state != State::Damaged);
        sound.map(|(path, file)| (&**path, &file.manifest))
    }

    /// When a snapshot of the cluster was taken, according to its files.
    pub(crate) fn taken(&self, snapshot: SnapshotId) -> Option<Timestamp> {
        let mut files = self.files_of(snapshot);
        files.find_map(|(_, file)| file.manifest.taken())
    }

    /// Sets the cluster's id, if it is known, and the listed snapshots.
    pub(crate) fn of_cluster(
        mut self,
        id: Option<ClusterId>,
        listed: impl IntoIterator<Item = SnapshotId>,
    ) -> Self {
        self.cluster_id = id;
        self.listed = listed.into_iter().collect();
        self
    }

    /// Whether all files that may be of the cluster have the same id, or none has an id.
    fn has_one_id(&self) -> bool {
        let own = self
            .files
            .values()
            .filter(|file| self.is_own(&file.manifest));
        let ids: BTreeSet<_> = own.map(|file| file.manifest.cluster_id).collect();
        ids.len() <= 1
    }

    /// The cluster of the folder.
    pub(crate) fn of(&self) -> (ProjectId, ClusterName) {
        (self.project, self.cluster.clone())
    }

    pub(crate) fn is_own(&self, manifest: &Manifest) -> bool {
        manifest.project == self.project && manifest.cluster == self.cluster
    }

    /// Reads the files of a snapshot, unless this run has already read them.
    pub(crate) fn read(&mut self, snapshot: SnapshotId, teller: &Teller) -> Vec<Damage> {
        let paths = self.snapshots.get(&snapshot).into_iter().flatten();
        let mut damaged = Vec::new();
        for path in paths {
            if let Some(file) = self.files.get_mut(path) {
                damaged.extend(file.check(path, Reading::All, teller));
            }
        }
        damaged
    }

    /// Checks whether the files that were read are unchanged: hours may have passed. One that has
    /// changed does not count as read.
    pub(crate) fn look_again(&mut self) {
        for (path, file) in &mut self.files {
            if file.state == State::Read {
                let found = path.metadata();
                if !found.is_ok_and(|found| file.manifest.fits(&found)) {
                    file.state = State::Unchanged;
                }
            }
        }
    }

    /// The snapshots of the cluster that another run would read.
    pub(crate) fn unread(&self) -> BTreeSet<SnapshotId> {
        let own = self
            .files
            .values()
            .filter(|file| self.is_own(&file.manifest));
        own.filter(|file| file.state == State::Unread)
            .map(|file| file.manifest.snapshot)
            .collect()
    }

    /// Whether all files of a snapshot are present.
    pub(crate) fn has(&self, snapshot: SnapshotId) -> bool {
        whole(self.files_of(snapshot).map(|(_, file)| file)).is_some()
    }

    /// Whether a file is of the cluster that currently has the name, as far as is known.
    fn is_of_same_cluster(&self, file: &HeldFile) -> bool {
        self.is_of_same(file, self.cluster_id.is_none() && self.has_one_id())
    }

    fn is_of_same(&self, file: &HeldFile, has_one_id: bool) -> bool {
        match (self.cluster_id, file.manifest.cluster_id) {
            (Some(id), Some(of)) => of == id,
            // Version 0.1 did not record it. Snapshots that Atlas lists for the cluster belong to
            // it.
            (Some(_), None) => self.listed.contains(&file.manifest.snapshot),
            // If the cluster's id is unknown, all files belong to it if they are of one cluster.
            (None, _) => has_one_id,
        }
    }

    /// The snapshots of the cluster whose files are all present, newest first.
    pub(crate) fn held(&self) -> Vec<Held> {
        let has_one_id = self.cluster_id.is_none() && self.has_one_id();
        let is_same = |file: &&HeldFile| self.is_of_same(file, has_one_id);
        let snapshots = self.snapshots.keys().copied();
        let mut held: Vec<Held> = snapshots
            .filter_map(|snapshot| {
                let files = whole(self.files_of(snapshot).map(|(_, file)| file))?;
                Some(Held {
                    taken: files.first()?.manifest.taken(),
                    snapshot,
                    is_same_cluster: files.iter().all(is_same),
                    read: files.iter().all(|file| file.state == State::Read),
                    is_removable: self
                        .files_of(snapshot)
                        .any(|(path, file)| self.is_removable(path, file)),
                })
            })
            .collect();
        held.sort_by_key(|held| std::cmp::Reverse((held.taken, held.snapshot)));
        held
    }

    /// Whether the file at a path is that of a snapshot, which may be damaged: its manifest names the
    /// snapshot, and it is empty or has the length of the manifest. Any other file may be the user's, who
    /// put it there after the snapshot's was lost.
    pub(crate) fn is_of(&self, path: &Path, snapshot: SnapshotId) -> bool {
        self.files.get(path).is_some_and(|file| {
            let is_named = self.is_own(&file.manifest) && file.manifest.snapshot == snapshot;
            let may_be_of = |length| file.manifest.may_be_of(length);
            is_named && path.metadata().is_ok_and(|it| may_be_of(it.len()))
        })
    }

    /// Adds files that were just downloaded and verified.
    pub(crate) fn add(&mut self, saved: &[Saved]) {
        for saved in saved {
            let file = HeldFile {
                manifest: saved.manifest.clone(),
                state: State::Read,
            };
            self.insert(saved.path.clone(), file);
        }
    }

    /// Writes the catalogue of the present files, if it has changed. It keeps listing files that were lost
    /// since it was written, as long as they have a manifest, and does not begin to list those of
    /// unfinished snapshots. `rests` are what interrupted removals have left.
    pub(crate) fn write_catalogue(&self, rests: &[SnapshotId]) -> Result<(), Error> {
        self.write_catalogue_without(&[], rests)
    }

    /// Writes the catalogue without the files of these snapshots that are about to be removed.
    pub(crate) fn write_catalogue_without(
        &self,
        gone: &[SnapshotId],
        rests: &[SnapshotId],
    ) -> Result<(), Error> {
        let incomplete: Vec<SnapshotId> = self.incomplete().collect();
        let known = if self.lone.is_empty() && incomplete.is_empty() {
            Vec::new()
        } else {
            catalogue::files(&self.path)?
        };
        let known = known.iter().map(|name| self.path.join(name));
        let known: BTreeSet<PathBuf> = known.collect();
        let staying = self.staying(incomplete, &known, gone, rests);
        let mut listed: BTreeMap<&Path, &Manifest> = staying
            .map(|(path, file)| (&**path, &file.manifest))
            .collect();
        if !self.lone.is_empty() {
            let is_lost = |path: &Path| {
                // It may have been downloaded again in this run.
                !self.files.contains_key(path)
                    && known.contains(path)
                    && matches!(look(&Manifest::path_of(path)), Ok(Some(_)))
            };
            let lost = self.lone.iter().filter(|(path, _)| is_lost(path));
            listed.extend(lost.map(|(path, manifest)| (&**path, manifest)));
        }
        catalogue::write(&self.path, listed.into_iter())
    }
}

/// The files that make up a whole snapshot: each shard of a job once, and no two the same. A copy
/// under a name of the user's does not count twice.
fn whole<'a>(files: impl Iterator<Item = &'a HeldFile>) -> Option<Vec<&'a HeldFile>> {
    #[cfg(test)]
    counter::add("whole");
    let mut sets: BTreeMap<_, Vec<&HeldFile>> = BTreeMap::new();
    let sound = files.filter(|file| file.state != State::Damaged);
    for file in sound {
        // Jobs with other names for the shards are not mixed: their names and indexes may overlap.
        let set = (&file.manifest.shards, file.manifest.files);
        sets.entry(set).or_default().push(file);
    }
    let is_whole = |files: &Vec<&HeldFile>| {
        let found = Manifest::distinct(files.iter().map(|file| &file.manifest));
        let expected = files
            .first()
            .map_or(1, |file| usize::from(file.manifest.files));
        found >= expected
    };
    sets.into_values().find(is_whole)
}

#[cfg(test)]
mod tests;
