//! A folder that holds a cluster's snapshots: what is missing is taken, what is too old removed.
//!
//! Each file has its note beside it; the catalogue (`catalogue.json`) lists them all, and is made
//! anew from the notes each time, so that losing it loses nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use jiff::Timestamp;
use serde::Serialize;

use crate::backups::{Backups, DownloadOptions};
use crate::disk::write_whole;
use crate::error::Error;
use crate::job::Place;
use crate::keep::Keep;
use crate::note::Note;
use crate::progress::Progress;
use crate::saved::Existing;
use crate::snapshot::SnapshotView;

/// The name of the catalogue in a folder.
const CATALOGUE: &str = "catalogue.json";
/// The name of the file that one run at a time has locked.
const LOCK: &str = ".lock";

/// What became of one snapshot.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pulled {
    /// It was downloaded.
    Taken {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Its files.
        files: Vec<PathBuf>,
        /// How long they are together.
        bytes: u64,
    },
    /// It was there already.
    There {
        /// The snapshot.
        snapshot: SnapshotId,
    },
    /// It could not be downloaded.
    Failed {
        /// The snapshot.
        snapshot: SnapshotId,
        /// Why.
        error: Error,
    },
    /// It was removed, since there are newer ones enough.
    Removed {
        /// The snapshot.
        snapshot: SnapshotId,
    },
}

/// The entry of one file in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entry {
    file: String,
    #[serde(flatten)]
    note: Note,
}

impl Backups {
    /// Brings a folder up to date with a cluster: takes every complete snapshot that is not there,
    /// the oldest first, then removes what `keep` leaves no room for.
    ///
    /// `report` is told what became of each snapshot. One that fails does not keep the others from
    /// being taken. Nothing is removed while one of the wanted snapshots is missing, and never the
    /// newest. Killed at any moment, the same call goes on later.
    ///
    /// # Errors
    /// [`Error::Busy`] if another run works in the folder, [`Error::File`], [`Error::Call`] if the
    /// snapshots cannot be listed. That a snapshot failed is told through `report` only.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is a choice of the caller's"
    )]
    pub async fn pull(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        folder: &Path,
        keep: Option<Keep>,
        options: &DownloadOptions,
        report: &mut (dyn FnMut(Pulled) + Send),
        progress: Progress<'_>,
    ) -> Result<(), Error> {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::file(folder, "cannot be created", error))?;
        let _lock = lock(folder)?;
        let place = Place {
            kind: self.kind(project, cluster).await?,
            project,
            cluster,
        };
        let mut snapshots = self.snapshots(project, cluster).await?;
        snapshots.retain(|snapshot| snapshot.completed);
        snapshots.sort_by_key(|snapshot| (snapshot.taken, snapshot.id));
        let now = Timestamp::now();
        // What stands under one of our names and is not whole is of no use to anybody.
        let options = DownloadOptions {
            replace: true,
            ..options.clone()
        };
        let mut missing = 0;
        for snapshot in wanted(&snapshots, keep, now) {
            let there = held(folder, project, cluster, snapshot.id)?;
            if there {
                report(Pulled::There {
                    snapshot: snapshot.id,
                });
                continue;
            }
            let out = folder.join(file_name(snapshot));
            let existing = Note::read(&out).map_or(Existing::SetAside, |_| Existing::Replace);
            match self
                .download_picked(&place, snapshot, &out, existing, &options, progress)
                .await
            {
                Ok(saved) => report(Pulled::Taken {
                    snapshot: snapshot.id,
                    bytes: saved.iter().map(|saved| saved.note.bytes).sum(),
                    files: saved.into_iter().map(|saved| saved.path).collect(),
                }),
                Err(error) => {
                    missing += 1;
                    report(Pulled::Failed {
                        snapshot: snapshot.id,
                        error,
                    });
                }
            }
        }
        if let Some(keep) = keep.filter(|_| missing == 0) {
            for snapshot in remove(folder, project, cluster, keep, now)? {
                report(Pulled::Removed { snapshot });
            }
        }
        write_catalogue(folder)
    }
}

