//! The content of dedicated clusters' snapshots: the same databases in each.

use atlas_model::{ApiError, SnapshotId};
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented};
use crate::find::Through;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getGroupClusterBackupSnapshotDatabase", get_database),
    documented(
        "getGroupClusterBackupSnapshotDatabaseCollection",
        get_collection,
    ),
    documented(
        "listGroupClusterBackupSnapshotDatabaseCollections",
        list_collections,
    ),
    documented("listGroupClusterBackupSnapshotDatabases", list_databases),
];

/// The databases of every snapshot, each with its collections.
pub(crate) const DATABASES: [(&str, [&str; 2]); 2] = [
    ("sample", ["people", "places"]),
    ("shop", ["carts", "orders"]),
];

fn check_snapshot(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<(), ApiError> {
    let (project, cluster) = (call.path("groupId"), call.path("clusterName"));
    let backups = sandbox.find(project, cluster, Through::Backup)?;
    let id: SnapshotId = call.id("snapshotId")?;
    backups.snapshot(id).map(drop)
}

fn list_databases(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_snapshot(sandbox, call)?;
    let databases = DATABASES.iter().map(|(name, _)| named(name));
    Ok(Answer::list(databases.collect()))
}

fn get_database(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_snapshot(sandbox, call)?;
    let name = call.path("databaseName");
    collections(name)?;
    Ok(Answer::one(named(name)))
}

fn list_collections(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_snapshot(sandbox, call)?;
    let collections = collections(call.path("databaseName"))?.iter();
    Ok(Answer::list(collections.map(|name| named(name)).collect()))
}

fn get_collection(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_snapshot(sandbox, call)?;
    let name = call.path("collectionName");
    if collections(call.path("databaseName"))?.contains(&name) {
        Ok(Answer::one(named(name)))
    } else {
        Err(refuse::missing("collection", name))
    }
}

fn named(name: &str) -> Value {
    json!({ "name": name })
}

fn collections(database: &str) -> Result<&'static [&'static str], ApiError> {
    let known = DATABASES.iter().find(|(name, _)| *name == database);
    known
        .map(|(_, collections)| &collections[..])
        .ok_or_else(|| refuse::missing("database", database))
}
