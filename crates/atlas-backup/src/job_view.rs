//! Restore jobs of every kind of cluster, in one type.

use atlas_model::cloud_backups::DiskBackupSnapshotRestoreJob;
use atlas_model::flex_restore_jobs::FlexBackupRestoreJob;
use atlas_model::shared_tier_restore_jobs::{RestoreStatus, TenantRestore};
use atlas_model::{Answer, RestoreJobId, SnapshotId, SnapshotUrl};
use serde::Serialize;
use serde_json::Value;

use crate::about::{About, at_most, body};
use crate::error::Error;
use crate::shards::unique_names;

/// A restore job of a cluster of any kind. Its links are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobView {
    /// Its id.
    pub id: Option<RestoreJobId>,
    /// The snapshot.
    pub snapshot: Option<SnapshotId>,
    /// Whether it provides links, instead of writing to a cluster.
    pub download: bool,
    /// Its state.
    pub state: JobState,
    /// Its status as Atlas reports it, or derived where Atlas has only flags.
    pub status: String,
    /// The cluster that it writes to.
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
    /// They can be read, or do not exist yet.
    #[default]
    Yes,
    /// Not at present.
    NotNow,
    /// Not any more: the job is complete.
    Never,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum JobState {
    /// It has not ended.
    Running,
    /// It has ended with a result.
    Done,
    /// It has failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its links have expired.
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
    /// It was cancelled.
    Cancelled,
    /// Its links expired before they were used.
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
    /// The shard of the file, by a name that is unique in the job.
    pub(crate) shard: Option<String>,
    /// Whether Atlas provided that name. The same index may be another shard in the next job.
    pub(crate) is_named: bool,
}

impl JobView {
    /// The names of the job's shards, in its order; empty if it has a single file.
    pub(crate) fn shards(&self) -> Vec<String> {
        let shards = self.links.iter().filter_map(|link| link.shard.clone());
        shards.collect()
    }

    /// Whether it writes to a cluster. A job with neither a delivery type nor a target may be a
    /// download.
    pub(crate) fn is_restore(&self) -> bool {
        match &self.about.delivery {
            Some(delivery) => !is_download(delivery),
            None => self.target_cluster.is_some() && self.links.is_empty(),
        }
    }

    /// Whether a shard is known only by its index in the job.
    pub(crate) fn is_by_place(&self) -> bool {
        let mut links = self.links.iter();
        links.any(|link| link.shard.is_some() && !link.is_named)
    }
}

/// The job in a response, with the fields that identify its subject.
pub(crate) fn viewed<R>(answer: &Answer<R>, view: fn(&R) -> JobView) -> Result<JobView, Error> {
    let body = body(answer)?;
    check_files(&body)?;
    let said = About::read(&body);
    let mut job = view(&answer.value);
    job.about = std::mem::take(&mut job.about).or(said);
    let is_complete = !body["finishedAt"].is_null() || body["status"] == "COMPLETED";
    let mut written = written(&body);
    // An unreadable link is a file that would be missing.
    let has_invalid = answer.deviations.iter().any(|it| it.path().ends_with(']'));
    if has_invalid && !job.links.is_empty() {
        written = Written::Invalid;
    }
    if written != Written::Text && !job.links.is_empty() {
        job.links.clear();
        if job.state == JobState::Done && !is_complete {
            job.state = JobState::Running;
        }
    }
    job.readable = match written {
        Written::Empty | Written::Invalid if job.is_restore() => Readable::Yes,
        Written::Empty | Written::Invalid if is_complete => Readable::Never,
        Written::Invalid => Readable::NotNow,
        // An empty text may represent a link that does not exist yet.
        Written::Empty | Written::Text => Readable::Yes,
    };
    Ok(job)
}

/// The form of the links of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Written {
    /// Text, for those that are present.
    Text,
    /// One is an empty text.
    Empty,
    /// One is not text.
    Invalid,
}

fn written(job: &Value) -> Written {
    let link = |link: &Value| match link {
        Value::String(text) if text.is_empty() => Written::Empty,
        Value::Null | Value::String(_) => Written::Text,
        _ => Written::Invalid,
    };
    let list = |list: &Value, of: &dyn Fn(&Value) -> Written| match list {
        Value::Null => Written::Text,
        Value::Array(links) => links.iter().map(of).max().unwrap_or(Written::Text),
        _ => Written::Invalid,
    };
    let member = |member: &Value| match member {
        Value::Object(_) => link(&member["downloadUrl"]),
        _ => Written::Invalid,
    };
    let single = link(&job["snapshotUrl"]);
    let delivered = list(&job["deliveryUrl"], &link);
    let members = list(&job["components"], &member);
    single.max(delivered).max(members)
}

/// The maximum number of files of a job: a cluster has at most 70 shards (Atlas documentation,
/// "Atlas service limits"), and naming and comparing files takes time quadratic in their number.
pub(crate) const MOST_FILES: usize = 1000;

/// Refuses a job with more files than any snapshot has.
pub(crate) fn check_files(job: &Value) -> Result<(), Error> {
    let count = |field: &str| job[field].as_array().map_or(0, Vec::len);
    let files = count("components").max(count("deliveryUrl"));
    at_most("files of one restore job", files, MOST_FILES)
}

/// Jobs with a status have the same fields, whatever their type.
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

/// A job with a status. A link completes a download, whatever the status says.
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

/// A job with flags. A download ends when it has its links, not with `finishedAt`.
pub(crate) fn dedicated(job: &DiskBackupSnapshotRestoreJob) -> JobView {
    let about = About {
        id: job.id.as_ref().map(ToString::to_string),
        snapshot: job.snapshot_id.as_ref().map(ToString::to_string),
        // A dedicated job names only the cluster that it writes to.
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

/// The links of a dedicated cluster's job: one for each shard if there are shards. Empty as long as
/// a shard has no link, since its file would be missing.
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
    fn the_typed_fields_of_a_job_take_precedence_over_its_text() {
        let about = |body| read(body).unwrap().about;
        let id = "32b6e34b3d91647abb20e7b8";
        assert_eq!(
            about(r#"{"id":"32b6e34b3d91647abb20e7b8"}"#).id.unwrap(),
            id
        );
        assert_eq!(about(r#"{"id":"odd","snapshotId":7}"#).id.unwrap(), "odd");
        assert_eq!(about(r#"{"snapshotId":7}"#).snapshot.unwrap(), "7");
        // The first one counts, since it is the one that is used.
        let twice = about(r#"{"id":"32b6e34b3d91647abb20e7b8","id":"odd"}"#);
        assert_eq!(twice.id.unwrap(), id);
    }

    #[test]
    fn a_job_with_an_unreadable_text_is_an_error() {
        for odd in [
            r#"{"id":"32b6e34b3d91647abb20e7b8","zz":1e999}"#,
            r#"{"id":"32b6e34b3d91647abb20e7b8","zz":"\ud800"}"#,
        ] {
            assert!(matches!(read(odd), Err(Error::Unreadable)), "{odd}");
        }
    }
}
