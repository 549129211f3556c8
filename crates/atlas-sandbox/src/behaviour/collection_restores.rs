//! Restores of single collections from snapshots.

use atlas_model::{ApiError, SnapshotId};
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::absent;
use crate::api::refuse;
use crate::behaviour::databases::DATABASES;
use crate::behaviour::exports::part;
use crate::behaviour::{Behaviour, documented};
use crate::find::{Through, cluster_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupClusterCollectionRestoreJob", create),
    documented("getGroupClusterCollectionRestoreJob", get),
    documented("getGroupClusterCollectionRestoreJobCollection", collection),
    documented(
        "listGroupClusterCollectionRestoreJobCollections",
        collections,
    ),
    documented("listGroupClusterCollectionRestoreJobs", list),
];

/// The number of documents of each collection.
const DOCUMENTS: u64 = 100;

fn jobs(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_cluster(project, name, Through::Cluster)?;
    Ok(below(&cluster_key(project, name), "collectionRestoreJobs"))
}

fn job(sandbox: &Sandbox, call: &Call<'_>) -> Result<Value, ApiError> {
    let key = below(&jobs(sandbox, call)?, call.path("jobId"));
    if sandbox.store.contains(&key) {
        Ok(sandbox.body(&key))
    } else {
        Err(absent(&key))
    }
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    let jobs = jobs(sandbox, call)?;
    let target = call.text("targetClusterName").unwrap_or_default();
    let target_project = call.text("targetGroupId").unwrap_or(project);
    sandbox.check_cluster(target_project, target, Through::Cluster)?;
    if let Some(text) = call.text("snapshotId") {
        let id: SnapshotId = text
            .parse()
            .map_err(|_| refuse::missing("snapshot", text))?;
        sandbox.find(project, name, Through::Backup)?.snapshot(id)?;
    }
    let id = sandbox.new_hex_id();
    let mut body = json!({
        "createdAt": call.now.to_string(),
        "id": id,
        "indexStatus": {"failedCollectionCount": 0, "state": "NOT_STARTED"},
        "restoredDocuments": 0,
        "state": "INITIALIZING",
        "totalDocuments": 0,
    });
    store::merge(&mut body, &Value::Object(store::object(&call.body)));
    let total = namespaces(&body).len() as u64 * DOCUMENTS;
    body["totalDocuments"] = total.into();
    let key = below(&jobs, &id);
    sandbox.write(&key, body.clone(), call)?;
    let time = sandbox.restore_time;
    let indexes = match body["indexStrategy"].as_str() {
        Some("NONE") => "NOT_RESTORED",
        _ => "SUCCESSFUL",
    };
    for (numerator, change) in [
        (1, json!({"state": "IN_PROGRESS"})),
        (
            2,
            json!({"restoredDocuments": total, "state": "FINALIZING"}),
        ),
    ] {
        let at = later(call.now, part(time, numerator, 3));
        sandbox.store.schedule(at, &key, Change::Merge(change));
    }
    let ends = later(call.now, time);
    let done = json!({
        "finishedAt": ends.to_string(),
        "indexStatus": {"failedCollectionCount": 0, "state": indexes},
        "restoredDocuments": total,
        "state": "SUCCESSFUL",
    });
    sandbox.store.schedule(ends, &key, Change::Merge(done));
    sandbox.writes += 1;
    Ok(Answer::exactly(body))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let jobs = jobs(sandbox, call)?;
    let jobs = sandbox.store.children(&jobs).into_iter();
    let jobs = jobs.map(|(_, job)| job.body.clone());
    Ok(Answer::list(jobs.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(Answer::exactly(job(sandbox, call)?))
}

/// The namespaces that a job restores: source and target.
fn namespaces(job: &Value) -> Vec<(String, String)> {
    let pairs = |field: &str| {
        let all = job[field].as_array().into_iter().flatten();
        let all = all.map(|pair| {
            let from = pair["sourceNamespace"].as_str().unwrap_or_default();
            let to = pair["targetNamespace"].as_str().unwrap_or(from);
            (from.to_owned(), to.to_owned())
        });
        all.collect::<Vec<_>>()
    };
    let mut namespaces = pairs("collections");
    let mut databases = pairs("databases");
    if namespaces.is_empty() && databases.is_empty() {
        let all = DATABASES.iter();
        databases.extend(all.map(|(name, _)| ((*name).to_owned(), (*name).to_owned())));
    }
    for (from, to) in databases {
        let known = DATABASES.iter().find(|(name, _)| *name == from);
        for name in known.map_or(&[][..], |(_, collections)| collections) {
            namespaces.push((format!("{from}.{name}"), format!("{to}.{name}")));
        }
    }
    namespaces
}

/// The state of each collection of a job.
fn states(job: &Value) -> Vec<Value> {
    let state = match job["state"].as_str() {
        Some("INITIALIZING") => "NOT_STARTED",
        Some(known @ ("IN_PROGRESS" | "FINALIZING" | "FAILED")) => known,
        _ => "SUCCESSFUL",
    };
    let restored = match state {
        "NOT_STARTED" | "IN_PROGRESS" => 0,
        _ => DOCUMENTS,
    };
    let suffix = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let (of_database, of_collection) = (suffix("databaseSuffix"), suffix("collectionSuffix"));
    let states = namespaces(job).into_iter().map(|(from, to)| {
        let effective = match to.split_once('.') {
            Some((database, name)) => {
                format!("{database}{of_database}.{name}{of_collection}")
            }
            None => to.clone(),
        };
        json!({
            "effectiveTargetNamespace": effective,
            "indexStatus": {"failedIndexes": [], "state": job["indexStatus"]["state"]},
            "restoredDocuments": restored,
            "sourceNamespace": from,
            "state": state,
            "targetNamespace": to,
            "totalDocuments": DOCUMENTS,
        })
    });
    states.collect()
}

fn collections(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let job = job(sandbox, call)?;
    Ok(Answer::list(states(&job)).unshaped())
}

fn collection(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let job = job(sandbox, call)?;
    let name = call.path("sourceNamespace");
    let mut states = states(&job).into_iter();
    let found = states.find(|state| state["sourceNamespace"] == name);
    match found {
        Some(state) => Ok(Answer::exactly(state)),
        None => Err(refuse::missing("collection of the restore job", name)),
    }
}
