//! Live migrations into clusters: they validate and run for some time, and end with the cutover.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::store::{Change, below, last};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupLiveMigration", create),
    documented("cutoverGroupLiveMigration", cut_over),
    documented("getGroupLiveMigration", get),
    documented("getGroupLiveMigrationValidateStatus", get_validation),
    documented("listOrgLiveMigrationAvailableProjects", list_projects),
    documented("validateGroupLiveMigrations", validate),
];

fn collection(sandbox: &Sandbox, call: &Call<'_>, name: &str) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    Ok(below(&project_key(project), name))
}

fn known(sandbox: &Sandbox, key: String, kind: &str, id: &str) -> Result<String, ApiError> {
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(refuse::missing(kind, id))
    }
}

fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.path("liveMigrationId");
    let key = below(&collection(sandbox, call, "liveMigrations")?, id);
    known(sandbox, key, "live migration", id)
}

/// Returns 404 unless the target cluster of a migration exists.
fn check_destination(sandbox: &Sandbox, call: &Call<'_>) -> Result<(), ApiError> {
    let destination = &call.body["destination"];
    let text = |field: &str| destination[field].as_str().unwrap_or_default();
    let (cluster, project) = (text("clusterName"), text("groupId"));
    sandbox.check_project(project)?;
    if sandbox.lives(project, cluster) {
        Ok(())
    } else {
        Err(refuse::no_cluster(cluster, project))
    }
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call, "liveMigrations")?;
    let id = sandbox.new_hex_id();
    let body = json!({
        "_id": id,
        "migrationHosts": call.body["migrationHosts"],
        "readyForCutover": false,
        "status": "NEW",
    });
    let key = below(&collection, &id);
    sandbox.write(&key, body, call)?;
    let time = sandbox.provisioning_time;
    let working = json!({"lagTimeSeconds": 30, "status": "WORKING"});
    let ready = json!({"lagTimeSeconds": 1, "readyForCutover": true});
    let at = later(call.now, time);
    sandbox.store.schedule(at, &key, Change::Merge(working));
    let at = later(at, time);
    sandbox.store.schedule(at, &key, Change::Merge(ready));
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(sandbox.body(&key)))
}

/// Ends a migration, even one that is not ready yet.
fn cut_over(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.unschedule(&key);
    let done = json!({"lagTimeSeconds": null, "readyForCutover": false, "status": "COMPLETE"});
    sandbox.store.merge(&key, &done);
    Ok(Answer::empty())
}

/// Validates a migration; the validation succeeds after some time if the cluster exists.
fn validate(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let collection = collection(sandbox, call, "liveMigrationValidations")?;
    let id = sandbox.new_hex_id();
    let outcome = match check_destination(sandbox, call) {
        Ok(()) => json!({"status": "SUCCESS"}),
        Err(error) => json!({"errorMessage": error.detail, "status": "FAILED"}),
    };
    let body = json!({
        "_id": id,
        "groupId": call.path("groupId"),
        "sourceGroupId": call.body["source"]["groupId"],
        "status": "PENDING",
    });
    let key = below(&collection, &id);
    sandbox.write(&key, body, call)?;
    let at = later(call.now, sandbox.provisioning_time);
    sandbox.store.schedule(at, &key, Change::Merge(outcome));
    Ok(Answer::exactly(sandbox.body(&key)))
}

fn get_validation(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("validationId");
    let key = below(&collection(sandbox, call, "liveMigrationValidations")?, id);
    let key = known(sandbox, key, "validation", id)?;
    let body: Value = sandbox.body(&key);
    Ok(Answer::exactly(body))
}

/// The projects of the organization, with their clusters.
fn list_projects(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let org = call.path("orgId");
    let projects = sandbox.store.children("/groups").into_iter();
    let projects = projects.filter(|(_, project)| project.text("orgId") == Some(org));
    let shown: Value = projects
        .map(|(key, project)| {
            json!({
                "deployments": [],
                "migrationHosts": [],
                "name": project.text("name").unwrap_or_default(),
                "projectId": last(key),
            })
        })
        .collect();
    Ok(Answer::exactly(shown))
}
