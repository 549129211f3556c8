//! A pull in progress: its reports, and its end.

use std::path::PathBuf;

use atlas_model::{SnapshotId, error_line, with_causes};
use jiff::Timestamp;

use super::disk::Disk;
use super::pulled::{Locate, PulledFile, files_in, present};
use super::{PullSummary, Pulled};
use crate::error::Error;
use crate::folder::{Damage, Folder, litter};
use crate::manifest::Manifest;
use crate::retention::Retention;

/// A pull in progress.
pub(crate) struct Pull<'a> {
    pub(crate) held: Folder,
    pub(crate) failures: usize,
    pub(crate) report: &'a mut (dyn FnMut(Pulled) + Send),
    pub(crate) locate: Locate<'a>,
}

impl Pull<'_> {
    /// Removes the snapshots that are not kept, and writes the catalogue.
    pub(super) async fn end(
        self,
        retention: &Retention<'_>,
        disk: &Disk<'_>,
    ) -> Result<PullSummary, Error> {
        let Self {
            mut held,
            failures,
            report,
            locate,
        } = self;
        let looking = disk.work(move || {
            held.look_again();
            Ok(held)
        });
        let mut held = looking.await?;
        let rests = retention.rests(&held, held.rests());
        let mut gone = Vec::new();
        if failures == 0 {
            gone = retention.to_be_removed(&held.held());
            gone.extend(&rests);
        }
        let removing = disk.work(move || {
            // First: a run that is killed while it removes files leaves no list of removed ones. If this
            // fails, as on a full disk, removing files may help.
            if !gone.is_empty() {
                let _ = held.write_catalogue_without(&gone, &rests);
            }
            let remove = |it| (it, held.taken(it), held.remove(it));
            let removed: Vec<_> = gone.into_iter().map(remove).collect();
            let written = held.write_catalogue(&rests);
            Ok((held, removed, written))
        });
        let (held, removed, written) = removing.await?;
        for (snapshot, taken, removed) in removed {
            match removed {
                Ok(removed) => {
                    if let Some(removed) = removed_files(snapshot, taken, &removed, locate) {
                        report(removed);
                    }
                }
                Err(error) => report(Pulled::Failed {
                    snapshot,
                    taken,
                    error,
                }),
            }
        }
        match written {
            // A failure was already reported.
            Err(error) if failures > 0 => {
                tracing::warn!(%error, "the catalogue is not up to date");
            }
            written => written?,
        }
        if let Some(listed) = retention.all_listed() {
            let folder = disk.folder.to_owned();
            let (project, cluster) = held.of();
            let sweeping = disk.work(move || {
                litter::remove(&folder, project, &cluster, |id| listed.contains(&id));
                Ok(())
            });
            sweeping.await?;
        }
        Ok(retention.summary(&held.held()))
    }

    /// Ends after an outage: writes the catalogue of the present files, and removes nothing.
    pub(super) async fn give_up(
        mut self,
        error: Error,
        retention: &Retention<'_>,
        disk: &Disk<'_>,
    ) -> Error {
        self.failures += 1;
        if let Err(error) = self.end(retention, disk).await {
            tracing::warn!(%error, "the catalogue is not up to date");
        }
        error
    }

    /// Reports what would be done. `rests` are what interrupted removals have left.
    pub(crate) fn dry_run(
        &mut self,
        damaged: Vec<Damage>,
        rests: Vec<SnapshotId>,
        retention: &Retention<'_>,
    ) {
        let held = self.held.held();
        let wanted = retention.wanted(&held, &damaged);
        self.report_damaged(damaged, retention);
        let mut read = self.held.unread();
        read.extend(retention.to_be_read(&held));
        for snapshot in read {
            self.tell(Pulled::WouldRead {
                snapshot,
                taken: self.held.taken(snapshot),
                files: files_in(&self.held, snapshot, self.locate),
            });
        }
        for snapshot in wanted {
            let (snapshot, taken) = (snapshot.id, snapshot.taken);
            self.tell(if self.held.has(snapshot) {
                present(&self.held, snapshot, self.locate)
            } else {
                Pulled::WouldDownload { snapshot, taken }
            });
        }
        self.report_others(retention);
        if self.failures == 0 {
            let mut soon = retention.soon_removed(&held);
            soon.extend(rests);
            for snapshot in soon {
                let files = self.held.removable_files(snapshot).into_iter();
                let files = files.map(|(path, it)| PulledFile::new((self.locate)(&path), &it));
                self.tell(Pulled::WouldRemove {
                    snapshot,
                    taken: self.held.taken(snapshot),
                    files: files.collect(),
                });
            }
        }
    }

    pub(crate) fn tell(&mut self, pulled: Pulled) {
        (self.report)(pulled);
    }

    pub(crate) fn fail(&mut self, snapshot: SnapshotId, taken: Option<Timestamp>, error: Error) {
        self.failures += 1;
        self.tell(Pulled::Failed {
            snapshot,
            taken,
            error,
        });
    }

    pub(crate) fn report_damaged(&mut self, damaged: Vec<Damage>, retention: &Retention<'_>) {
        for damage in damaged {
            let (snapshot, taken) = (damage.snapshot, damage.taken);
            let defect = defect(&damage.error);
            self.tell(Pulled::Damaged {
                snapshot,
                taken,
                file: damage.path.clone(),
                reason: defect.clone(),
            });
            if !retention.can_be_taken(snapshot) {
                let path = damage.path;
                let error = Error::Lost { path, defect };
                self.fail(snapshot, taken, error);
            }
        }
    }

    /// Handles manifests whose files are missing. A file that should be kept is reported as an
    /// error; the paths of the others, whose removal was interrupted, are returned to be removed.
    pub(crate) fn handle_lone(&mut self, retention: &Retention<'_>) -> Vec<PathBuf> {
        let Some(listed) = retention.all_listed() else {
            return Vec::new();
        };
        let (held, mut rest) = (self.held.held(), Vec::new());
        for (path, manifest) in self.held.lone().to_vec() {
            let (snapshot, taken) = (manifest.snapshot, manifest.taken());
            if listed.contains(&snapshot) || self.held.has(snapshot) {
                continue;
            }
            if retention.would_keep(&held, taken, snapshot) {
                let path = (self.locate)(&path);
                self.fail(snapshot, taken, Error::Gone { path });
            } else {
                rest.push(path);
            }
        }
        rest
    }

    /// Reports the snapshots in the folder that do not count as kept ones.
    pub(crate) fn report_others(&mut self, retention: &Retention<'_>) {
        let held = self.held.held();
        for held in held.iter().filter(|held| retention.is_future(held.taken)) {
            let (snapshot, taken) = (held.snapshot, held.taken);
            self.tell(Pulled::Future { snapshot, taken });
        }
        let snapshots = held.iter().filter(|held| !held.is_same_cluster).count();
        if retention.is_limited() && snapshots > 0 {
            self.tell(Pulled::OtherCluster { snapshots });
        }
    }
}

/// The defect of a file, without a next step: the pull takes it.
fn defect(error: &Error) -> String {
    match error {
        Error::Unsound { fault } => with_causes(fault.to_string(), error),
        error => error_line(error),
    }
}

/// The report of removed files, if there are any.
pub(crate) fn removed_files(
    snapshot: SnapshotId,
    taken: Option<Timestamp>,
    removed: &[(PathBuf, Manifest)],
    locate: Locate<'_>,
) -> Option<Pulled> {
    if removed.is_empty() {
        return None;
    }
    let files = removed.iter();
    let files = files.map(|(path, manifest)| PulledFile::new(locate(path), manifest));
    Some(Pulled::Removed {
        snapshot,
        taken,
        files: files.collect(),
    })
}
