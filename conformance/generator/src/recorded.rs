//! Tables for server cases: recorded statuses, slow deletions, sources of parameters.

/// Success statuses that were recorded and are not documented.
pub(crate) const STATUSES: [(&str, u16); 16] = [
    ("createGroup", 201),
    ("createGroupAccessListEntry", 201),
    ("createGroupAlertConfig", 201),
    ("createGroupPrivateEndpointEndpointService", 201),
    ("createOrgLiveMigrationLinkToken", 201),
    ("createOrgTeam", 201),
    ("createUser", 201),
    ("deleteGroup", 202),
    ("deleteGroupClusterFtsIndex", 202),
    ("deleteGroupClusterOnlineArchive", 200),
    ("deleteGroupDataFederation", 202),
    ("deleteGroupPrivateEndpointEndpointService", 202),
    ("requestGroupSampleDatasetLoad", 201),
    ("toggleGroupAwsCustomDns", 202),
    ("toggleGroupPrivateEndpointRegionalMode", 202),
    ("updateGroupAuditLog", 202),
];

/// Operations whose response is recorded as text with a JSON media type.
pub(crate) const TEXT: [&str; 1] = ["createGroupDatabaseUserCert"];

/// Deletions that are recorded to take time: the resource can still be read for a while.
pub(crate) const SLOW: [&str; 3] = [
    "deleteGroupCluster",
    "deleteGroupClusterOnlineArchive",
    "deleteGroupFlexCluster",
];

/// Deletions of resources that a cloud provider has to remove first.
pub(crate) const TAKEN_DOWN: [&str; 3] = [
    "deleteGroupBackupPrivateEndpoint",
    "deleteGroupPrivateEndpointEndpointServiceEndpoint",
    "requestGroupEncryptionAtRestPrivateEndpointDeletion",
];

/// Deletions after which a default, an empty or a revoked resource can be read.
pub(crate) const STAYS: [&str; 5] = [
    "deleteGroupLimit",
    "deleteGroupDataFederationLimit",
    "deleteGroupClusterSearchDeployment",
    "cancelGroupClusterBackupRestoreJob",
    "deleteOrg",
];

/// Operations whose body cannot be read back unchanged: keys are masked, an upgrade renames, or a
/// change waits for a confirmation.
pub(crate) const NOT_READ_BACK: [&str; 6] = [
    "createGroupIntegration",
    "updateGroupIntegration",
    "acknowledgeGroupAlert",
    "addGroupUsers",
    "createOrgUser",
    "updateOrgInvites",
];

/// Lists that are not empty in the default world.
pub(crate) const LISTS: [&str; 12] = [
    "getOrgGroups",
    "listGroupClusterBackupSnapshotShardedClusters",
    "listClusterDetails",
    "listGroupClusterBackupSnapshots",
    "listGroupClusterBackupTenantSnapshots",
    "listGroupClusterProviderRegions",
    "listGroupClusters",
    "listGroupFlexClusterBackupSnapshots",
    "listGroupFlexClusters",
    "listGroups",
    "listOrgs",
    "listGroupLimits",
];

/// Sources of path parameters that do not follow from the path: the path up to the parameter, the
/// operation to call, and the pointer into its response.
pub(crate) const PROVIDERS: &[(&str, &str, &str)] = &[
    (
        "/groups/{groupId}/privateEndpoint/{cloudProvider}/endpointService/{endpointServiceId}",
        "createGroupPrivateEndpointEndpointService",
        "/id",
    ),
    (
        "/groups/{groupId}/hosts/{processId}",
        "listGroupProcesses",
        "/results/0/id",
    ),
    (
        "/groups/{groupId}/clusters/{hostName}",
        "listGroupProcesses",
        "/results/0/hostname",
    ),
    (
        "/groups/{groupId}/dbAccessHistory/processes/{hostname}",
        "listGroupProcesses",
        "/results/0/hostname",
    ),
    (
        "/federationSettings/{federationSettingsId}",
        "getOrgFederationSettings",
        "/id",
    ),
    ("/users/byName/{userName}", "createUser", "/username"),
    ("/groups/byName/{groupName}", "getGroup", "/name"),
    (
        "/orgs/{orgId}/teams/byName/{teamName}",
        "createOrgTeam",
        "/name",
    ),
    (
        "/groups/{groupId}/sampleDatasetLoad/{sampleDatasetId}",
        "requestGroupSampleDatasetLoad",
        "/_id",
    ),
    (
        "/groups/{groupId}/clusters/{clusterName}/backup/tenant/restores/{restoreId}",
        "createGroupClusterBackupTenantRestore",
        "/id",
    ),
    (
        "/groups/{groupId}/clusters/{clusterName}/snapshots/{snapshotId}",
        "listGroupClusterSnapshots",
        "/results/0/id",
    ),
    (
        "/groups/{groupId}/privateEndpoint/serverless/instance/{instanceName}",
        "listGroupServerlessInstances",
        "/results/0/name",
    ),
    (
        "/groups/{groupId}/clusters/{clusterName}/queryShapeInsights/{queryShapeHash}",
        "listGroupClusterQueryShapeInsightSummaries",
        "/summaries/0/queryShapeHash",
    ),
    (
        "/groups/{groupId}/sandbox/{sandboxConfigId}",
        "createOrgSandboxConfig",
        "/id",
    ),
    (
        "/orgs/{orgId}/aiModelApiKeys/{apiKeyId}",
        "createGroupAiModelApiKey",
        "/apiKeyId",
    ),
    (
        "/groups/{groupId}/aiModelApiClouds/{cloud}/geographies/{geography}/modelGroupNames/{modelGroupName}",
        "getGroupAiModelApiRateLimits",
        "/results/0/modelGroupName",
    ),
    (
        "/orgs/{orgId}/aiModelApiClouds/{cloud}/geographies/{geography}/modelGroupNames/{modelGroupName}",
        "getOrgAiModelApiRateLimits",
        "/results/0/modelGroupName",
    ),
];

