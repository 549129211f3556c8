//! The operations of Flex clusters, as they are asked.

use atlas_model::flex_clusters::FlexClusterDescription;
use atlas_model::flex_snapshots::FlexBackupSnapshot;
use atlas_model::shared::FlexBackupRestoreJob;
use atlas_model::{
    ClusterName, Empty, ItemsPerPage, Page, PageNumber, ProjectId, RestoreJobId, SnapshotId,
    flex_clusters, flex_restore_jobs, flex_snapshots,
};

use super::bodies::{
    FlexClusterRequest, FlexClusterUpdate, FlexDownloadRequest, FlexRestoreRequest,
};
use super::served;
use super::upgrade::TenantUpgradeRequest;

served! {
    ListFlexClusters: flex_clusters::ListFlexClusters => OK Page<FlexClusterDescription> {
        path { project: ProjectId = "groupId", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    CreateFlexCluster: flex_clusters::CreateFlexCluster => CREATED FlexClusterDescription {
        path { project: ProjectId = "groupId", }
        body request: FlexClusterRequest,
    }

    DeleteFlexCluster: flex_clusters::DeleteFlexCluster => NO_CONTENT Empty {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
    }

    GetFlexCluster: flex_clusters::GetFlexCluster => OK FlexClusterDescription {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
    }

    UpdateFlexCluster: flex_clusters::UpdateFlexCluster => OK FlexClusterDescription {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
        body request: FlexClusterUpdate,
    }

    DownloadFlexSnapshot: flex_snapshots::DownloadFlexBackup => OK FlexBackupRestoreJob {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
        body request: FlexDownloadRequest,
    }

    ListFlexRestoreJobs: flex_restore_jobs::ListFlexRestoreJobs => OK Page<FlexBackupRestoreJob> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    CreateFlexRestoreJob: flex_restore_jobs::CreateFlexRestoreJob => OK FlexBackupRestoreJob {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
        body request: FlexRestoreRequest,
    }

    GetFlexRestoreJob: flex_restore_jobs::GetFlexRestoreJob => OK FlexBackupRestoreJob {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "name",
            restore_job: RestoreJobId = "restoreJobId",
        }
    }

    ListFlexSnapshots: flex_snapshots::ListFlexBackupSnapshots => OK Page<FlexBackupSnapshot> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "name", }
        query {
            include_count: bool = "includeCount",
            items_per_page: ItemsPerPage = "itemsPerPage",
            page_number: PageNumber = "pageNum",
        }
    }

    GetFlexSnapshot: flex_snapshots::GetFlexBackupSnapshot => OK FlexBackupSnapshot {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "name",
            snapshot: SnapshotId = "snapshotId",
        }
    }

    UpgradeFlexCluster: flex_clusters::TenantUpgrade => OK FlexClusterDescription {
        path { project: ProjectId = "groupId", }
        body request: TenantUpgradeRequest,
    }
}
