//! Restore jobs of every kind of cluster: requesting, reading and awaiting them.

use std::pin::pin;

use atlas_model::api_error::code;
use atlas_model::cloud_backups::{
    BackupDeliveryType, CreateBackupRestoreJob, DiskBackupSnapshotRestoreJob, GetBackupRestoreJob,
    ListBackupRestoreJobs,
};
use atlas_model::flex_restore_jobs::{GetFlexRestoreJob, ListFlexRestoreJobs};
use atlas_model::flex_snapshots::{DownloadFlexBackup, FlexBackupSnapshotDownloadCreate};
use atlas_model::shared_tier_restore_jobs::{
    GetBackupTenantRestore, ListBackupTenantRestores, TenantRestore,
};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{
    ClusterId, ClusterName, DeploymentItemName, Paged, ProjectId, RestoreJobId, SnapshotId,
};
use atlas_transport::Client;
use futures_util::TryStreamExt;

use crate::about::{About, Asked, at_most, body};
use crate::error::{Accepted, Awaited, Error};
use crate::job_view::{JobState, JobView, Readable, check_files, dedicated, flex, tenant, viewed};
use crate::kind::ClusterKind;
use crate::progress::{Event, Progress};
use crate::waiting::Wait;

/// The cluster of a job.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) kind: ClusterKind,
    pub(crate) project: ProjectId,
    pub(crate) cluster: &'a ClusterName,
    pub(crate) cluster_id: Option<ClusterId>,
}

impl<'a> Place<'a> {
    /// The expected contents of any job of this cluster.
    fn asked(&self) -> Asked<'a> {
        Asked {
            project: self.project,
            cluster: self.cluster,
            id: None,
            snapshot: None,
            download: None,
        }
    }

    /// Checks the response to a request for a job; the job is then known to be for the snapshot.
    pub(crate) fn started(
        &self,
        mut job: JobView,
        snapshot: SnapshotId,
        download: bool,
    ) -> Result<JobView, Error> {
        job.about.check(&Asked {
            snapshot: Some(snapshot),
            download: Some(download),
            ..self.asked()
        })?;
        job.snapshot = Some(snapshot);
        Ok(job)
    }
}

/// Requests a download with the operation of the cluster's kind; waits while another one is in
/// progress.
///
/// A second download does no harm, so the request may be repeated.
pub(crate) async fn request_download(
    client: &Client,
    place: &Place<'_>,
    snapshot: SnapshotId,
    wait: &mut Wait<'_>,
    progress: Progress<'_>,
) -> Result<JobView, Error> {
    let client = &client.assume_idempotent();
    wait.awaited = Awaited::Download;
    loop {
        let asked = wait.request(|| request_once(client, place, snapshot));
        let error = match Accepted::Download.judge(asked.await) {
            Err(Error::Call(error)) => error,
            other => return place.started(other?, snapshot, true),
        };
        let said = error.api_error();
        let taken =
            said.is_some_and(|said| said.has_code(code::CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY));
        if !taken {
            return Err(error.into());
        }
        progress.tell(Event::WaitingForTurn);
        wait.pause().await?;
    }
}

async fn request_once(
    client: &Client,
    place: &Place<'_>,
    snapshot: SnapshotId,
) -> Result<JobView, Error> {
    let cluster = place.cluster.clone();
    match place.kind {
        ClusterKind::Tenant => {
            let target =
                DeploymentItemName::parse(cluster.as_str()).map_err(|error| Error::Usage {
                    what: error.to_string(),
                })?;
            let request = TenantRestore::new(snapshot, target);
            let operation = DownloadClusterBackupTenant::new(place.project, cluster, request);
            viewed(&client.send(&operation).await?, tenant)
        }
        ClusterKind::Flex => {
            let request = FlexBackupSnapshotDownloadCreate::new(snapshot);
            let operation = DownloadFlexBackup::new(place.project, cluster, request);
            viewed(&client.send(&operation).await?, flex)
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let request = DiskBackupSnapshotRestoreJob::new(BackupDeliveryType::Download)
                .snapshot_id(snapshot);
            let operation = CreateBackupRestoreJob::new(place.project, cluster, request);
            viewed(&client.send(&operation).await?, dedicated)
        }
    }
}

