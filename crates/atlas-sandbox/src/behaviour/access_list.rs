//! The access lists of projects.

use atlas_model::ApiError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::access_entries::{Block, full};
use crate::behaviour::project_settings::limit_of;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupAccessListEntry", create),
    recorded("deleteGroupAccessListEntry", delete),
    recorded("getGroupAccessListEntry", get),
    documented("getGroupAccessListStatus", status),
    recorded("listGroupAccessListEntries", list),
];

/// The time until an entry takes effect.
const EFFECT: SignedDuration = SignedDuration::from_secs(10);

/// The key of the list of a call.
fn list_key(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    Ok(below(&call.key(2), "accessList"))
}

/// The key of the entry of a call.
fn entry_key(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let list = list_key(sandbox, call)?;
    let text = call.path("entryValue");
    let name = Block::parse(text).map_or_else(|| text.to_owned(), |block| block.cidr());
    let key = below(&list, &name);
    if sandbox.store.contains(&key) {
        return Ok(key);
    }
    let project = call.path("groupId");
    let detail = format!("{text} is not on the access list of project {project}.");
    let code = "ATLAS_NETWORK_PERMISSION_ENTRY_NOT_FOUND";
    Err(refuse::not_found(code, detail, &[text, project]))
}

/// An entry of a request: its name and its body.
fn entry(call: &Call<'_>, asked: &Value) -> Result<(String, Value), ApiError> {
    let mut body = json!({"groupId": call.path("groupId")});
    for field in ["comment", "deleteAfterDate"] {
        if let Some(value) = asked.get(field).filter(|value| !value.is_null()) {
            body[field] = value.clone();
        }
    }
    let ends = body.get("deleteAfterDate").and_then(Value::as_str);
    let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
    if ends.is_some_and(|ends| ends <= call.now) {
        return Err(refuse::invalid("deleteAfterDate", "is in the past"));
    }
    if let Some(block) = Block::of_entry(asked)? {
        body["cidrBlock"] = block.cidr().into();
        if let Some(address) = block.address() {
            body["ipAddress"] = address.into();
        }
        return Ok((block.cidr(), body));
    }
    let group = asked.get("awsSecurityGroup").and_then(Value::as_str);
    let Some(group) = group else {
        let problem = "expected one of awsSecurityGroup, cidrBlock and ipAddress";
        return Err(refuse::invalid("ipAddress", problem));
    };
    body["awsSecurityGroup"] = group.into();
    Ok((group.to_owned(), body))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let list = list_key(sandbox, call)?;
    let asked = call.body.as_array().into_iter().flatten();
    let entries: Result<Vec<_>, ApiError> = asked.map(|asked| entry(call, asked)).collect();
    let project = call.path("groupId");
    let most = limit_of(
        sandbox,
        project,
        "atlas.project.security.networkAccess.entries",
    );
    for (name, body) in entries? {
        let key = below(&list, &name);
        if !sandbox.store.contains(&key) && sandbox.store.children(&list).len() >= most {
            return Err(full(most));
        }
        let ends = body.get("deleteAfterDate").and_then(Value::as_str);
        let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
        sandbox.write(&key, body, call)?;
        if let Some(ends) = ends {
            sandbox.store.schedule(ends, &key, Change::Remove);
        }
    }
    Ok(all(sandbox, call, &list))
}

fn all(sandbox: &Sandbox, call: &Call<'_>, list: &str) -> Answer {
    let entries = sandbox.store.children(list).into_iter();
    let entries = entries.map(|(key, _)| shown(sandbox, call, key));
    Answer::list(entries.collect()).unshaped()
}

fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    linked(call, key, sandbox.body(key))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let list = list_key(sandbox, call)?;
    Ok(all(sandbox, call, &list))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = entry_key(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = entry_key(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

fn status(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = entry_key(sandbox, call)?;
    let created = sandbox.store.get(&key).map(|entry| entry.created);
    let time = sandbox.provisioning_time.min(EFFECT);
    let has_effect = created.is_none_or(|created| later(created, time) <= call.now);
    let status = if has_effect { "ACTIVE" } else { "PENDING" };
    Ok(Answer::one(json!({"STATUS": status})))
}
