//! The export of logs to a bucket; a project has one.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::behaviour::{Behaviour, documented};
use crate::store::{self, Change};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("createGroupPushBasedLogExport", create),
    documented("deleteGroupPushBasedLogExport", delete),
    documented("getGroupPushBasedLogExport", get),
    documented("updateGroupPushBasedLogExport", update),
];

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = call.whole_key();
    let mut body = json!({"state": "UNCONFIGURED"});
    store::merge(&mut body, &sandbox.body(&key));
    Ok(Answer::exactly(linked(call, &key, body)))
}

/// Changes fields of the export, which becomes active after some time.
fn change(sandbox: &mut Sandbox, call: &Call<'_>, mut body: Value) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let key = call.whole_key();
    store::merge(&mut body, &call.body);
    body["state"] = "INITIATING".into();
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    let at = later(call.now, sandbox.provisioning_time);
    let active = Change::Merge(json!({"state": "ACTIVE"}));
    sandbox.store.schedule(at, &key, active);
    Ok(Answer::empty())
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let created = json!({"createDate": call.now.to_string()});
    change(sandbox, call, created)
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let mut body = json!({"createDate": call.now.to_string()});
    store::merge(&mut body, &sandbox.body(&call.whole_key()));
    change(sandbox, call, body)
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    sandbox.store.remove(&call.whole_key());
    sandbox.writes += 1;
    Ok(Answer::empty())
}
