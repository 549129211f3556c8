//! Restore jobs of every kind of cluster, in one shape.

use atlas_model::cloud_backups::DiskBackupSnapshotRestoreJob;
use atlas_model::flex_restore_jobs::FlexBackupRestoreJob;
use atlas_model::shared_tier_restore_jobs::{RestoreStatus, TenantRestore};
use atlas_model::{Answer, RestoreJobId, SnapshotId, SnapshotUrl};
use serde::Serialize;
use serde_json::Value;

use crate::about::{About, at_most, body};
use crate::error::Error;
use crate::shards::unique_names;

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
    #[serde(skip)]
    pub(crate) about: About,
    /// Whether its links can be read.
    #[serde(skip)]
    pub(crate) readable: Readable,
}

/// Whether the links of a job can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Readable {
    /// They can, or are not there yet.
    #[default]
    Yes,
    /// Not now.
    Odd,
    /// Not any more: the job is complete by its own word.
    Never,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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

/// How a job can end without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobEnd {
    /// It failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its links ended before they were fetched.
    Expired,
}

impl std::fmt::Display for JobEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Cancelled => "was cancelled",
            Self::Expired => "has expired",
        })
    }
}

/// A link to one file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobLink {
    pub(crate) url: SnapshotUrl,
    /// The shard whose file it is, by a name that no other shard of the job has.
    pub(crate) shard: Option<String>,
    /// Whether Atlas gave that name. A place in one job may be another shard's in the next.
    pub(crate) is_named: bool,
}

impl JobView {
    /// What the job calls its shards, in its order; nothing if it has a single file.
    pub(crate) fn shards(&self) -> Vec<String> {
        let shards = self.links.iter().filter_map(|link| link.shard.clone());
        shards.collect()
    }

    /// Whether it writes over a cluster, by what it says. One that says neither how it delivers nor
    /// what it writes over may be a download.
    pub(crate) fn is_restore(&self) -> bool {
        match &self.about.delivery {
            Some(delivery) => !is_download(delivery),
            None => self.target_cluster.is_some() && self.links.is_empty(),
        }
    }

    /// Whether a shard is known by its place in the job only.
    pub(crate) fn is_by_place(&self) -> bool {
        let mut links = self.links.iter();
        links.any(|link| link.shard.is_some() && !link.is_named)
    }
}

/// A job of an answer, with what it says that it is for.
pub(crate) fn viewed<R>(answer: &Answer<R>, view: fn(&R) -> JobView) -> Result<JobView, Error> {
    let body = body(answer)?;
    check_files(&body)?;
    let said = About::read(&body);
    let mut job = view(&answer.value);
    job.about = std::mem::take(&mut job.about).or(said);
    let is_complete = !body["finishedAt"].is_null() || body["status"] == "COMPLETED";
    let mut written = written(&body);
    // A link that cannot be read is a file that would be missing.
    let is_odd = answer.deviations.iter().any(|it| it.path().ends_with(']'));
    if is_odd && !job.links.is_empty() {
        written = Written::Odd;
    }
    if written != Written::Text && !job.links.is_empty() {
        job.links.clear();
        if job.state == JobState::Done && !is_complete {
            job.state = JobState::Running;
        }
    }
    job.readable = match written {
        Written::Empty | Written::Odd if job.is_restore() => Readable::Yes,
        Written::Empty | Written::Odd if is_complete => Readable::Never,
        Written::Odd => Readable::Odd,
        // An empty text may be how a link that is not there yet is written.
        Written::Empty | Written::Text => Readable::Yes,
    };
    Ok(job)
}

/// How the links of a job are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Written {
    /// As text, those that are there.
    Text,
    /// One is an empty text.
    Empty,
    /// Something else than texts stands where links have to be.
    Odd,
}

fn written(job: &Value) -> Written {
    let link = |link: &Value| match link {
        Value::String(text) if text.is_empty() => Written::Empty,
        Value::Null | Value::String(_) => Written::Text,
        _ => Written::Odd,
    };
    let list = |list: &Value, of: &dyn Fn(&Value) -> Written| match list {
        Value::Null => Written::Text,
        Value::Array(links) => links.iter().map(of).max().unwrap_or(Written::Text),
        _ => Written::Odd,
    };
    let member = |member: &Value| match member {
        Value::Object(_) => link(&member["downloadUrl"]),
        _ => Written::Odd,
    };
    let single = link(&job["snapshotUrl"]);
    let delivered = list(&job["deliveryUrl"], &link);
    let members = list(&job["components"], &member);
    single.max(delivered).max(members)
}

/// The most files of one job: a cluster has 70 shards at most (Atlas documentation, "Atlas service
/// limits"), and naming and comparing files takes time that grows with the square of their number.
const MOST_FILES: usize = 1000;

/// Refuses a job with more files than any snapshot has.
pub(crate) fn check_files(job: &Value) -> Result<(), Error> {
    let count = |field: &str| job[field].as_array().map_or(0, Vec::len);
    let files = count("components").max(count("deliveryUrl"));
    at_most("files of one restore job", files, MOST_FILES)
}

