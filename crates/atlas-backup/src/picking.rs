//! Choosing the snapshot, and the restore job that already provides it.

use atlas_model::{ClusterName, ProjectId, RestoreJobId};
use http::StatusCode;
use jiff::Timestamp;

use crate::backups::Backups;
use crate::error::{Error, snapshot_failed};
use crate::job::{self, Place};
use crate::job_view::JobView;
use crate::snapshot::{self, Pick, SnapshotView, is_future};

/// A snapshot that was picked.
#[derive(Debug)]
pub(crate) struct Picked {
    pub(crate) snapshot: SnapshotView,
    /// The download job of it, if one was picked.
    pub(crate) job: Option<JobView>,
}

impl Backups {
    /// Returns the snapshot that `pick` selects; only complete ones are considered. One that is
    /// dated in the future, by the clock of Atlas, is the latest only if there is no other.
    ///
    /// # Errors
    /// [`Error::SnapshotFailed`] for the id of a failed snapshot, [`Error::NoSnapshot`],
    /// [`Error::Call`]; for a job also [`Error::NoJob`] and [`Error::NotADownload`].
    pub async fn pick(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
    ) -> Result<SnapshotView, Error> {
        let place = self.place(project, cluster).await?;
        let picked = self.picked(&place, pick).await?;
        Ok(picked.snapshot)
    }

    /// The same, with the job if one was picked.
    pub(crate) async fn picked(&self, place: &Place<'_>, pick: &Pick) -> Result<Picked, Error> {
        let Pick::Job(id) = pick else {
            let snapshot = self.choose(place, pick).await?;
            return Ok(Picked {
                snapshot,
                job: None,
            });
        };
        let job = self.existing_download(place, *id).await?;
        let snapshot = job.snapshot.ok_or(Error::Unreadable)?;
        Ok(Picked {
            snapshot: self.choose(place, &Pick::Id(snapshot)).await?,
            job: Some(job),
        })
    }

    async fn choose(&self, place: &Place<'_>, pick: &Pick) -> Result<SnapshotView, Error> {
        let cluster = place.cluster;
        let listing = snapshot::list(self.client(), place.kind, place.project, cluster).await?;
        let snapshots = listing.snapshots;
        let now = listing.date.unwrap_or_else(Timestamp::now);
        let mut come = snapshots.clone();
        come.retain(|snapshot| !is_future(snapshot.taken, now));
        let picked = pick.choose(&come).or_else(|| pick.choose(&snapshots));
        if let Some(picked) = picked {
            return Ok(picked.clone());
        }
        let mut failed = snapshots.iter().filter(|it| it.is_failed());
        Err(match failed.find(|it| *pick == Pick::Id(it.id)) {
            Some(failed) => snapshot_failed(cluster, failed.id),
            None => Error::NoSnapshot {
                cluster: cluster.to_string(),
                wanted: pick.words(),
            },
        })
    }

    /// Reads a job of the cluster, which must be a download.
    async fn existing_download(
        &self,
        place: &Place<'_>,
        id: RestoreJobId,
    ) -> Result<JobView, Error> {
        let job = match job::get(self.client(), place, id).await {
            Err(Error::Call(error)) if error.status() == Some(StatusCode::NOT_FOUND) => {
                return Err(Error::NoJob {
                    cluster: place.cluster.to_string(),
                    job: id,
                    source: Box::new(error),
                });
            }
            job => job?,
        };
        if job.is_restore() {
            return Err(Error::NotADownload { job: id });
        }
        Ok(job)
    }
}
