//! The operations of the shared tier, as they are asked.

use atlas_model::shared::TenantRestore;
use atlas_model::shared_tier_restore_jobs::{
    CreateBackupTenantRestore, GetBackupTenantRestore, ListBackupTenantRestores,
};
use atlas_model::shared_tier_snapshots::{
    BackupTenantSnapshot, DownloadClusterBackupTenant, GetBackupTenantSnapshot,
    ListClusterBackupSnapshots,
};
use atlas_model::{ClusterName, Page, ProjectId, RestoreJobId, SnapshotId};

use super::bodies::TenantRestoreRequest;
use super::served;

served! {
    DownloadTenantSnapshot: DownloadClusterBackupTenant => OK TenantRestore {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        body request: TenantRestoreRequest,
    }

    CreateTenantRestore: CreateBackupTenantRestore => OK TenantRestore {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
        body request: TenantRestoreRequest,
    }

    ListTenantRestores: ListBackupTenantRestores => OK Page<TenantRestore> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
    }

    GetTenantRestore: GetBackupTenantRestore => OK TenantRestore {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            restore_job: RestoreJobId = "restoreId",
        }
    }

    ListTenantSnapshots: ListClusterBackupSnapshots => OK Page<BackupTenantSnapshot> {
        path { project: ProjectId = "groupId", cluster: ClusterName = "clusterName", }
    }

    GetTenantSnapshot: GetBackupTenantSnapshot => OK BackupTenantSnapshot {
        path {
            project: ProjectId = "groupId",
            cluster: ClusterName = "clusterName",
            snapshot: SnapshotId = "snapshotId",
        }
    }
}
