//! Restore jobs of every kind of cluster, in one shape; waiting for one.

use std::time::Duration;

use atlas_model::api_error::code;
use atlas_model::{
    ClusterName, CreateRestoreJob, DeploymentItemName, DownloadFlexSnapshot,
    DownloadTenantSnapshot, FlexDownloadRequest, FlexRestoreJob, GetFlexRestoreJob, GetRestoreJob,
    GetTenantRestore, ListFlexRestoreJobs, ListRestoreJobs, ListTenantRestores, ProjectId,
    RestoreJob, RestoreJobId, RestoreJobRequest, RestoreStatus, Seen, SnapshotId, SnapshotUrl,
    TenantRestore, TenantRestoreRequest,
};
use atlas_transport::Client;
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::error::{Error, JobEnd};
use crate::kind::ClusterKind;
use crate::progress::{Event, Progress};
use crate::waiting::Wait;

/// A restore job, whatever kind of cluster it is of. Its links are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobView {
    /// Its id.
    pub id: Option<RestoreJobId>,
    /// The snapshot.
    pub snapshot: Option<SnapshotId>,
    /// Whether it hands out links, instead of writing over a cluster.
    pub download: bool,
    /// Where it is.
    pub state: JobState,
    /// How far it is, in Atlas's words, or in ours where Atlas has only flags.
    pub status: String,
    /// The cluster that is written over.
    pub target_cluster: Option<String>,
    #[serde(skip)]
    pub(crate) links: Vec<JobLink>,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// Not yet at its end.
    Running,
    /// At its end, with a result.
    Done,
    /// At its end: it failed.
    Failed,
    /// At its end: somebody cancelled it.
    Cancelled,
    /// At its end: its links are no more.
    Expired,
}

impl JobState {
    pub(crate) fn end(self) -> Option<JobEnd> {
        match self {
            Self::Running | Self::Done => None,
            Self::Failed => Some(JobEnd::Failed),
            Self::Cancelled => Some(JobEnd::Cancelled),
            Self::Expired => Some(JobEnd::Expired),
        }
    }
}

/// A link to one file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobLink {
    pub(crate) url: SnapshotUrl,
    /// The shard whose file it is.
    pub(crate) shard: Option<String>,
}

/// How long a job is waited for, and how often it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitPolicy {
    /// The first wait, at most `longest` and at least 50 ms; 1 s by default.
    pub first: Duration,
    /// The longest wait that the server did not ask for; each is half as long again as the one
    /// before. 30 s by default.
    pub longest: Duration,
    /// How long in all, an hour by default. An outage in between, such as 503 or a connection that
    /// is refused, is waited out up to here.
    pub deadline: Duration,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            deadline: Duration::from_secs(3600),
        }
    }
}

impl WaitPolicy {
    /// Sets how long is waited in all.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }
}

/// Where a job belongs.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) kind: ClusterKind,
    pub(crate) project: ProjectId,
    pub(crate) cluster: &'a ClusterName,
}

/// Asks for a download in the cluster kind's own way; waits while another one is under way.
///
/// A second download does no harm, so the request may be repeated.
pub(crate) async fn request_download(
    client: &Client,
    place: &Place<'_>,
    snapshot: SnapshotId,
    wait: &mut Wait<'_>,
    progress: Progress<'_>,
) -> Result<JobView, Error> {
    let client = &client.repeatable();
    loop {
        let asked = wait.answer(None, || request_once(client, place, snapshot));
        let error = match asked.await {
            Err(Error::Call(error)) => error,
            other => return other,
        };
        let said = error.api_error();
        let taken =
            said.is_some_and(|said| said.has_code(code::CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY));
        if !taken {
            return Err(error.into());
        }
        progress(Event::WaitingForTurn);
        wait.pause(None).await?;
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
            let request = TenantRestoreRequest::new(snapshot, target);
            let operation = DownloadTenantSnapshot::new(place.project, cluster, request);
            Ok(tenant(&client.send(&operation).await?.value))
        }
        ClusterKind::Flex => {
            let request = FlexDownloadRequest::new(snapshot);
            let operation = DownloadFlexSnapshot::new(place.project, cluster, request);
            Ok(flex(&client.send(&operation).await?.value))
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let request = RestoreJobRequest::download(snapshot);
            let operation = CreateRestoreJob::new(place.project, cluster, request);
            Ok(dedicated(&client.send(&operation).await?.value))
        }
    }
}

/// Looks at a job.
pub(crate) async fn get(
    client: &Client,
    place: &Place<'_>,
    job: RestoreJobId,
) -> Result<JobView, Error> {
    let cluster = place.cluster.clone();
    Ok(match place.kind {
        ClusterKind::Tenant => {
            let operation = GetTenantRestore::new(place.project, cluster, job);
            tenant(&client.send(&operation).await?.value)
        }
        ClusterKind::Flex => {
            let operation = GetFlexRestoreJob::new(place.project, cluster, job);
            flex(&client.send(&operation).await?.value)
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let operation = GetRestoreJob::new(place.project, cluster, job);
            dedicated(&client.send(&operation).await?.value)
        }
    })
}