/// Operations that create an item of a list, if that is not a `POST` to the path of the list.
pub(crate) const MADE_BY: [(&str, &str); 10] = [
    ("getGroupStreamProcessors", "createGroupStreamProcessor"),
    (
        "listGroupClusterBackupTenantRestores",
        "createGroupClusterBackupTenantRestore",
    ),
    ("listGroupClusterFtsIndex", "createGroupClusterFtsIndex"),
    (
        "listGroupClusterSearchIndex",
        "createGroupClusterSearchIndex",
    ),
    ("listGroupContainerAll", "createGroupContainer"),
    (
        "listGroupDataFederationLimits",
        "setGroupDataFederationLimit",
    ),
    ("listGroupIntegrations", "createGroupIntegration"),
    (
        "listGroupPrivateEndpointEndpointService",
        "createGroupPrivateEndpointEndpointService",
    ),
    ("listOrgAiModelApiKeys", "createGroupAiModelApiKey"),
    ("removeOrgTeamUser", "addOrgTeamUser"),
];

/// Resources in a request body that have to be created or read first: the operation, the pointer
/// into its body, the operation that returns the resource, and the pointer into its response.
pub(crate) const REFERENCES: &[(&str, &str, &str, &str)] = &[
    ("addGroupTeams", "/0/teamId", "createOrgTeam", "/id"),
    ("addOrgTeamUser", "/id", "createOrgUser", "/id"),
    ("addOrgTeamUsers", "/0/id", "createOrgUser", "/id"),
    (
        "createGroupBackupExportBucket",
        "/iamRoleId",
        "createGroupCloudProviderAccess",
        "/roleId",
    ),
    (
        "createGroupClusterBackupExport",
        "/exportBucketId",
        "createGroupBackupExportBucket",
        "/_id",
    ),
    (
        "createGroupLogIntegration",
        "/iamRoleId",
        "createGroupCloudProviderAccess",
        "/roleId",
    ),
    (
        "createGroupPeer",
        "/containerId",
        "createGroupContainer",
        "/id",
    ),
    (
        "createGroupPushBasedLogExport",
        "/iamRoleId",
        "createGroupCloudProviderAccess",
        "/roleId",
    ),
    (
        "createGroupStreamProcessor",
        "/pipeline/0/$source/connectionName",
        "createGroupStreamConnection",
        "/name",
    ),
    (
        "createOrgTeam",
        "/usernames/0",
        "createOrgUser",
        "/username",
    ),
    (
        "migrateGroup",
        "/destinationOrgId",
        "createOrg",
        "/organization/id",
    ),
    ("removeOrgTeamUser", "/id", "createOrgUser", "/id"),
    (
        "updateGroupClusterBackupSchedule",
        "/policies/0/id",
        "getGroupClusterBackupSchedule",
        "/policies/0/id",
    ),
    (
        "updateGroupClusterSnapshotSchedule",
        "/clusterId",
        "getGroupClusterSnapshotSchedule",
        "/clusterId",
    ),
    (
        "updateGroupLogIntegration",
        "/iamRoleId",
        "createGroupCloudProviderAccess",
        "/roleId",
    ),
    (
        "updateGroupPeer",
        "/containerId",
        "createGroupContainer",
        "/id",
    ),
    (
        "updateGroupStreamProcessor",
        "/pipeline/0/$source/connectionName",
        "createGroupStreamConnection",
        "/name",
    ),
    ("updateGroupTeam", "/teamId", "createOrgTeam", "/id"),
];

/// Operations on a resource that may not exist after the steps before.
pub(crate) const DOUBTFUL: [&str; 1] = ["getFederationSettingIdentityProviderMetadata"];

/// Descriptions of resources that a list may lack, by parameter or by list.
pub(crate) const NEEDS: &[(&str, &str)] = &[
    ("clusterId", "a cluster"),
    ("clusterName", "a serverless instance"),
    ("databaseName", "a database on a process"),
    ("endpointSetId", "a set of rate-limited endpoints"),
    ("eventId", "an event"),
    ("federationSettingsId", "a federation"),
    ("getGroupAlertAlertConfigs", "an alert configuration"),
    ("getGroupAlertConfigAlerts", "an alert of a configuration"),
    (
        "getOrgNonCompliantResources",
        "a resource that breaks a policy",
    ),
    ("groupName", "a project"),
    ("hostName", "a process"),
    ("hostname", "a process"),
    ("id", "a peering connection"),
    ("instanceName", "a serverless instance"),
    ("listOrgInvoicePending", "a pending invoice"),
    ("modelGroupName", "a model group"),
    (
        "listAlertConfigMatcherFieldNames",
        "a field that an alert can match",
    ),
    (
        "listOrgLiveMigrationAvailableProjects",
        "a project that can be migrated",
    ),
    ("listSkus", "a stock-keeping unit"),
    ("name", "a serverless instance"),
    ("other", "a backup policy"),
    ("partitionName", "a disk partition"),
    ("processId", "a process"),
    ("queryShapeHash", "a query shape"),
    ("skuId", "a stock-keeping unit"),
    ("sourceNamespace", "a collection that is restored"),
];
