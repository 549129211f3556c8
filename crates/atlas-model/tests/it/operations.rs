//! The first 39 operations: their requests, byte for byte.

use atlas_model::cloud_backups as backups;
use atlas_model::clusters::{GetCluster, ListClusterDetails, ListClusters};
use atlas_model::flex_clusters as flex;
use atlas_model::flex_restore_jobs as flex_jobs;
use atlas_model::flex_snapshots;
use atlas_model::projects::{GetGroup, ListGroups};
use atlas_model::shared_tier_restore_jobs as tenant_jobs;
use atlas_model::shared_tier_snapshots as tenant;
use atlas_model::{
    BuildError, CallOptions, ClusterName, CompactString, ItemsPerPage, ObjectId, Operation,
    OperationExt, PageNumber, ProjectId, RestoreJobId, SnapshotId,
};
use serde_json::{Value, json};

use crate::fixture_json;

const ID: &str = "32b6e34b3d91647abb20e7b8";
const DATABASE: &str = "a/b? c%\u{e9}";

fn project() -> ProjectId {
    ID.parse().unwrap()
}

fn cluster() -> ClusterName {
    "Cluster0".parse().unwrap()
}

fn snapshot() -> SnapshotId {
    ID.parse().unwrap()
}

fn job() -> RestoreJobId {
    ID.parse().unwrap()
}

/// Sets the page to request.
macro_rules! paged {
    ($list:expr) => {
        $list
            .include_count(true)
            .items_per_page(ItemsPerPage::new(7).unwrap())
            .page_number(PageNumber::new(7).unwrap())
    };
}

fn wire<O: Operation>(operation: &O) -> Value {
    let request = operation.to_request(&CallOptions::default()).unwrap();
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    json!({
        "operation": O::META.id,
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "headers": headers,
        "body": std::str::from_utf8(request.body()).unwrap(),
    })
}

#[test]
#[allow(clippy::too_many_lines, reason = "39 operations")]
fn the_first_39_operations_are_sent_byte_for_byte_as_recorded() {
    let restore = || tenant::TenantRestore::new(snapshot(), "any".parse().unwrap());
    let download =
        backups::DiskBackupSnapshotRestoreJob::new(backups::BackupDeliveryType::Download)
            .snapshot_id(snapshot());
    let on_demand = backups::DiskBackupOnDemandSnapshotRequest::new()
        .description("d")
        .retention_in_days(1);
    let retention = backups::BackupSnapshotRetention::new()
        .retention_unit("DAYS")
        .retention_value(5);
    let settings = flex::FlexProviderSettingsCreate::new("AWS", "US_EAST_1");
    let create = flex::FlexClusterDescriptionCreate::new(cluster(), settings)
        .tags(vec![flex::ResourceTag::new("k", "v")]);
    let update = flex::FlexClusterDescriptionUpdate::new().termination_protection_enabled(true);
    let upgrade = flex::AtlasTenantClusterUpgradeRequest::new(cluster()).backup_enabled(true);
    let flex_restore =
        flex_jobs::FlexBackupRestoreJobCreate::new(snapshot(), "any".parse().unwrap());
    let flex_download = flex_snapshots::FlexBackupSnapshotDownloadCreate::new(snapshot());

    let sent = [
        wire(&tenant::DownloadClusterBackupTenant::new(
            project(),
            cluster(),
            restore(),
        )),
        wire(&tenant_jobs::CreateBackupTenantRestore::new(
            project(),
            cluster(),
            restore(),
        )),
        wire(&tenant_jobs::ListBackupTenantRestores::new(
            project(),
            cluster(),
        )),
        wire(&tenant_jobs::GetBackupTenantRestore::new(
            project(),
            cluster(),
            job(),
        )),
        wire(&tenant::ListClusterBackupSnapshots::new(
            project(),
            cluster(),
        )),
        wire(&tenant::GetBackupTenantSnapshot::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&paged!(ListClusterDetails::new())),
        wire(&paged!(ListGroups::new())),
        wire(&GetGroup::new(project())),
        wire(
            &paged!(ListClusters::new(project()))
                .include_deleted_with_retained_backups(true)
                .use_effective_instance_fields(true),
        ),
        wire(
            &GetCluster::new(project(), cluster())
                .use_effective_instance_fields(true)
                .use_effective_fields_replication_specs(true),
        ),
        wire(&paged!(backups::ListBackupRestoreJobs::new(
            project(),
            cluster()
        ))),
        wire(&backups::CreateBackupRestoreJob::new(
            project(),
            cluster(),
            download,
        )),
        wire(&backups::CancelBackupRestoreJob::new(
            project(),
            cluster(),
            job(),
        )),
        wire(&backups::GetBackupRestoreJob::new(
            project(),
            cluster(),
            job(),
        )),
        wire(
            &paged!(backups::ListBackupSnapshots::new(project(), cluster()))
                .oplog_inc(7)
                .oplog_ts(7)
                .point_in_time_utc_seconds(7),
        ),
        wire(&backups::TakeSnapshots::new(
            project(),
            cluster(),
            on_demand,
        )),
        wire(&backups::DeleteClusterBackupSnapshot::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&backups::GetClusterBackupSnapshot::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&backups::UpdateBackupSnapshot::new(
            project(),
            cluster(),
            snapshot(),
            retention,
        )),
        wire(&paged!(backups::ListBackupSnapshotDatabases::new(
            project(),
            cluster(),
            snapshot()
        ))),
        wire(&backups::GetBackupSnapshotDatabase::new(
            project(),
            cluster(),
            snapshot(),
            DATABASE,
        )),
        wire(&paged!(backups::ListSnapshotDatabaseCollections::new(
            project(),
            cluster(),
            snapshot(),
            DATABASE
        ))),
        wire(&backups::GetSnapshotDatabaseCollection::new(
            project(),
            cluster(),
            snapshot(),
            DATABASE,
            "...",
        )),
        wire(&backups::DeleteBackupShardedCluster::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&backups::GetBackupShardedCluster::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&backups::ListBackupShardedClusters::new(
            project(),
            cluster(),
        )),
        wire(&paged!(flex::ListFlexClusters::new(project()))),
        wire(&flex::CreateFlexCluster::new(project(), create)),
        wire(&flex::DeleteFlexCluster::new(project(), cluster())),
        wire(&flex::GetFlexCluster::new(project(), cluster())),
        wire(&flex::UpdateFlexCluster::new(project(), cluster(), update)),
        wire(&flex_snapshots::DownloadFlexBackup::new(
            project(),
            cluster(),
            flex_download,
        )),
        wire(&paged!(flex_jobs::ListFlexRestoreJobs::new(
            project(),
            cluster()
        ))),
        wire(&flex_jobs::CreateFlexRestoreJob::new(
            project(),
            cluster(),
            flex_restore,
        )),
        wire(&flex_jobs::GetFlexRestoreJob::new(
            project(),
            cluster(),
            job(),
        )),
        wire(&paged!(flex_snapshots::ListFlexBackupSnapshots::new(
            project(),
            cluster()
        ))),
        wire(&flex_snapshots::GetFlexBackupSnapshot::new(
            project(),
            cluster(),
            snapshot(),
        )),
        wire(&flex::TenantUpgrade::new(project(), upgrade)),
    ];
    let recorded = fixture_json("wire.json");
    let recorded = recorded.as_array().unwrap();
    assert_eq!(sent.len(), recorded.len());
    for (sent, recorded) in sent.iter().zip(recorded) {
        assert_eq!(sent, recorded);
    }
}