/// Lists the jobs of a cluster.
pub(crate) async fn list(client: &Client, place: &Place<'_>) -> Result<Vec<JobView>, Error> {
    let cluster = place.cluster.clone();
    Ok(match place.kind {
        ClusterKind::Tenant => {
            let list = ListTenantRestores::new(place.project, cluster);
            let jobs: Vec<TenantRestore> = client.items(list).try_collect().await?;
            jobs.iter().map(tenant).collect()
        }
        ClusterKind::Flex => {
            let list = ListFlexRestoreJobs::new(place.project, cluster);
            let jobs: Vec<FlexRestoreJob> = client.items(list).try_collect().await?;
            jobs.iter().map(flex).collect()
        }
        ClusterKind::Dedicated | ClusterKind::Sharded => {
            let list = ListRestoreJobs::new(place.project, cluster);
            let jobs: Vec<RestoreJob> = client.items(list).try_collect().await?;
            jobs.iter().map(dedicated).collect()
        }
    })
}

/// Waits until a job is at its end, through outages of Atlas.
///
/// # Errors
/// [`Error::JobEnded`] if it ends without a result, [`Error::Deadline`] if it does not end in time,
/// and [`Error::Call`] for a failure that does not pass by itself.
pub(crate) async fn wait(
    client: &Client,
    place: &Place<'_>,
    mut job: JobView,
    wait: &mut Wait<'_>,
    progress: Progress<'_>,
) -> Result<JobView, Error> {
    loop {
        if let Some(how) = job.state.end() {
            return Err(Error::JobEnded { job: job.id, how });
        }
        if job.state == JobState::Done {
            return Ok(job);
        }
        let Some(id) = job.id else {
            return Err(Error::NoLink { job: None });
        };
        progress(Event::Preparing {
            job: Some(id),
            status: job.status.clone(),
        });
        wait.pause(Some(id)).await?;
        job = wait.answer(Some(id), || get(client, place, id)).await?;
    }
}

/// Jobs that say how far they are have the same fields, whatever their type.
macro_rules! by_status {
    ($function:ident, $job:ty) => {
        pub(crate) fn $function(job: &$job) -> JobView {
            let target = job.target_deployment_item_name.as_ref();
            by_status(
                job.id.as_ref(),
                job.snapshot_id.as_ref(),
                job.delivery_type == Some(atlas_model::DeliveryType::Download),
                job.status.as_ref(),
                job.snapshot_url.as_ref(),
                target.map(ToString::to_string),
            )
        }
    };
}

by_status!(tenant, TenantRestore);
by_status!(flex, FlexRestoreJob);

/// A job that says how far it is. A link ends a download, whatever the status says beside it.
fn by_status(
    id: Option<&Seen<RestoreJobId>>,
    snapshot: Option<&Seen<SnapshotId>>,
    download: bool,
    status: Option<&RestoreStatus>,
    url: Option<&SnapshotUrl>,
    target_cluster: Option<String>,
) -> JobView {
    let links = url.map(|url| JobLink {
        url: url.clone(),
        shard: None,
    });
    let state = match status {
        Some(RestoreStatus::Failed) => JobState::Failed,
        _ if links.is_some() => JobState::Done,
        Some(RestoreStatus::Completed) => JobState::Done,
        _ => JobState::Running,
    };
    JobView {
        id: id.and_then(|id| id.valid().copied()),
        snapshot: snapshot.and_then(|id| id.valid().copied()),
        download: download || links.is_some(),
        state,
        status: status.map_or("unknown", RestoreStatus::as_str).to_owned(),
        target_cluster,
        links: links.into_iter().collect(),
    }
}

/// A job that has flags. A download ends with its links, not with `finishedAt`.
pub(crate) fn dedicated(job: &RestoreJob) -> JobView {
    let download = job.delivery_type == Some(atlas_model::Delivery::Download);
    let links = links(job);
    let set = |flag: Option<bool>| flag == Some(true);
    let (state, status) = if set(job.failed) {
        (JobState::Failed, "failed")
    } else if set(job.cancelled) {
        (JobState::Cancelled, "cancelled")
    } else if set(job.expired) {
        (JobState::Expired, "expired")
    } else if !links.is_empty() || (!download && job.finished_at.is_some()) {
        (JobState::Done, "completed")
    } else {
        (JobState::Running, "running")
    };
    JobView {
        id: job.id.as_ref().and_then(|id| id.valid().copied()),
        snapshot: job.snapshot_id.as_ref().and_then(|id| id.valid().copied()),
        download,
        state,
        status: status.to_owned(),
        target_cluster: job.target_cluster_name.as_ref().map(ToString::to_string),
        links,
    }
}

/// The links of a dedicated cluster's job: each shard's own where there are shards.
fn links(job: &RestoreJob) -> Vec<JobLink> {
    let members = job.components.iter().flatten();
    let of_shards: Vec<JobLink> = members
        .filter_map(|member| {
            Some(JobLink {
                url: member.download_url.clone()?,
                shard: member.replica_set_name.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    let urls = job.delivery_url.as_deref().unwrap_or_default();
    if of_shards.len() >= urls.len() && !of_shards.is_empty() {
        return of_shards;
    }
    let shards = urls.len() > 1;
    let numbered = urls.iter().enumerate().map(|(number, url)| JobLink {
        url: url.clone(),
        shard: shards.then(|| number.to_string()),
    });
    numbered.collect()
}