/// Jobs that say how far they are have the same fields, whatever their type.
macro_rules! by_status {
    ($function:ident, $job:ty, $cluster:ident) => {
        pub(crate) fn $function(job: &$job) -> JobView {
            let target = job.target_deployment_item_name.as_ref();
            let about = About {
                id: job.id.as_ref().map(ToString::to_string),
                snapshot: job.snapshot_id.as_ref().map(ToString::to_string),
                project: job.project_id.as_ref().map(ToString::to_string),
                cluster: job.$cluster.as_ref().map(ToString::to_string),
                delivery: job.delivery_type.as_ref().map(ToString::to_string),
            };
            by_status(
                job.id,
                job.snapshot_id,
                about,
                job.status.as_ref(),
                job.snapshot_url.as_ref(),
                target.map(ToString::to_string),
            )
        }
    };
}

by_status!(tenant, TenantRestore, cluster_name);
by_status!(flex, FlexBackupRestoreJob, instance_name);

/// A job that says how far it is. A link ends a download, whatever the status says beside it.
fn by_status(
    id: Option<RestoreJobId>,
    snapshot: Option<SnapshotId>,
    about: About,
    status: Option<&RestoreStatus>,
    url: Option<&SnapshotUrl>,
    target_cluster: Option<String>,
) -> JobView {
    let links = url.map(|url| JobLink {
        url: url.clone(),
        shard: None,
        is_named: false,
    });
    let state = match status {
        Some(RestoreStatus::Failed) => JobState::Failed,
        _ if links.is_some() => JobState::Done,
        Some(RestoreStatus::Completed) => JobState::Done,
        _ => JobState::Running,
    };
    JobView {
        id,
        snapshot,
        download: about.delivery.as_deref().is_some_and(is_download) || links.is_some(),
        state,
        status: status.map_or("unknown", RestoreStatus::as_str).to_owned(),
        target_cluster,
        links: links.into_iter().collect(),
        about,
        readable: Readable::default(),
    }
}

fn is_download(delivery: &str) -> bool {
    delivery.eq_ignore_ascii_case("download")
}

/// A job that has flags. A download ends with its links, not with `finishedAt`.
pub(crate) fn dedicated(job: &DiskBackupSnapshotRestoreJob) -> JobView {
    let about = About {
        id: job.id.as_ref().map(ToString::to_string),
        snapshot: job.snapshot_id.as_ref().map(ToString::to_string),
        // A dedicated job names only the cluster that is written over.
        project: None,
        cluster: None,
        delivery: job.delivery_type.as_ref().map(ToString::to_string),
    };
    let download = about.delivery.as_deref().is_some_and(is_download);
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
        id: job.id,
        snapshot: job.snapshot_id,
        download,
        state,
        status: status.to_owned(),
        target_cluster: job.target_cluster_name.as_ref().map(ToString::to_string),
        links,
        about,
        readable: Readable::default(),
    }
}

/// The links of a dedicated cluster's job: each shard's own where there are shards. None as long as
/// a shard has no link yet, since its file would be missing in the end.
fn links(job: &DiskBackupSnapshotRestoreJob) -> Vec<JobLink> {
    let members: Vec<_> = job.components.iter().flatten().collect();
    let urls = job.delivery_url.as_deref().unwrap_or_default();
    let own: Vec<&SnapshotUrl> = members
        .iter()
        .filter_map(|member| member.download_url.as_ref())
        .collect();
    if own.len() == members.len() && !own.is_empty() && own.len() >= urls.len() {
        let shards = members
            .iter()
            .map(|member| member.replica_set_name.as_deref());
        // A single file needs no name.
        let single = own.len() == 1 && members[0].replica_set_name.is_none();
        let names = unique_names(shards).into_iter().zip(&members);
        return own
            .into_iter()
            .zip(names)
            .map(|(url, (name, member))| JobLink {
                url: url.clone(),
                is_named: member.replica_set_name.as_deref() == Some(&name),
                shard: (!single).then_some(name),
            })
            .collect();
    }
    if urls.len() < members.len() {
        return Vec::new();
    }
    let shards = urls.len() > 1;
    let numbered = urls.iter().enumerate().map(|(number, url)| JobLink {
        url: url.clone(),
        shard: shards.then(|| number.to_string()),
        is_named: false,
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use atlas_model::flex_restore_jobs::GetFlexRestoreJob;
    use atlas_model::{CallOptions, OperationExt};

    use super::*;

    fn read(body: &'static str) -> Result<JobView, Error> {
        let response = http::Response::new(body.into());
        let answer = GetFlexRestoreJob::from_response(response, &CallOptions::default()).unwrap();
        viewed(&answer, flex)
    }

    #[test]
    fn a_job_is_for_what_its_type_says_and_else_for_what_its_text_says() {
        let about = |body| read(body).unwrap().about;
        let id = "32b6e34b3d91647abb20e7b8";
        assert_eq!(
            about(r#"{"id":"32b6e34b3d91647abb20e7b8"}"#).id.unwrap(),
            id
        );
        assert_eq!(about(r#"{"id":"odd","snapshotId":7}"#).id.unwrap(), "odd");
        assert_eq!(about(r#"{"snapshotId":7}"#).snapshot.unwrap(), "7");
        // The first counts, since it is the one that is used.
        let twice = about(r#"{"id":"32b6e34b3d91647abb20e7b8","id":"odd"}"#);
        assert_eq!(twice.id.unwrap(), id);
    }

    #[test]
    fn a_job_whose_text_cannot_be_read_as_a_whole_is_an_error() {
        for odd in [
            r#"{"id":"32b6e34b3d91647abb20e7b8","zz":1e999}"#,
            r#"{"id":"32b6e34b3d91647abb20e7b8","zz":"\ud800"}"#,
        ] {
            assert!(matches!(read(odd), Err(Error::Unreadable)), "{odd}");
        }
    }
}
