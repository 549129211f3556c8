//! Violations of the published description in recorded responses of Atlas, in addition to those
//! that the catalog allows: nulls, undocumented fields, and the frequency of on-demand snapshots,
//! which the catalog allows for replica sets only. A server with the same violations behaves like
//! Atlas.

use atlas_catalog::{Violation, ViolationKind};

/// Whether recorded responses have this violation.
pub(crate) fn is_recorded(violation: &Violation) -> bool {
    let field = violation.path().rsplit('.').next().unwrap_or_default();
    let field = field.split('[').next().unwrap_or_default();
    let text = violation.to_string();
    match violation.kind() {
        ViolationKind::Enum => field == "frequencyType" && text.ends_with(", found \"ondemand\""),
        ViolationKind::Type => NULLS.contains(&field) && text.ends_with(", found null"),
        ViolationKind::UnknownField => UNKNOWN.contains(&field),
        _ => false,
    }
}

/// Fields that are null although the description does not allow it.
const NULLS: [&str; 31] = [
    "adaptiveCapacity",
    "authorizedDate",
    "changeStreamOptionsPreAndPostImagesExpireAfterSeconds",
    "chunkMigrationConcurrency",
    "completeDate",
    "dataProcessRegion",
    "databases",
    "date",
    "defaultMaxTimeMS",
    "defaultReadConcern",
    "endpointServiceName",
    "errorMessage",
    "failIndexKeyTooLong",
    "iamAssumedRoleArn",
    "identityProviderId",
    "increment",
    "oktaIdpId",
    "onDemandPolicyItem",
    "oplogMinRetentionHours",
    "oplogSizeMB",
    "privateLinkServiceName",
    "privateLinkServiceResourceId",
    "queryStatsLogVerbosity",
    "sampleRefreshIntervalBIConnector",
    "sampleSizeBIConnector",
    "stores",
    "supportedRemoteRegions",
    "time",
    "transactionLifetimeLimitSeconds",
    "updatedAt",
    "userConflicts",
];

/// Undocumented fields.
const UNKNOWN: [&str; 5] = [
    "effectiveDatabaseEdition",
    "effectiveIntelligentWorkloadManagementPolicies",
    "isAtlasHomePageAiAssistantEnabled",
    "targetDeploymentItemName",
    "time",
];

#[cfg(test)]
mod tests {
    use atlas_catalog::Operation;
    use serde_json::{Value, json};

    use super::*;

    /// Returns the violations of a body, and whether recorded responses have them.
    fn found(operation: &str, body: &Value) -> Vec<(String, bool)> {
        let operation = Operation::find(operation).unwrap();
        let version = operation.version(None).unwrap();
        let found = operation.check_response(version, 200, body);
        let each = found.iter().map(|it| (it.to_string(), is_recorded(it)));
        each.collect()
    }

    #[test]
    fn a_server_may_have_recorded_violations() {
        let role = json!({"providerName": "AWS", "authorizedDate": null});
        let at = json!({"date": null, "increment": null, "time": null});
        let job = json!({"deliveryType": "automated", "snapshotId": "32b6e34b3d91647abb20e7b8",
            "targetDeploymentItemName": "a", "desiredTimestamp": at});
        let snapshot = json!({"type": "replicaSet", "frequencyType": "ondemand"});
        for (operation, body, count) in [
            ("createGroupCloudProviderAccess", role, 1),
            ("createGroupClusterBackupRestoreJob", job, 4),
            ("takeGroupClusterBackupSnapshots", snapshot, 1),
        ] {
            let found = found(operation, &body);
            let recorded = found.iter().all(|(_, recorded)| *recorded);
            assert!(recorded && found.len() == count, "{operation}: {found:?}");
        }
    }

    #[test]
    fn other_values_are_not_recorded() {
        let snapshot = json!({"frequencyType": "never", "links": null});
        let found = found("takeGroupClusterBackupSnapshots", &snapshot);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(!found.iter().any(|(_, recorded)| *recorded), "{found:?}");
    }
}
