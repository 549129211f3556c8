//! Search indexes, which two families of operations show in their own forms.

use atlas_model::ApiError;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::find::{cluster_key, flex_key};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupClusterFtsIndex", create_fts),
    recorded("createGroupClusterSearchIndex", create),
    recorded("deleteGroupClusterFtsIndex", delete_fts),
    recorded("deleteGroupClusterSearchIndex", delete),
    documented("deleteGroupClusterSearchIndexByName", delete),
    recorded("getGroupClusterFtsIndex", get_fts),
    documented("getGroupClusterSearchIndex", get),
    documented("getGroupClusterSearchIndexByName", get),
    recorded("listGroupClusterFtsIndex", list_fts),
    documented("listGroupClusterSearchIndex", list),
    documented("listGroupClusterSearchIndexes", list),
    recorded("updateGroupClusterFtsIndex", update_fts),
    recorded("updateGroupClusterSearchIndex", update),
    documented("updateGroupClusterSearchIndexByName", update),
];

/// The fields of a request other than the definition.
const NAMES: [&str; 4] = ["collectionName", "database", "name", "type"];

/// The key of the indexes of a cluster of any kind.
fn collection(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_project(project)?;
    let keys = [cluster_key(project, name), flex_key(project, name)];
    let key = keys.into_iter().find(|key| sandbox.store.contains(key));
    match key {
        Some(key) => Ok(below(&below(&key, "search"), "indexes")),
        None => Err(refuse::no_cluster(name, project)),
    }
}

/// The key of the index that the path names by its id, or by database, collection and name.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let collection = collection(sandbox, call)?;
    let id = call.path("indexId");
    if !id.is_empty() {
        let key = below(&collection, id);
        return if sandbox.store.contains(&key) {
            Ok(key)
        } else {
            Err(refuse::missing("search index", id))
        };
    }
    let name = call.path("indexName");
    let found = sandbox.store.children(&collection).into_iter();
    let mut found =
        found.filter(|(_, index)| is_on(&index.body, call) && index.text("name") == Some(name));
    match found.next() {
        Some((key, _)) => Ok(key.to_owned()),
        None => Err(refuse::missing("search index", name)),
    }
}

/// Whether an index belongs to the collection that the path names.
fn is_on(index: &Value, call: &Call<'_>) -> bool {
    let is = |field: &str, parameter: &str| {
        index.get(field).and_then(Value::as_str) == Some(call.path(parameter))
    };
    is("database", "databaseName") && is("collectionName", "collectionName")
}

/// Creates an index from its definition; it becomes queryable some time later.
fn make(sandbox: &mut Sandbox, call: &Call<'_>, definition: &Value) -> Result<String, ApiError> {
    let collection = collection(sandbox, call)?;
    let text = |name: &str| call.text(name).unwrap_or_default();
    let taken = sandbox
        .store
        .children(&collection)
        .into_iter()
        .any(|(_, it)| {
            ["database", "collectionName", "name"]
                .iter()
                .all(|field| it.text(field) == Some(text(field)))
        });
    if taken {
        return Err(refuse::taken("search index", text("name")));
    }
    let id = sandbox.new_hex_id();
    let key = below(&collection, &id);
    let body = json!({
        "collectionName": text("collectionName"),
        "createdAt": call.now.to_string(),
        "database": text("database"),
        "definition": definition,
        "indexID": id,
        "name": text("name"),
        "ready": false,
        "type": call.text("type").unwrap_or("search"),
        "version": 0,
    });
    sandbox.write(&key, body, call)?;
    ready_later(sandbox, call, &key);
    Ok(key)
}

fn ready_later(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) {
    sandbox.store.unschedule(key);
    let at = later(call.now, sandbox.provisioning_time);
    let ready = Change::Merge(json!({"ready": true}));
    sandbox.store.schedule(at, key, ready);
}

/// Changes the definition of an index.
fn change(sandbox: &mut Sandbox, call: &Call<'_>, key: &str, definition: &Value) {
    let version = sandbox.body(key)["version"].as_u64().unwrap_or(0);
    let changed = json!({
        "createdAt": call.now.to_string(),
        "definition": definition,
        "ready": false,
        "version": version + 1,
    });
    sandbox.store.merge(key, &changed);
    ready_later(sandbox, call, key);
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let definition = call.body.get("definition");
    let definition = definition.cloned().unwrap_or_else(|| json!({}));
    let key = make(sandbox, call, &definition)?;
    Ok(Answer::exactly(shown(&sandbox.body(&key))))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let indexes = listed(sandbox, call)?;
    Ok(Answer::list(indexes.iter().map(shown).collect()).unshaped())
}

/// The indexes of a cluster, or of the collection that the path names.
fn listed(sandbox: &Sandbox, call: &Call<'_>) -> Result<Vec<Value>, ApiError> {
    let collection = collection(sandbox, call)?;
    let all = call.path("collectionName").is_empty();
    let indexes = sandbox.store.children(&collection).into_iter();
    let indexes = indexes.map(|(_, index)| index.body.clone());
    Ok(indexes.filter(|index| all || is_on(index, call)).collect())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(&sandbox.body(&key))))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    let definition = call.body.get("definition").cloned().unwrap_or_default();
    change(sandbox, call, &key, &definition);
    Ok(Answer::exactly(shown(&sandbox.body(&key))))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

/// An index in the form of the operations below `search`.
fn shown(index: &Value) -> Value {
    let ready = index["ready"] == true;
    let mut definition = store::object(&index["definition"]);
    if index["type"] == "search" {
        definition
            .entry("mappings")
            .or_insert_with(|| json!({"dynamic": true}));
    }
    definition
        .entry("numPartitions")
        .or_insert_with(|| 1.into());
    json!({
        "collectionName": index["collectionName"],
        "database": index["database"],
        "indexID": index["indexID"],
        "latestDefinition": definition,
        "latestDefinitionVersion": {
            "createdAt": index["createdAt"],
            "version": index["version"],
        },
        "name": index["name"],
        "queryable": ready,
        "status": if ready { "READY" } else { "PENDING" },
        "type": index["type"],
    })
}

fn create_fts(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = make(sandbox, call, &definition(&call.body))?;
    Ok(Answer::exactly(shown_fts(&sandbox.body(&key))))
}

/// The definition in a request of the operations below `fts`.
fn definition(body: &Value) -> Value {
    let mut definition = store::object(body);
    definition.retain(|name, _| !NAMES.contains(&name.as_str()));
    Value::Object(definition)
}

fn list_fts(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let indexes = listed(sandbox, call)?;
    Ok(Answer::list(indexes.iter().map(shown_fts).collect()).unshaped())
}

fn get_fts(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown_fts(&sandbox.body(&key))))
}

fn update_fts(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    change(sandbox, call, &key, &definition(&call.body));
    Ok(Answer::exactly(shown_fts(&sandbox.body(&key))))
}

fn delete_fts(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::braces().status(StatusCode::ACCEPTED))
}

/// An index in the form of the operations below `fts`.
fn shown_fts(index: &Value) -> Value {
    let mut shown: Map<String, Value> = store::object(&index["definition"]);
    for same in ["collectionName", "database", "indexID", "name", "type"] {
        shown.insert(same.to_owned(), index[same].clone());
    }
    let status = if index["ready"] == true {
        "STEADY"
    } else {
        "IN_PROGRESS"
    };
    shown.insert("status".to_owned(), status.into());
    if index["type"] == "search" {
        shown
            .entry("mappings")
            .or_insert_with(|| json!({"dynamic": true}));
        shown.entry("synonyms").or_insert_with(|| json!([]));
    }
    Value::Object(shown)
}
