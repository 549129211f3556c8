//! The operations and the table columns for the backups of each kind of cluster.

use atlas_backup::ClusterKind;
use atlas_transport::atlas_catalog::RequestBuilder;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::operation;
use crate::table::Column;
use crate::target::Target;

/// The operations for the backups of a kind of cluster.
pub(super) struct Operations {
    /// The parameter that names the cluster.
    cluster: &'static str,
    pub(super) list_snapshots: &'static str,
    pub(super) get_snapshot: &'static str,
    /// `None` if snapshots of this kind cannot be deleted.
    pub(super) delete_snapshot: Option<&'static str>,
    pub(super) list_restores: &'static str,
    pub(super) get_restore: &'static str,
    /// The parameter that names a restore job.
    pub(super) restore: &'static str,
}

const FLEX: Operations = Operations {
    cluster: "name",
    list_snapshots: "flexSnapshots.listFlexBackupSnapshots",
    get_snapshot: "flexSnapshots.getFlexBackupSnapshot",
    delete_snapshot: None,
    list_restores: "flexRestoreJobs.listFlexRestoreJobs",
    get_restore: "flexRestoreJobs.getFlexRestoreJob",
    restore: "restoreJobId",
};
const TENANT: Operations = Operations {
    cluster: "clusterName",
    list_snapshots: "sharedTierSnapshots.listClusterBackupSnapshots",
    get_snapshot: "sharedTierSnapshots.getBackupTenantSnapshot",
    delete_snapshot: None,
    list_restores: "sharedTierRestoreJobs.listBackupTenantRestores",
    get_restore: "sharedTierRestoreJobs.getBackupTenantRestore",
    restore: "restoreId",
};
const DEDICATED: Operations = Operations {
    cluster: "clusterName",
    list_snapshots: "cloudBackups.listBackupSnapshots",
    get_snapshot: "cloudBackups.getClusterBackupSnapshot",
    delete_snapshot: Some("cloudBackups.deleteClusterBackupSnapshot"),
    list_restores: "cloudBackups.listBackupRestoreJobs",
    get_restore: "cloudBackups.getBackupRestoreJob",
    restore: "restoreJobId",
};
const SHARDED: Operations = Operations {
    list_snapshots: "cloudBackups.listBackupShardedClusters",
    get_snapshot: "cloudBackups.getBackupShardedCluster",
    delete_snapshot: Some("cloudBackups.deleteBackupShardedCluster"),
    ..DEDICATED
};

impl Operations {
    pub(super) fn of(kind: ClusterKind) -> &'static Self {
        match kind {
            ClusterKind::Flex => &FLEX,
            ClusterKind::Tenant => &TENANT,
            ClusterKind::Sharded => &SHARDED,
            _ => &DEDICATED,
        }
    }

    /// Starts a request about the backups of a cluster.
    pub(super) fn request(&self, name: &str, target: &Target) -> Result<RequestBuilder, Failure> {
        Ok(operation::of_project(name, target.project)?.parameter(self.cluster, &target.cluster))
    }
}

/// The name of a kind of cluster, for people.
pub(super) fn kind_name(kind: ClusterKind) -> &'static str {
    match kind {
        ClusterKind::Flex => "Flex",
        ClusterKind::Tenant => "shared-tier",
        _ => "dedicated",
    }
}

/// Whether the backups of a kind of cluster have the fields of dedicated ones.
fn is_dedicated(kind: ClusterKind) -> bool {
    !matches!(kind, ClusterKind::Flex | ClusterKind::Tenant)
}

/// The columns of a list of snapshots.
pub(super) fn snapshot_list(kind: ClusterKind) -> &'static [Column] {
    if is_dedicated(kind) {
        &[
            ("ID", &["id"]),
            ("TYPE", &["snapshotType"]),
            ("STATUS", &["status"]),
            ("CREATED AT", &["createdAt"]),
            ("EXPIRES AT", &["expiresAt"]),
        ]
    } else {
        &[
            ("ID", &["id"]),
            ("STATUS", &["status"]),
            ("MONGODB VERSION", &["mongoDBVersion"]),
            ("START TIME", &["startTime"]),
            ("FINISH TIME", &["finishTime"]),
            ("EXPIRATION", &["expiration"]),
        ]
    }
}

/// The columns of one snapshot.
pub(super) fn snapshot(kind: ClusterKind) -> &'static [Column] {
    if is_dedicated(kind) {
        &[
            ("ID", &["id"]),
            ("SNAPSHOT TYPE", &["snapshotType"]),
            ("TYPE", &["type"]),
            ("DESCRIPTION", &["description"]),
            ("EXPIRES AT", &["expiresAt"]),
            ("STATUS", &["status"]),
        ]
    } else {
        snapshot_list(kind)
    }
}

/// The columns of a restore job.
pub(super) const RESTORE: [Column; 6] = [
    ("ID", &["id"]),
    ("SNAPSHOT", &["snapshotId"]),
    (
        "CLUSTER",
        &["targetClusterName", "targetDeploymentItemName"],
    ),
    ("TYPE", &["deliveryType"]),
    ("EXPIRES AT", &["expiresAt", "expirationDate"]),
    ("STATUS", &["status"]),
];

/// The column of a job's links, which are secret.
pub(super) const LINKS: Column = ("URLS", &["deliveryUrl", "snapshotUrl"]);

/// Adds a `status` to a job of a dedicated cluster, which has flags in its place.
pub(super) fn with_status(mut job: Value) -> Value {
    if job["status"].is_null() {
        let is = |flag: &str| job[flag].as_bool() == Some(true);
        let has_links = job["deliveryUrl"]
            .as_array()
            .is_some_and(|links| !links.is_empty());
        let status = if is("failed") {
            "FAILED"
        } else if is("cancelled") {
            "CANCELLED"
        } else if is("expired") {
            "EXPIRED"
        } else if job["finishedAt"].is_string() || has_links {
            "COMPLETED"
        } else {
            "RUNNING"
        };
        if let Some(fields) = job.as_object_mut() {
            fields.insert("status".to_owned(), json!(status));
        }
    }
    job
}

#[cfg(test)]
mod tests {
    use atlas_transport::atlas_catalog::Operation;

    use super::*;

    #[test]
    fn every_operation_that_is_named_exists_with_its_parameters() {
        for operations in [&FLEX, &TENANT, &DEDICATED, &SHARDED] {
            let snapshots = [operations.list_snapshots, operations.get_snapshot];
            let restores = [operations.list_restores, operations.get_restore];
            let names = snapshots.into_iter().chain(restores);
            for name in names.chain(operations.delete_snapshot) {
                let operation = Operation::find(name).expect(name);
                assert!(operation.parameter(operations.cluster).is_some(), "{name}");
            }
            let restore =
                Operation::find(operations.get_restore).expect("get_restore is an operation");
            assert!(restore.parameter(operations.restore).is_some());
        }
    }

    #[test]
    fn a_job_with_flags_has_the_status_that_they_mean() {
        let status = |job: Value| with_status(job)["status"].clone();
        assert_eq!(status(json!({})), "RUNNING");
        assert_eq!(status(json!({"finishedAt": "2026"})), "COMPLETED");
        assert_eq!(status(json!({"deliveryUrl": ["x"]})), "COMPLETED");
        assert_eq!(
            status(json!({"finishedAt": "2026", "failed": true})),
            "FAILED"
        );
        assert_eq!(status(json!({"cancelled": true})), "CANCELLED");
        assert_eq!(status(json!({"expired": true})), "EXPIRED");
        assert_eq!(
            status(json!({"status": "QUEUED", "failed": true})),
            "QUEUED"
        );
    }
}
