//! A folder of snapshots as it is on the disk: files, their manifests, the catalogue and the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use atlas_model::{ClusterId, ClusterName, ProjectId, SnapshotId};
use jiff::Timestamp;

use crate::catalogue;
use crate::disk::{look, open_own, sweep};
use crate::error::Error;
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::saved::{Saved, recheck, settle};
use crate::saving::of_shard;

/// The name of the file that one run at a time has locked. It is never removed.
const LOCK: &str = ".lock";

/// The files of a folder that have a manifest.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    project: ProjectId,
    cluster: ClusterName,
    /// The cluster's id, if Atlas says.
    cluster_id: Option<ClusterId>,
    files: Vec<HeldFile>,
}

#[derive(Debug, Clone)]
struct HeldFile {
    path: PathBuf,
    manifest: Manifest,
    state: State,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was read in this run, and is what its manifest says.
    Read,
    /// Its length, time and inode are as when it was last read.
    Unchanged,
    /// It is not what its manifest says.
    Damaged,
}

/// A snapshot whose files are all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) taken: Option<Timestamp>,
    pub(crate) snapshot: SnapshotId,
    /// Whether they are of the cluster that has the name now, as far as is known.
    pub(crate) is_same_cluster: bool,
    /// Whether its files were read in this run.
    pub(crate) read: bool,
}

/// A file that is not what its manifest says.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) snapshot: SnapshotId,
    pub(crate) path: PathBuf,
    pub(crate) error: Error,
}

impl Folder {
    /// Reads a folder. Files whose length, time or inode have changed are read to the end, as are
    /// all with `read`; those of other clusters are listed only.
    pub(crate) fn open(
        path: &Path,
        project: ProjectId,
        cluster: &ClusterName,
        read: bool,
    ) -> Result<(Self, Vec<Damage>), Error> {
        let mut folder = Self {
            path: path.to_owned(),
            project,
            cluster: cluster.clone(),
            cluster_id: None,
            files: Vec::new(),
        };
        let mut damaged = Vec::new();
        let unreadable = |error| Error::file(path, "cannot be read", error);
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|ending| ending != "tgz") {
                continue;
            }
            settle(&path)?;
            let Ok(manifest) = Manifest::read(&path) else {
                continue;
            };
            let mut file = HeldFile {
                path,
                manifest,
                state: State::Unchanged,
            };
            if folder.is_own(&file.manifest) {
                damaged.extend(file.check(read));
            } else if look(&file.path)?.is_none_or(|found| found.len() != file.manifest.bytes) {
                continue;
            }
            folder.files.push(file);
        }
        folder.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok((folder, damaged))
    }

    /// The same, for a cluster whose id is known or not.
    pub(crate) fn of_cluster(mut self, id: Option<ClusterId>) -> Self {
        self.cluster_id = id;
        self
    }

    /// Whether files are of the cluster that has the name now. Where its id is not known, they are
    /// if all are of one cluster.
    fn is_same_cluster(&self, files: &[&HeldFile]) -> bool {
        if let Some(id) = self.cluster_id {
            return files
                .iter()
                .all(|file| file.manifest.cluster_id == Some(id));
        }
        let own = self.files.iter().filter(|file| self.is_own(&file.manifest));
        let ids: BTreeSet<_> = own.map(|file| file.manifest.cluster_id).collect();
        ids.len() <= 1
    }

    fn is_own(&self, manifest: &Manifest) -> bool {
        manifest.project == self.project && manifest.cluster == self.cluster
    }

    /// Reads the files of a snapshot, unless this run has done so.
    pub(crate) fn read(&mut self, snapshot: SnapshotId) -> Vec<Damage> {
        let mut damaged = Vec::new();
        let (project, cluster) = (self.project, &self.cluster);
        for file in &mut self.files {
            let manifest = &file.manifest;
            let is_it = manifest.snapshot == snapshot;
            if is_it && manifest.project == project && manifest.cluster == *cluster {
                damaged.extend(file.check(true));
            }
        }
        damaged
    }

    /// The snapshots of the cluster whose files are all there, the newest first.
    pub(crate) fn held(&self) -> Vec<Held> {
        let mut snapshots: BTreeMap<SnapshotId, Vec<&HeldFile>> = BTreeMap::new();
        for file in self.files.iter().filter(|file| self.is_own(&file.manifest)) {
            snapshots
                .entry(file.manifest.snapshot)
                .or_default()
                .push(file);
        }
        let mut held: Vec<Held> = snapshots
            .into_iter()
            .filter_map(|(snapshot, files)| {
                let files = whole(&files)?;
                Some(Held {
                    taken: taken(&files.first()?.manifest),
                    snapshot,
                    is_same_cluster: self.is_same_cluster(&files),
                    read: files.iter().all(|file| file.state == State::Read),
                })
            })
            .collect();
        held.sort_by_key(|held| std::cmp::Reverse((held.taken, held.snapshot)));
        held
    }

    /// The snapshot that the manifest of a file names, if it is of this cluster.
    pub(crate) fn snapshot_at(&self, path: &Path) -> Option<SnapshotId> {
        let mut files = self.files.iter();
        let file = files.find(|file| file.path == path && self.is_own(&file.manifest))?;
        Some(file.manifest.snapshot)
    }

    /// Takes up files that were just downloaded and verified.
    pub(crate) fn add(&mut self, saved: &[Saved]) {
        for saved in saved {
            self.files.retain(|file| file.path != saved.path);
            self.files.push(HeldFile {
                path: saved.path.clone(),
                manifest: saved.manifest.clone(),
                state: State::Read,
            });
        }
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// Removes the files of a snapshot, and their manifests. Only files under the names that this
    /// program gave them, and which are as it left them, are removed.
    pub(crate) fn remove(&mut self, snapshot: SnapshotId) -> Result<bool, Error> {
        let of_it = |file: &HeldFile| {
            file.manifest.snapshot == snapshot
                && self.is_own(&file.manifest)
                && file.state != State::Damaged
                && file.path == self.path.join(given_name(&file.manifest))
        };
        let files: Vec<HeldFile> = self
            .files
            .iter()
            .filter(|file| of_it(file))
            .cloned()
            .collect();
        let mut removed = false;
        for file in files {
            // Again, and from the disk: nothing is removed for what was true a while ago.
            let manifest = Manifest::read(&file.path)?;
            let fits = look(&file.path)?.is_some_and(|found| manifest.fits(&found));
            if manifest != file.manifest || !fits {
                continue;
            }
            // The file first: a manifest without a file does no harm.
            for path in [file.path.clone(), Manifest::path_of(&file.path)] {
                std::fs::remove_file(&path)
                    .map_err(|error| Error::file(&path, "cannot be removed", error))?;
            }
            self.files.retain(|known| known.path != file.path);
            removed = true;
        }
        Ok(removed)
    }

    /// Writes the catalogue of what is there.
    pub(crate) fn write_catalogue(&self) -> Result<(), Error> {
        let files = self.files.iter();
        let sound = files.filter(|file| file.state != State::Damaged);
        catalogue::write(&self.path, sound.map(|file| (&*file.path, &file.manifest)))
    }
}

