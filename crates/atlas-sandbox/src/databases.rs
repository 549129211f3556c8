//! What is in the snapshots of dedicated clusters: the same databases in each.

use atlas_model::api_error::code;
use atlas_model::cloud_backups::{DiskBackupCollectionResponse, DiskBackupDatabaseResponse};
use atlas_model::{ApiError, Page};

use crate::find::missing;
use crate::handle::Call;
use crate::lists::page;
use crate::operations::{
    GetSnapshotCollection, GetSnapshotDatabase, ListSnapshotCollections, ListSnapshotDatabases,
};
use crate::world::Sandbox;

/// Databases that every snapshot has, each with its collections.
const DATABASES: [(&str, [&str; 2]); 2] = [
    ("sample", ["people", "places"]),
    ("shop", ["carts", "orders"]),
];

impl Sandbox {
    pub(crate) fn list_snapshot_databases(
        &mut self,
        call: Call<'_>,
        asked: &ListSnapshotDatabases,
    ) -> Result<Page<DiskBackupDatabaseResponse>, ApiError> {
        self.backed_up(asked.project, &asked.cluster, None)?
            .snapshot(asked.snapshot)?;
        let databases = DATABASES.iter().map(|(name, _)| database(name));
        let (size, number) = (asked.items_per_page, asked.page_number);
        Ok(page(
            call,
            databases.collect(),
            size,
            number,
            asked.include_count,
        ))
    }

    pub(crate) fn get_snapshot_database(
        &mut self,
        _: Call<'_>,
        asked: &GetSnapshotDatabase,
    ) -> Result<DiskBackupDatabaseResponse, ApiError> {
        self.backed_up(asked.project, &asked.cluster, None)?
            .snapshot(asked.snapshot)?;
        collections(asked.database.as_str())?;
        Ok(database(asked.database.as_str()))
    }

    pub(crate) fn list_snapshot_collections(
        &mut self,
        call: Call<'_>,
        asked: &ListSnapshotCollections,
    ) -> Result<Page<DiskBackupCollectionResponse>, ApiError> {
        self.backed_up(asked.project, &asked.cluster, None)?
            .snapshot(asked.snapshot)?;
        let collections = collections(asked.database.as_str())?.iter();
        let (size, number) = (asked.items_per_page, asked.page_number);
        let collections = collections.map(|name| collection(name)).collect();
        Ok(page(call, collections, size, number, asked.include_count))
    }

    pub(crate) fn get_snapshot_collection(
        &mut self,
        _: Call<'_>,
        asked: &GetSnapshotCollection,
    ) -> Result<DiskBackupCollectionResponse, ApiError> {
        self.backed_up(asked.project, &asked.cluster, None)?
            .snapshot(asked.snapshot)?;
        let name = asked.collection.as_str();
        if collections(asked.database.as_str())?.contains(&name) {
            Ok(collection(name))
        } else {
            Err(missing(code::RESOURCE_NOT_FOUND, "collection", name))
        }
    }
}

fn database(name: &str) -> DiskBackupDatabaseResponse {
    let mut shown = DiskBackupDatabaseResponse::default();
    shown.name = Some(name.into());
    shown
}

fn collection(name: &str) -> DiskBackupCollectionResponse {
    let mut shown = DiskBackupCollectionResponse::default();
    shown.name = Some(name.into());
    shown
}

fn collections(database: &str) -> Result<&'static [&'static str], ApiError> {
    let known = DATABASES.iter().find(|(name, _)| *name == database);
    known
        .map(|(_, collections)| &collections[..])
        .ok_or_else(|| missing(code::RESOURCE_NOT_FOUND, "database", database))
}
