//! Keeping a folder of a cluster's snapshots up to date: missing ones are downloaded, old ones
//! removed.
//!
//! Each file has a manifest next to it. The catalogue (`catalogue.json`) lists all files and is
//! rebuilt from the manifests each time, so losing it does no harm.

mod disk;
mod pulled;
mod run;

use std::path::Path;

use atlas_model::{ClusterName, ProjectId, SnapshotId};

use crate::backups::Backups;
use crate::error::Error;
use crate::folder::{Folder, Reading, file_name};
use crate::job::Place;
use crate::kind::{self, ClusterKind};
use crate::options::PullOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::retention::Retention;
use crate::retries::Retries;
use crate::saved::{Existing, Saved};
use crate::saving::How;
use crate::snapshot::{self, Listing, SnapshotView};

use disk::Disk;
pub(crate) use pulled::present;
pub use pulled::{PullSummary, Pulled, PulledFile};
pub(crate) use run::Pull;
#[cfg(feature = "object-store")]
pub(crate) use run::removed_files;

impl Backups {
    /// Updates a folder from a cluster: downloads every complete snapshot that is missing, oldest
    /// first, then removes those that [`PullOptions::keep`] does not keep.
    ///
    /// `report` is called once for each snapshot, by the task that polls the call. A snapshot that
    /// fails does not prevent the others from being downloaded. After an interruption at any point,
    /// the same call resumes the work. `progress` receives the events of each file; see [`Event`].
    ///
    /// An outage of Atlas or of a store ends the pull after
    /// [`patience`](crate::DownloadOptions::patience), since the other snapshots would fail in the
    /// same way. It is an outage if no connection can be made, no response begins, or the response
    /// is 408, 429 or 503. Any other 5xx, and a response that breaks off or is too slow, may
    /// concern the one snapshot: the next one is then tried without patience, and ends the pull if
    /// it fails in this way too. Everything that was downloaded before stays, and nothing is
    /// removed. A snapshot that is damaged or refused, or whose job fails or does not end in time,
    /// affects no other.
    ///
    /// A [dry run](PullOptions::dry_run) reports what would be done, and takes no lock.
    ///
    /// A file is removed only if all of these hold:
    /// - its manifest names this cluster, including its id where Atlas reports it, and the file has
    ///   the name that this program gave it;
    /// - Atlas lists complete snapshots, with a date, and does not list this one;
    /// - it is not dated in the future, and no rule of [`PullOptions::keep`] keeps it;
    /// - the snapshots that are kept instead are in the folder, were read to the end and are sound:
    ///   all that are kept by a rule other than age, and at least as many as are always kept;
    /// - no wanted snapshot is missing or damaged.
    ///
    /// # Errors
    /// [`Error::Busy`] if another run works in the folder, [`Error::Foreign`] if its
    /// `catalogue.json` belongs to another program, [`Error::File`], [`Error::Call`] if the
    /// snapshots cannot be listed, and any [transient](Error::is_transient) error of an outage that
    /// ended the pull: try again later. Other failures of single snapshots are only passed to
    /// `report`.
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
        let (retries, told) = Retries::watched(self.client(), options.download.patience);
        let to = Destination {
            folder,
            options,
            retries: &retries,
            progress,
        };
        let pulling = self.pull_into(project, cluster, to, &mut report);
        told.tell(progress, Box::pin(pulling)).await
    }

    /// The cluster, including its id where that is available, and its snapshots.
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

    async fn pull_into(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        to: Destination<'_>,
        report: &mut (dyn FnMut(Pulled) + Send),
    ) -> Result<PullSummary, Error> {
        let Destination {
            folder,
            options,
            retries,
            progress,
        } = to;
        let disk = Disk::open(folder, options.dry_run).await?;
        let (place, listing) = self.listed(project, cluster, retries).await?;
        let retention = Retention::new(&listing, options);

        let id = place.cluster_id;
        let (path, cluster) = (folder.to_owned(), cluster.clone());
        let reading = match (options.dry_run, options.verify) {
            (true, all) => Reading::Look { all },
            (false, true) => Reading::All,
            (false, false) => Reading::Changed,
        };
        let listed: Vec<SnapshotId> = listing.snapshots.iter().map(|it| it.id).collect();
        let teller = retries.teller().clone();
        let opening = disk.work(move || {
            let (held, damaged) = Folder::open(&path, project, &cluster, reading, &teller)?;
            Ok((held.of_cluster(id, listed), damaged))
        });
        let (mut held, mut damaged) = opening.await?;
        if options.dry_run {
            let mut pull = Pull {
                held,
                failures: 0,
                report,
                locate: &Path::to_owned,
            };
            let rests = retention.rests(&pull.held, pull.held.rests());
            pull.dry_run(damaged, rests, &retention);
            return Ok(retention.summary(&pull.held.held()));
        }
        let newest = retention.to_be_read(&held.held());
        let teller = retries.teller().clone();
        let reading = disk.work(move || {
            let mut damaged = Vec::new();
            for snapshot in newest {
                damaged.extend(held.read(snapshot, &teller));
            }
            Ok((held, damaged))
        });
        let (held, more) = reading.await?;
        damaged.extend(more);

        let mut pull = Pull {
            held,
            failures: 0,
            report,
            locate: &Path::to_owned,
        };
        let wanted = retention.wanted(&pull.held.held(), &damaged);
        pull.report_damaged(damaged, &retention);
        let brief = retries.brief();
        let mut is_doubtful = false;
        for snapshot in wanted {
            if pull.held.has(snapshot.id) {
                let present = present(&pull.held, snapshot.id, pull.locate);
                pull.tell(present);
                continue;
            }
            let out = folder.join(file_name(snapshot.taken, snapshot.id));
            // A damaged file of this snapshot is replaced; any other file is kept.
            let existing = if pull.held.is_of(&out, snapshot.id) {
                Existing::Replace
            } else {
                Existing::SetAside
            };
            let how = How {
                existing,
                options: &options.download,
                retries: if is_doubtful { &brief } else { retries },
                progress,
            };
            let downloading = self.download_picked(&place, snapshot, None, &out, how);
            match Box::pin(downloading).await {
                Ok(saved) => {
                    is_doubtful = false;
                    pull.held.add(&saved);
                    pull.tell(downloaded(snapshot, saved));
                }
                // The others would fail in the same way.
                Err(error)
                    if error.is_of_full_disk() || error.scope().is_of_all(&mut is_doubtful) =>
                {
                    return Err(pull.give_up(error, &retention, &disk).await);
                }
                Err(error) => pull.fail(snapshot.id, snapshot.taken, error),
            }
        }
        pull.report_others(&retention);
        let lone = pull.handle_lone(&retention);
        disk.remove_manifests(lone).await?;
        pull.end(&retention, &disk).await
    }
}

fn downloaded(snapshot: &SnapshotView, saved: Vec<Saved>) -> Pulled {
    Pulled::Downloaded {
        snapshot: snapshot.id,
        taken: snapshot.taken,
        bytes: saved.iter().map(|saved| saved.manifest.bytes).sum(),
        files: saved
            .into_iter()
            .map(|saved| PulledFile::new(saved.path, &saved.manifest))
            .collect(),
    }
}

/// The folder of a pull, and how it is written.
#[derive(Clone, Copy)]
struct Destination<'a> {
    folder: &'a Path,
    options: &'a PullOptions,
    retries: &'a Retries,
    progress: Progress<'a>,
}
