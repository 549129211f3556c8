//! Restore jobs of dedicated clusters.

use atlas_model::{ApiError, RestoreJobId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::refuse;
use crate::backups::{Job, Progress};
use crate::behaviour::snapshots::backups;
use crate::behaviour::tenant::snapshot_id;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{Through, cluster_key};
use crate::jobs::Asked;
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("cancelGroupClusterBackupRestoreJob", cancel),
    recorded("createGroupClusterBackupRestoreJob", create),
    recorded("getGroupClusterBackupRestoreJob", get),
    recorded("listGroupClusterBackupRestoreJobs", list),
];

/// The lifetime of the links of a dedicated cluster.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let delivery = match call.text("deliveryType") {
        Some("download") => "download",
        Some("pointInTime") => "pointInTime",
        _ => "automated",
    };
    let snapshot = if call.body.get("snapshotId").is_some() {
        snapshot_id(call)?
    } else if delivery == "pointInTime" {
        let backups = backups(sandbox, call, None)?;
        let complete = backups
            .newest_first()
            .into_iter()
            .find(|(_, snapshot)| snapshot.progress(call.now) == Progress::Completed);
        match complete {
            Some((id, _)) => id,
            None => return Err(refuse::invalid("snapshotId", "there is no snapshot")),
        }
    } else {
        return Err(refuse::invalid("snapshotId", "required field is missing"));
    };
    let target = call.text("targetClusterName").map(str::to_owned);
    if delivery != "download" && target.is_none() {
        let problem = "required field is missing";
        return Err(refuse::invalid("targetClusterName", problem));
    }
    let asked = Asked {
        now: call.now,
        project: call.path("groupId"),
        cluster: call.path("clusterName"),
        through: Through::Backup,
        snapshot,
        delivery,
        point: point(call).filter(|_| delivery == "pointInTime"),
        target,
        target_project: call.text("targetGroupId").map(str::to_owned),
    };
    let (id, job) = if delivery == "download" {
        sandbox.begin_download(asked, LINK_LIFE)?
    } else {
        sandbox.begin_restore(asked)?
    };
    let mut shown = shown(sandbox, call, id, &job);
    // The links only appear in later responses, however soon they are ready.
    shown["deliveryUrl"] = json!([]);
    if let Some(fields) = shown.as_object_mut() {
        for late in ["components", "expiresAt"] {
            fields.remove(late);
        }
    }
    Ok(Answer::exactly(shown))
}

/// The point in time of a request, as a second or as an entry of the operation log.
fn point(call: &Call<'_>) -> Option<(i64, i64)> {
    let number = |name: &str| call.body.get(name)?.as_i64();
    let second = number("pointInTimeUTCSeconds").or_else(|| number("oplogTs"))?;
    Some((second, number("oplogInc").unwrap_or(1)))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let jobs = backups(sandbox, call, None)?.latest_jobs().into_iter();
    let jobs = jobs.map(|(id, job)| shown(sandbox, call, id, &job));
    Ok(Answer::list(jobs.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.id("restoreJobId")?;
    let job = backups(sandbox, call, None)?.job(id)?.clone();
    Ok(Answer::exactly(shown(sandbox, call, id, &job)))
}

fn cancel(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.id("restoreJobId")?;
    let backups = backups(sandbox, call, None)?;
    backups.job(id)?;
    if let Some(job) = backups.jobs.get_mut(&id) {
        job.cancelled = true;
    }
    Ok(Answer::empty())
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, id: RestoreJobId, job: &Job) -> Value {
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    let links = if job.cancelled {
        Vec::new()
    } else {
        sandbox.job_links(job, call.now)
    };
    let ended = job.finished(call.now);
    let fails = job.fails && ended.is_some();
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    // As recorded, a failed job is cancelled and finished too.
    set("cancelled", (job.cancelled || fails).into());
    if job.signatures.len() > 1 && !links.is_empty() {
        let members = links.iter().enumerate().map(|(shard, link)| {
            json!({
                "downloadUrl": link,
                "replicaSetName": format!("{cluster}-shard-{shard}"),
            })
        });
        set("components", members.collect());
    }
    set("deliveryType", job.delivery.into());
    if job.is_download() && !links.is_empty() || job.expired(call.now) {
        set("expiresAt", job.links_end.to_string().into());
    }
    set("deliveryUrl", links.into());
    let date = job
        .point
        .and_then(|(second, _)| Timestamp::from_second(second).ok());
    let desired = json!({
        "date": date.map(|date| date.to_string()),
        "increment": job.point.map(|(_, increment)| increment),
        "time": null,
    });
    set("desiredTimestamp", desired);
    set("expired", job.expired(call.now).into());
    set("failed", fails.into());
    if let Some(ended) = ended.filter(|_| !job.is_download() || fails) {
        set("finishedAt", ended.to_string().into());
    }
    set("id", id.to_string().into());
    let backup = below(&cluster_key(project, cluster), "backup");
    let own = below(&below(&backup, "restoreJobs"), &id.to_string());
    set("links", own_links(call, &own));
    set("snapshotId", job.snapshot.to_string().into());
    if let Some(target) = &job.target {
        set("targetClusterName", target.clone().into());
        set(
            "targetDeploymentItemName",
            format!("{target}-shard-0").into(),
        );
        let target_project = job.target_project.as_deref().unwrap_or(project);
        set("targetGroupId", target_project.into());
    }
    set("timestamp", job.snapshot_finished.to_string().into());
    Value::Object(shown)
}
