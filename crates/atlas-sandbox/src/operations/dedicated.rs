//! The operations on the backups of dedicated clusters, as they are asked.

use atlas_model::cloud_backups::{self, DiskBackupCollectionResponse, DiskBackupDatabaseResponse};
use atlas_model::{
    ClusterName, CollectionName, DatabaseName, Empty, ItemsPerPage, Page, PageNumber, ProjectId,
    RestoreJobId, SnapshotId,
};

use super::bodies::{OnDemandSnapshotRequest, RestoreJobRequest, SnapshotRetention};
use super::served;
use crate::shown::{ShownRestoreJob, ShownShardedSnapshot, ShownSnapshot};

served! {
    ListRestoreJobs: cloud_backups::ListBackupRestoreJobs => OK Page<ShownRestoreJob> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    CreateRestoreJob: cloud_backups::CreateBackupRestoreJob => OK ShownRestoreJob {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        body request: RestoreJobRequest,
    }

    CancelRestoreJob: cloud_backups::CancelBackupRestoreJob => NO_CONTENT Empty {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            restore_job: RestoreJobId = "restoreJobId",
        }
    }

    GetRestoreJob: cloud_backups::GetBackupRestoreJob => OK ShownRestoreJob {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            restore_job: RestoreJobId = "restoreJobId",
        }
    }

    ListSnapshots: cloud_backups::ListBackupSnapshots => OK Page<ShownSnapshot> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
        unheeded {
            query "pointInTimeUtcSeconds": i64,
            query "oplogTs": i64,
            query "oplogInc": i64,
        }
    }

    TakeSnapshot: cloud_backups::TakeSnapshots => OK ShownSnapshot {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        body request: OnDemandSnapshotRequest,
    }

    DeleteSnapshot: cloud_backups::DeleteClusterBackupSnapshot => NO_CONTENT Empty {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
    }

    GetSnapshot: cloud_backups::GetClusterBackupSnapshot => OK ShownSnapshot {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
    }

    UpdateSnapshotRetention: cloud_backups::UpdateBackupSnapshot => OK ShownSnapshot {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
        body request: SnapshotRetention,
    }

    ListSnapshotDatabases: cloud_backups::ListBackupSnapshotDatabases
        => OK Page<DiskBackupDatabaseResponse>
    {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    GetSnapshotDatabase: cloud_backups::GetBackupSnapshotDatabase
        => OK DiskBackupDatabaseResponse
    {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
            database: DatabaseName = "databaseName",
        }
    }

    ListSnapshotCollections: cloud_backups::ListSnapshotDatabaseCollections
        => OK Page<DiskBackupCollectionResponse>
    {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
            database: DatabaseName = "databaseName",
        }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    GetSnapshotCollection: cloud_backups::GetSnapshotDatabaseCollection
        => OK DiskBackupCollectionResponse
    {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
            database: DatabaseName = "databaseName",
            collection: CollectionName = "collectionName",
        }
    }

    DeleteShardedSnapshot: cloud_backups::DeleteBackupShardedCluster => NO_CONTENT Empty {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
    }

    GetShardedSnapshot: cloud_backups::GetBackupShardedCluster => OK ShownShardedSnapshot {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
    }

    ListShardedSnapshots: cloud_backups::ListBackupShardedClusters
        => OK Page<ShownShardedSnapshot>
    {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
    }
}