/// The complete snapshots that are to be there: those that would be removed at once are not.
fn wanted(snapshots: &[SnapshotView], keep: Option<Keep>, now: Timestamp) -> Vec<&SnapshotView> {
    let newest_first: Vec<&SnapshotView> = snapshots.iter().rev().collect();
    let taken: Vec<_> = newest_first.iter().map(|snapshot| snapshot.taken).collect();
    let beyond = keep.map_or_else(Vec::new, |keep| keep.beyond(&taken, now));
    let wanted = newest_first.into_iter().enumerate().rev();
    wanted
        .filter(|(index, _)| !beyond.contains(index))
        .map(|(_, snapshot)| snapshot)
        .collect()
}

/// `2026-05-04T094200Z-32b6e34b3d91647abb20e7b8.tgz`: sorts by time, and is a name everywhere.
fn file_name(snapshot: &SnapshotView) -> String {
    let taken = snapshot.taken.map_or_else(
        || "undated".to_owned(),
        |taken| taken.strftime("%Y-%m-%dT%H%M%SZ").to_string(),
    );
    format!("{taken}-{}.tgz", snapshot.id)
}

/// The files of a folder that have a sound note and the length it speaks of.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Note)>, Error> {
    let unreadable = |error| Error::file(folder, "cannot be read", error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_tar = path.extension().is_some_and(|ending| ending == "tgz");
        if !is_tar {
            continue;
        }
        if let Ok(note) = Note::read(&path)
            && path
                .metadata()
                .is_ok_and(|metadata| metadata.len() == note.bytes)
        {
            files.push((path, note));
        }
    }
    files.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(files)
}

/// Whether every file of a snapshot is there.
fn held(
    folder: &Path,
    project: ProjectId,
    cluster: &ClusterName,
    snapshot: SnapshotId,
) -> Result<bool, Error> {
    let files = files(folder)?;
    let of_it = files.iter().filter(|(_, note)| {
        note.snapshot == snapshot && note.project == project && note.cluster == *cluster
    });
    // A sharded cluster's snapshot is whole when its last file is; each says how many there are.
    let notes: Vec<_> = of_it.map(|(_, note)| note).collect();
    let files = notes.first().map_or(1, |note| note.files);
    Ok(notes.len() >= usize::from(files))
}

/// Removes the files of a cluster that `keep` leaves no room for.
fn remove(
    folder: &Path,
    project: ProjectId,
    cluster: &ClusterName,
    keep: Keep,
    now: Timestamp,
) -> Result<Vec<SnapshotId>, Error> {
    let mut files = files(folder)?;
    files.retain(|(_, note)| note.project == project && note.cluster == *cluster);
    let taken = |note: &Note| -> Option<Timestamp> { note.taken.as_ref()?.parse().ok() };
    let mut snapshots: Vec<(Option<Timestamp>, SnapshotId)> = files
        .iter()
        .map(|(_, note)| (taken(note), note.snapshot))
        .collect();
    snapshots.sort();
    snapshots.dedup();
    snapshots.reverse();
    let moments: Vec<_> = snapshots.iter().map(|(taken, _)| *taken).collect();
    let mut removed = Vec::new();
    for index in keep.beyond(&moments, now) {
        let snapshot = snapshots[index].1;
        for (path, _) in files.iter().filter(|(_, note)| note.snapshot == snapshot) {
            // The file first: a note without a file is nothing, a file without a note a riddle.
            for path in [path.clone(), Note::path_of(path)] {
                std::fs::remove_file(&path)
                    .map_err(|error| Error::file(&path, "cannot be removed", error))?;
            }
        }
        removed.push(snapshot);
    }
    Ok(removed)
}

fn write_catalogue(folder: &Path) -> Result<(), Error> {
    let entries: Vec<Entry> = files(folder)?
        .into_iter()
        .map(|(path, note)| Entry {
            file: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            note,
        })
        .collect();
    let mut text = serde_json::to_vec_pretty(&entries).unwrap_or_default();
    text.push(b'\n');
    write_whole(&folder.join(CATALOGUE), &text)
}

/// Locks a folder against other runs, until the end of this one.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options
        .open(&path)
        .map_err(|error| Error::file(&path, "cannot be created", error))?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            path: folder.to_owned(),
        }),
    }
}
