//! A pull that is under way: what it tells, and how it ends.

use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;

use super::disk::Disk;
use super::{PullSummary, Pulled};
use crate::error::Error;
use crate::folder::{Damage, Folder, litter};
use crate::retention::Retention;

/// A pull that is under way.
pub(crate) struct Pull<'a> {
    pub(crate) held: Folder,
    pub(crate) failures: usize,
    pub(crate) report: &'a mut (dyn FnMut(Pulled) + Send),
}

impl Pull<'_> {
    /// Removes what is not kept, and writes the catalogue.
    pub(super) async fn end(
        self,
        retention: &Retention<'_>,
        disk: &Disk<'_>,
    ) -> Result<PullSummary, Error> {
        let Self {
            mut held,
            failures,
            report,
        } = self;
        let looking = disk.work(move || {
            held.look_again();
            Ok(held)
        });
        let mut held = looking.await?;
        let gone = if failures == 0 {
            retention.to_be_removed(&held.held())
        } else {
            Vec::new()
        };
        let removing = disk.work(move || {
            let removed = gone.into_iter().map(|it| (it, held.remove(it)));
            let removed: Vec<_> = removed.collect();
            let written = held.write_catalogue();
            Ok((held, removed, written))
        });
        let (held, removed, written) = removing.await?;
        for (snapshot, removed) in removed {
            match removed {
                Ok(true) => report(Pulled::Removed { snapshot }),
                Ok(false) => {}
                Err(error) => report(Pulled::Failed { snapshot, error }),
            }
        }
        match written {
            // That something failed is told already.
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

    /// Tells what would be done.
    pub(crate) fn dry_run(&mut self, damaged: Vec<Damage>, retention: &Retention<'_>) {
        let held = self.held.held();
        let wanted = retention.wanted(&held, &damaged);
        self.say_damaged(damaged, retention);
        let mut read = self.held.unread();
        read.extend(retention.to_be_read(&held));
        for snapshot in read {
            self.tell(Pulled::WouldRead { snapshot });
        }
        for snapshot in wanted {
            let (snapshot, taken) = (snapshot.id, snapshot.taken);
            self.tell(if self.held.has(snapshot) {
                Pulled::AlreadyPresent { snapshot }
            } else {
                Pulled::WouldDownload { snapshot, taken }
            });
        }
        self.say_others(retention);
        if self.failures == 0 {
            for snapshot in retention.soon_removed(&held) {
                self.tell(Pulled::WouldRemove { snapshot });
            }
        }
    }

    pub(crate) fn tell(&mut self, pulled: Pulled) {
        (self.report)(pulled);
    }

    pub(crate) fn fail(&mut self, snapshot: SnapshotId, error: Error) {
        self.failures += 1;
        self.tell(Pulled::Failed { snapshot, error });
    }

    pub(crate) fn is_of(&self, out: &Path, snapshot: SnapshotId) -> bool {
        self.held.snapshot_at(out) == Some(snapshot)
    }

    pub(crate) fn say_damaged(&mut self, damaged: Vec<Damage>, retention: &Retention<'_>) {
        for damage in damaged {
            let snapshot = damage.snapshot;
            self.tell(Pulled::Damaged {
                snapshot,
                file: damage.path.clone(),
            });
            if !retention.can_be_taken(snapshot) {
                let error = Error::Lost {
                    path: damage.path,
                    source: Box::new(damage.error),
                };
                self.fail(snapshot, error);
            }
        }
    }

    /// Judges manifests whose files are gone: what should be kept is lost, and said so; those of files
    /// that were being removed are given back, to be removed, too.
    pub(crate) fn judge_lone(&mut self, retention: &Retention<'_>) -> Vec<PathBuf> {
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
                self.fail(snapshot, Error::Gone { path });
            } else {
                rest.push(path);
            }
        }
        rest
    }

    /// Says which snapshots in the folder do not count as ones to keep.
    pub(crate) fn say_others(&mut self, retention: &Retention<'_>) {
        let held = self.held.held();
        for held in held.iter().filter(|held| retention.is_future(held.taken)) {
            let snapshot = held.snapshot;
            self.tell(Pulled::Future { snapshot });
        }
        let snapshots = held.iter().filter(|held| !held.is_same_cluster).count();
        if retention.is_limited() && snapshots > 0 {
            self.tell(Pulled::OtherCluster { snapshots });
        }
    }
}