/// Reads a job.
pub(crate) async fn get(
    client: &Client,
    place: &Place<'_>,
    job: RestoreJobId,
) -> Result<JobView, Error> {
    let cluster = place.cluster.clone();
    let mut found = match place.kind {
        ClusterKind::Tenant => {
            let operation = GetBackupTenantRestore::new(place.project, cluster, job);
            viewed(&client.send(&operation).await?, tenant)?
        }
        ClusterKind::Flex => {
            let operation = GetFlexRestoreJob::new(place.project, cluster, job);
            viewed(&client.send(&operation).await?, flex)?
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let operation = GetBackupRestoreJob::new(place.project, cluster, job);
            viewed(&client.send(&operation).await?, dedicated)?
        }
    };
    found.about.check(&Asked {
        id: Some(job),
        ..place.asked()
    })?;
    found.id = Some(job);
    Ok(found)
}

/// Lists the jobs of a cluster.
pub(crate) async fn list(client: &Client, place: &Place<'_>) -> Result<Vec<JobView>, Error> {
    let cluster = place.cluster.clone();
    let jobs: Vec<JobView> = match place.kind {
        ClusterKind::Tenant => {
            let list = ListBackupTenantRestores::new(place.project, cluster);
            jobs(client, place, list, tenant).await?
        }
        ClusterKind::Flex => {
            let list = ListFlexRestoreJobs::new(place.project, cluster);
            jobs(client, place, list, flex).await?
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let list = ListBackupRestoreJobs::new(place.project, cluster);
            jobs(client, place, list, dedicated).await?
        }
    };
    Ok(jobs)
}

/// The maximum number of jobs in a list, since all are held in memory and the server decides how
/// many there are.
const MOST_JOBS: usize = 100_000;

/// All jobs of a list, after checking that each belongs to the cluster.
async fn jobs<O>(
    client: &Client,
    place: &Place<'_>,
    list: O,
    view: fn(&O::Item) -> JobView,
) -> Result<Vec<JobView>, Error>
where
    O: Paged + Send + Sync,
    O::Item: Send,
{
    let mut pages = pin!(client.pages(list));
    let mut views = Vec::new();
    while let Some(page) = pages.try_next().await? {
        let body = body(&page)?;
        for job in body["results"].as_array().into_iter().flatten() {
            check_files(job)?;
            About::read(job).check(&place.asked())?;
        }
        let count = views.len().saturating_add(page.value.items().len());
        at_most("restore jobs", count, MOST_JOBS)?;
        for job in page.value.items().iter().map(view) {
            job.about.check(&place.asked())?;
            views.push(job);
        }
    }
    Ok(views)
}

/// How often a job with unreadable links is polled.
const MAX_UNREADABLE_POLLS: u32 = 5;

/// Waits until a job ends, through outages of Atlas. A download has not ended before it has a link
/// for each of `shards`.
///
/// # Errors
/// [`Error::MissingLinks`] if some shards have no link in time, [`Error::UnreadableLinks`] if links
/// cannot be read (at once if the job is complete, otherwise after a few polls),
/// [`Error::JobEnded`] if it ends without a result, [`Error::Deadline`] if it does not end in time,
/// and [`Error::Call`] for a failure that is not transient.
pub(crate) async fn wait(
    client: &Client,
    place: &Place<'_>,
    mut job: JobView,
    shards: usize,
    wait: &mut Wait<'_>,
    progress: Progress<'_>,
) -> Result<JobView, Error> {
    let mut unreadable = 0;
    loop {
        if let Some(how) = job.state.end() {
            return Err(Error::JobEnded { job: job.id, how });
        }
        unreadable = match job.readable {
            Readable::NotNow => unreadable + 1,
            Readable::Yes | Readable::Never => 0,
        };
        let is_given_up = unreadable >= MAX_UNREADABLE_POLLS || job.readable == Readable::Never;
        if let Some(job) = job.id.filter(|_| is_given_up) {
            return Err(Error::UnreadableLinks { job });
        }
        let is_short = !job.links.is_empty() && job.links.len() < shards;
        if job.state == JobState::Done && !is_short {
            return Ok(job);
        }
        let Some(id) = job.id else {
            return Err(Accepted::Download.unreadable(None));
        };
        wait.awaited = Awaited::Job(id);
        progress.tell(Event::Preparing {
            job: Some(id),
            status: job.status.clone(),
            restore: job.is_restore(),
        });
        let paused = wait.pause().await;
        if let (true, Err(Error::Deadline { limit, .. })) = (is_short, &paused) {
            return Err(Error::MissingLinks {
                job: job.id,
                found: job.links.len(),
                expected: shards,
                limit: *limit,
            });
        }
        paused?;
        let known = (
            job.snapshot,
            job.about.delivery.is_some().then_some(job.download),
        );
        job = wait.look(|| get(client, place, id)).await?;
        job.about.check(&Asked {
            snapshot: known.0,
            download: known.1,
            ..place.asked()
        })?;
        job.snapshot = job.snapshot.or(known.0);
    }
}
