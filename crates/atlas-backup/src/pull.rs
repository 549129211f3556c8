//! A folder that holds a cluster's snapshots: what is missing is taken, what is too old removed.
//!
//! Each file has its manifest beside it; the catalogue (`catalogue.json`) lists them all, and is made
//! anew from the manifests each time, so that losing it loses nothing.

mod pulled;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use atlas_model::{ClusterName, ProjectId, SnapshotId};

use crate::backups::Backups;
use crate::disk::{is_own, look};
use crate::error::Error;
use crate::folder::{self, Damage, Folder, FolderLock, Reading, file_name, litter};
use crate::job::Place;
use crate::kind::{self, ClusterKind};
use crate::manifest::Manifest;
use crate::options::PullOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::retention::Retention;
use crate::retries::Retries;
use crate::saved::Existing;
use crate::saving::How;
use crate::snapshot::{self, Listing};

pub use pulled::{PullSummary, Pulled};

impl Backups {
    /// Brings a folder up to date with a cluster: takes every complete snapshot that is not there,
    /// the oldest first, then removes what [`PullOptions::keep`] leaves no room for.
    ///
    /// `report` is told what became of each snapshot, once for each and from the task that polls the
    /// call. One that fails does not keep the others from being taken. Killed at any moment, the same
    /// call goes on later. `progress` is told of each file as [`Event`] says.
    ///
    /// A [dry run](PullOptions::dry_run) tells what would be done, and takes no lock.
    ///
    /// A file is removed only if all of this holds:
    /// - its manifest says that it is of this cluster, by its id too where Atlas gives it, and it has the name that it was given;
    /// - Atlas lists complete snapshots, with a date, and this one is not among those it lists;
    /// - it is not dated in the future, and no rule of [`PullOptions::keep`] keeps it;
    /// - those that it is removed for are in the folder, were read to the end and are sound: all that
    ///   are kept by another rule than their age, at least as many as are always kept;
    /// - none of the wanted snapshots is missing or damaged.
    ///
    /// # Errors
    /// [`Error::Busy`] if another run works in the folder, [`Error::Foreign`] if its
    /// `catalogue.json` is another program's, [`Error::File`], [`Error::Call`] if the snapshots
    /// cannot be listed. That a snapshot failed is told through `report` only.
    pub async fn pull(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        folder: &Path,
        options: &PullOptions,
        mut report: impl FnMut(Pulled) + Send,
        progress: impl FnMut(Event) + Send,
    ) -> Result<PullSummary, Error> {
        let progress = &Reporter::new(progress);
        self.pull_telling(project, cluster, folder, options, &mut report, progress)
            .await
    }