#[test]
fn a_name_never_adds_a_segment_to_the_path() {
    let named = |name: &str| {
        let get = backups::GetBackupSnapshotDatabase::new(project(), cluster(), snapshot(), name);
        get.to_request(&CallOptions::default())
    };
    for name in ["", ".", ".."] {
        let error = named(name).unwrap_err();
        assert!(
            matches!(
                error,
                BuildError::Parameter {
                    parameter: "databaseName",
                    ..
                }
            ),
            "{error}"
        );
    }
    let segments = backups::GetBackupSnapshotDatabase::META
        .path
        .split('/')
        .count();
    for name in [
        "a/../b",
        "%2e%2e",
        "a?b#c",
        "\0\n",
        "\u{1f600}",
        "...",
        "a;b",
    ] {
        let request = named(name).unwrap();
        let path = request.uri().path();
        assert_eq!(path.split('/').count(), segments, "{path}");
        let captured = backups::GetBackupSnapshotDatabase::META
            .captures(path)
            .unwrap();
        let (_, raw) = captured.last().unwrap();
        let read = percent_encoding::percent_decode_str(raw)
            .decode_utf8()
            .unwrap();
        assert_eq!(read, name);
    }
}

#[test]
fn a_typed_id_converts_to_an_object_id_and_back() {
    assert_eq!(ObjectId::from(project()).to_string(), ID);
    assert_eq!(ObjectId::from(snapshot()), ObjectId::from(job()));
    assert_eq!(CompactString::from(project()), ID);
}

#[test]
fn the_responding_version_is_the_newest_that_is_not_newer_than_requested() {
    let meta = tenant::DownloadClusterBackupTenant::META;
    let answered = meta.answered("2025-02-19".parse().unwrap()).unwrap();
    assert_eq!(answered.version.to_string(), "2023-01-01");
    assert!(meta.answered("2022-12-31".parse().unwrap()).is_none());
    assert_eq!(meta.tag_command(), "sharedTierSnapshots");
    assert_eq!(meta.roles, ["Project Owner"]);
    assert_eq!(meta.sunset().unwrap().to_string(), "2026-01-22");
    assert_eq!(meta.successor, Some("downloadGroupFlexClusterBackup"));
}