/// Those of a snapshot's files that are all of it: each shard of a job once, and no two the same.
/// A file under a name of the user's own does not count twice.
fn whole<'a>(files: &[&'a HeldFile]) -> Option<Vec<&'a HeldFile>> {
    let mut sets: BTreeMap<_, Vec<&HeldFile>> = BTreeMap::new();
    let sound = files.iter().filter(|file| file.state != State::Damaged);
    for file in sound {
        // Jobs that call the shards otherwise are not mixed: their names and places may overlap.
        let set = (&file.manifest.shards, file.manifest.files);
        sets.entry(set).or_default().push(file);
    }
    let is_whole = |files: &Vec<&HeldFile>| {
        let shards: BTreeSet<_> = files.iter().map(|file| &file.manifest.shard).collect();
        let texts: BTreeSet<_> = files.iter().map(|file| &file.manifest.sha256).collect();
        let expected = files
            .first()
            .map_or(1, |file| usize::from(file.manifest.files));
        shards.len().min(texts.len()) >= expected
    };
    sets.into_values().find(is_whole)
}

impl HeldFile {
    /// Finds out whether it is what its manifest says.
    fn check(&mut self, read: bool) -> Option<Damage> {
        if self.state != State::Unchanged {
            return None;
        }
        // A symbolic link is followed: the file may have been moved to another disk.
        let metadata = self.path.metadata().ok();
        let found = metadata.as_ref().map_or(0, std::fs::Metadata::len);
        let expected = self.manifest.bytes;
        let fits = metadata.is_some_and(|metadata| self.manifest.fits(&metadata));
        let checked = if found == expected {
            recheck(&self.path, &mut self.manifest, read)
        } else {
            Err(Fault::Length { found, expected }.into())
        };
        self.state = match checked {
            Ok(()) if read || !fits => State::Read,
            Ok(()) => State::Unchanged,
            // A file that cannot be read is of no more use than one that is broken.
            Err(error) => {
                self.state = State::Damaged;
                return Some(Damage {
                    snapshot: self.manifest.snapshot,
                    path: self.path.clone(),
                    error,
                });
            }
        };
        None
    }
}

/// The moment that a manifest names.
fn taken(manifest: &Manifest) -> Option<Timestamp> {
    manifest.taken.as_ref()?.parse().ok()
}

/// `2026-05-04T094200Z-32b6e34b3d91647abb20e7b8.tgz`: sorts by time, and is a name everywhere.
pub(crate) fn file_name(taken: Option<Timestamp>, snapshot: SnapshotId) -> String {
    let taken = taken.map_or_else(
        || "undated".to_owned(),
        |taken| taken.strftime("%Y-%m-%dT%H%M%SZ").to_string(),
    );
    format!("{taken}-{snapshot}.tgz")
}

/// The name that the file of a manifest was given.
fn given_name(manifest: &Manifest) -> PathBuf {
    let name = PathBuf::from(file_name(taken(manifest), manifest.snapshot));
    match &manifest.shard {
        Some(shard) => of_shard(&name, shard),
        None => name,
    }
}

/// Creates a folder where it is missing, and checks that its catalogue is one.
pub(crate) fn prepare(folder: &Path) -> Result<(), Error> {
    if folder.as_os_str().is_empty() {
        return Err(Error::Usage {
            what: "the folder's path is empty; name a folder".to_owned(),
        });
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::file(folder, "cannot be created", error))?;
    catalogue::check(folder)
}

/// Locks a folder against other runs, until the end of this one.
pub(crate) fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let file = open_own(&path, true)
        .map_err(|error| Error::file(&path, "cannot be opened as a lock", error))?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => {
            sweep(folder);
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            path: folder.to_owned(),
        }),
    }
}
