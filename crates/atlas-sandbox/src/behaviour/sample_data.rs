//! Loads of sample data.

use atlas_model::ApiError;
use serde_json::json;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::{absent, project_key};
use crate::api::refuse;
use crate::behaviour::{Behaviour, recorded};
use crate::store::{Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("getGroupSampleDatasetLoad", get),
    recorded("requestGroupSampleDatasetLoad", request),
];

fn loads(project: &str) -> String {
    below(&project_key(project), "sampleDatasetLoad")
}

/// Starts a load into the cluster that the path names.
fn request(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("name"));
    sandbox.check_project(project)?;
    if !sandbox.lives(project, name) {
        return Err(refuse::no_cluster(name, project));
    }
    let id = sandbox.new_hex_id();
    let body = json!({
        "_id": id,
        "clusterName": name,
        "completeDate": null,
        "createDate": call.now.to_string(),
        "errorMessage": null,
        "state": "WORKING",
    });
    let key = below(&loads(project), &id);
    sandbox.write(&key, body.clone(), call)?;
    let at = later(call.now, sandbox.provisioning_time);
    let done = json!({"completeDate": at.to_string(), "state": "COMPLETED"});
    sandbox.store.schedule(at, &key, Change::Merge(done));
    Ok(Answer::exactly(body))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let key = below(&loads(project), call.path("sampleDatasetId"));
    if sandbox.store.contains(&key) {
        Ok(Answer::exactly(sandbox.body(&key)))
    } else {
        Err(absent(&key))
    }
}