    /// The cluster, by its id too where that can be had, and its snapshots.
    pub(crate) async fn listed<'a>(
        &self,
        project: ProjectId,
        cluster: &'a ClusterName,
        retries: &Retries,
    ) -> Result<(Place<'a>, Listing), Error> {
        let mut place = retries.run(|| self.place(project, cluster)).await?;
        let (client, kind) = (self.client(), place.kind);
        if place.cluster_id.is_none() && kind == ClusterKind::Flex {
            let id = retries.run(|| kind::flex_id(client, project, cluster));
            place.cluster_id = id.await?;
        }
        let listing = retries.run(|| snapshot::list(client, kind, project, cluster));
        Ok((place, listing.await?))
    }

    async fn pull_telling(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        folder: &Path,
        options: &PullOptions,
        report: &mut (dyn FnMut(Pulled) + Send),
        progress: Progress<'_>,
    ) -> Result<PullSummary, Error> {
        let disk = Disk::open(folder, options.dry_run).await?;
        let (retries, outages) = Retries::watched(self.client(), options.download.patience);
        let listing = self.listed(project, cluster, &retries);
        let (place, listing) = outages.tell(progress, Box::pin(listing)).await?;
        let retention = Retention::new(&listing, options);

        let id = place.cluster_id;
        let (path, cluster) = (folder.to_owned(), cluster.clone());
        let reading = match (options.dry_run, options.verify) {
            (true, all) => Reading::Look { all },
            (false, true) => Reading::All,
            (false, false) => Reading::Changed,
        };
        let listed: Vec<SnapshotId> = listing.snapshots.iter().map(|it| it.id).collect();
        let opening = disk.work(move || {
            let (held, damaged) = Folder::open(&path, project, &cluster, reading)?;
            Ok((held.of_cluster(id, listed), damaged))
        });
        let (mut held, mut damaged) = opening.await?;
        if options.dry_run {
            let mut pull = Pull {
                held,
                failures: 0,
                report,
            };
            pull.dry_run(damaged, &retention);
            return Ok(retention.summary(&pull.held.held()));
        }
        let newest = retention.to_be_read(&held.held());
        let reading = disk.work(move || {
            let mut damaged = Vec::new();
            for snapshot in newest {
                damaged.extend(held.read(snapshot));
            }
            Ok((held, damaged))
        });
        let (held, more) = reading.await?;
        damaged.extend(more);

        let mut pull = Pull {
            held,
            failures: 0,
            report,
        };
        let wanted = retention.wanted(&pull.held.held(), &damaged);
        pull.say_damaged(damaged, &retention);
        for snapshot in wanted {
            if pull.held.has(snapshot.id) {
                pull.tell(Pulled::AlreadyPresent {
                    snapshot: snapshot.id,
                });
                continue;
            }
            let out = folder.join(file_name(snapshot.taken, snapshot.id));
            // What its own manifest calls this snapshot is replaced, anything else is kept.
            let existing = if pull.is_of(&out, snapshot.id) {
                Existing::Replace
            } else {
                Existing::SetAside
            };
            let download = &options.download;
            let (retries, outages) = Retries::watched(self.client(), download.patience);
            let how = How {
                existing,
                options: download,
                retries: &retries,
                progress,
            };
            let downloading = self.download_picked(&place, snapshot, &out, how);
            match outages.tell(progress, Box::pin(downloading)).await {
                Ok(saved) => {
                    pull.held.add(&saved);
                    pull.tell(Pulled::Downloaded {
                        snapshot: snapshot.id,
                        taken: snapshot.taken,
                        bytes: saved.iter().map(|saved| saved.manifest.bytes).sum(),
                        files: saved.into_iter().map(|saved| saved.path).collect(),
                    });
                }
                Err(error) => {
                    let is_full = error.is_of_full_disk();
                    pull.fail(snapshot.id, error);
                    if is_full {
                        // The others would meet the same.
                        break;
                    }
                }
            }
        }
        pull.say_others(&retention);
        let lone = pull.judge_lone(&retention);
        disk.remove_manifests(lone).await?;
        pull.end(&retention, &disk).await
    }
}

/// A folder that this run works in, and its lock.
struct Disk<'a> {
    folder: &'a Path,
    /// None in a dry run.
    lock: Arc<Option<FolderLock>>,
}

impl<'a> Disk<'a> {
    async fn open(folder: &'a Path, dry_run: bool) -> Result<Self, Error> {
        let mut disk = Self {
            folder,
            lock: Arc::default(),
        };
        let path = folder.to_owned();
        let opening = disk.work(move || {
            if dry_run {
                folder::check(&path)?;
                return Ok(None);
            }
            folder::prepare(&path)?;
            folder::lock(&path).map(Some)
        });
        disk.lock = Arc::new(opening.await?);
        Ok(disk)
    }

    /// Removes the manifests of files that are gone.
    async fn remove_manifests(&self, files: Vec<PathBuf>) -> Result<(), Error> {
        let removing = self.work(move || {
            for file in files {
                let path = Manifest::path_of(&file);
                if look(&path)?.is_some_and(|found| is_own(&found, &path)) {
                    std::fs::remove_file(&path)
                        .map_err(|error| Error::file(&path, "cannot be removed", error))?;
                }
            }
            Ok(())
        });
        removing.await
    }

    /// Does work that waits for the disk. If the call is dropped, the work goes on to its end and
    /// has the lock until then.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lock = Arc::clone(&self.lock);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(lock);
            done
        });
        let done = done.await;
        done.map_err(|error| Error::file(self.folder, "cannot be read", error.into()))?
    }
}

/// A pull that is under way.
pub(crate) struct Pull<'a> {
    pub(crate) held: Folder,
    pub(crate) failures: usize,
    pub(crate) report: &'a mut (dyn FnMut(Pulled) + Send),
}

impl Pull<'_> {
    /// Removes what is not kept, and writes the catalogue.
    async fn end(self, retention: &Retention<'_>, disk: &Disk<'_>) -> Result<PullSummary, Error> {
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
