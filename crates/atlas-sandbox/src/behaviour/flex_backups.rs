//! Snapshots and restore jobs of Flex clusters.

use atlas_model::{ApiError, RestoreJobId};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::backups::Job;
use crate::behaviour::tenant::{LINK_LIFE, delivery, snapshot, snapshot_id, target_name};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::Through;
use crate::jobs::Asked;
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupFlexClusterBackupRestoreJob", create_job),
    documented("downloadGroupFlexClusterBackup", download),
    recorded("getGroupFlexClusterBackupRestoreJob", get_job),
    recorded("getGroupFlexClusterBackupSnapshot", get_snapshot),
    recorded("listGroupFlexClusterBackupRestoreJobs", list_jobs),
    recorded("listGroupFlexClusterBackupSnapshots", list_snapshots),
];

fn asked<'a>(call: &'a Call<'_>, delivery: &'static str) -> Result<Asked<'a>, ApiError> {
    let restores = delivery == "automated";
    let target = target_name(call, "targetDeploymentItemName")?;
    let target_project = call.text("targetProjectId").map(str::to_owned);
    Ok(Asked {
        now: call.now,
        project: call.path("groupId"),
        cluster: call.path("name"),
        through: Through::Flex,
        snapshot: snapshot_id(call)?,
        delivery,
        point: None,
        target: target.filter(|_| restores),
        target_project: target_project.filter(|_| restores),
    })
}

fn download(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (id, job) = sandbox.begin_download(asked(call, "download")?, LINK_LIFE)?;
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn create_job(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (id, job) = sandbox.begin_restore(asked(call, "automated")?)?;
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn list_jobs(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(call.path("groupId"), call.path("name"), Through::Flex)?;
    let jobs = backups.latest_jobs().into_iter();
    let jobs = jobs.map(|(id, job)| shown(sandbox, call, id, &job));
    Ok(Answer::list(jobs.collect()).unshaped())
}

fn get_job(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(call.path("groupId"), call.path("name"), Through::Flex)?;
    let id = call.id("restoreJobId")?;
    let job = backups.job(id)?.clone();
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn list_snapshots(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(call.path("groupId"), call.path("name"), Through::Flex)?;
    let snapshots = backups.newest_first().into_iter();
    let snapshots = snapshots.map(|(id, it)| snapshot(id, it));
    Ok(Answer::list(snapshots.collect()).unshaped())
}

fn get_snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(call.path("groupId"), call.path("name"), Through::Flex)?;
    let id = call.id("snapshotId")?;
    Ok(Answer::exactly(snapshot(id, backups.snapshot(id)?)))
}

/// A job as recorded: a restore has an expiration time six hours after its request.
fn shown(sandbox: &Sandbox, call: &Call<'_>, id: RestoreJobId, job: &Job) -> Value {
    let expires = if job.is_download() {
        job.links_end
    } else {
        later(job.asked, SignedDuration::from_hours(6))
    };
    let project = call.path("groupId");
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("deliveryType", delivery(job).into());
    set("expirationDate", expires.to_string().into());
    set("id", id.to_string().into());
    set("instanceName", call.path("name").into());
    set("projectId", project.into());
    if let Some(finished) = job.finished(call.now) {
        set("restoreFinishedDate", finished.to_string().into());
    }
    set("restoreScheduledDate", job.asked.to_string().into());
    set(
        "snapshotFinishedDate",
        job.snapshot_finished.to_string().into(),
    );
    set("snapshotId", job.snapshot.to_string().into());
    if let Some(link) = sandbox.job_links(job, call.now).into_iter().next() {
        set("snapshotUrl", link.into());
    }
    set("status", job.status(call.now).to_string().into());
    if let Some(target) = &job.target {
        set("targetDeploymentItemName", target.clone().into());
        let target_project = job.target_project.as_deref().unwrap_or(project);
        set("targetProjectId", target_project.into());
    }
    Value::Object(shown)
}
