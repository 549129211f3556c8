//! The operations of the shared tier.

use atlas_model::{ApiError, DeploymentItemName, RestoreJobId, SnapshotId};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::refuse;
use crate::backups::{Job, Snapshot};
use crate::behaviour::{Behaviour, documented};
use crate::find::Through;
use crate::jobs::Asked;
use crate::store::key;
use crate::time::later;
use crate::world::{MONGODB, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupClusterBackupTenantRestore", create_restore),
    documented("downloadGroupClusterBackupTenant", download),
    documented("getGroupClusterBackupTenantRestore", get_restore),
    documented("getGroupClusterBackupTenantSnapshot", get_snapshot),
    documented("listGroupClusterBackupTenantRestores", list_restores),
    documented("listGroupClusterBackupTenantSnapshots", list_snapshots),
];

/// The lifetime of a snapshot link.
pub(crate) const LINK_LIFE: SignedDuration = SignedDuration::from_hours(4);
pub(crate) const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// The snapshot in a body.
pub(crate) fn snapshot_id(call: &Call<'_>) -> Result<SnapshotId, ApiError> {
    let text = call.text("snapshotId").unwrap_or_default();
    text.parse()
        .map_err(|_| refuse::invalid("snapshotId", "expected 24 hexadecimal digits"))
}

/// A field of the body with the name of a cluster, checked by the documented pattern.
pub(crate) fn target_name(call: &Call<'_>, field: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = call.text(field) else {
        return Ok(None);
    };
    match DeploymentItemName::parse(text) {
        Ok(name) => Ok(Some(name.to_string())),
        Err(error) => Err(refuse::invalid(field, &error.to_string())),
    }
}

fn asked<'a>(call: &'a Call<'_>, delivery: &'static str) -> Result<Asked<'a>, ApiError> {
    Ok(Asked {
        now: call.now,
        project: call.path("groupId"),
        cluster: call.path("clusterName"),
        through: Through::Tenant,
        snapshot: snapshot_id(call)?,
        delivery,
        point: None,
        target: target_name(call, "targetDeploymentItemName")?,
        target_project: call.text("targetProjectId").map(str::to_owned),
    })
}

fn download(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (id, job) = sandbox.begin_download(asked(call, "download")?, LINK_LIFE)?;
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn create_restore(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (id, job) = sandbox.begin_restore(asked(call, "automated")?)?;
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn list_restores(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(
        call.path("groupId"),
        call.path("clusterName"),
        Through::Tenant,
    )?;
    let jobs = backups.latest_jobs().into_iter();
    let jobs = jobs.map(|(id, job)| shown(sandbox, call, id, &job));
    Ok(Answer::list(jobs.collect()).unshaped())
}

fn get_restore(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(
        call.path("groupId"),
        call.path("clusterName"),
        Through::Tenant,
    )?;
    let id = call.id("restoreId")?;
    let job = backups.job(id)?.clone();
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn list_snapshots(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(
        call.path("groupId"),
        call.path("clusterName"),
        Through::Tenant,
    )?;
    let snapshots = backups.newest_first().into_iter();
    let snapshots = snapshots.map(|(id, it)| snapshot(id, it));
    Ok(Answer::list(snapshots.collect()).unshaped())
}

fn get_snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let backups = sandbox.find(
        call.path("groupId"),
        call.path("clusterName"),
        Through::Tenant,
    )?;
    let id = call.id("snapshotId")?;
    Ok(Answer::exactly(snapshot(id, backups.snapshot(id)?)))
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, id: RestoreJobId, job: &Job) -> Value {
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    let tenant = key(["groups", project, "clusters", cluster, "backup", "tenant"]);
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("clusterName", cluster.into());
    set("deliveryType", delivery(job).into());
    if job.is_download() {
        set("expirationDate", job.links_end.to_string().into());
    }
    set("id", id.to_string().into());
    set("links", own_links(call, &tenant));
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
    }
    if let Some(project) = &job.target_project {
        set("targetProjectId", project.clone().into());
    }
    Value::Object(shown)
}

/// The delivery of a job of the shared tier or of a Flex cluster.
pub(crate) fn delivery(job: &Job) -> &'static str {
    if job.is_download() {
        "DOWNLOAD"
    } else {
        "RESTORE"
    }
}

/// A snapshot of the shared tier or a Flex cluster.
pub(crate) fn snapshot(id: SnapshotId, snapshot: &Snapshot) -> Value {
    let begun = later(snapshot.finished, -MINUTE).to_string();
    json!({
        "expiration": snapshot.expires().to_string(),
        "finishTime": snapshot.finished.to_string(),
        "id": id.to_string(),
        "mongoDBVersion": MONGODB,
        "scheduledTime": begun,
        "startTime": begun,
        "status": "COMPLETED",
    })
}
