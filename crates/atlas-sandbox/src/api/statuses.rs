//! Success statuses: the recorded one where it differs from the documented one.

use atlas_catalog::Operation;
use http::StatusCode;

use crate::api::answer::Content;
use crate::api::call::Call;

/// Recorded statuses, by operation.
const RECORDED: [(&str, u16); 22] = [
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
    ("deleteGroupClusterSearchDeployment", 204),
    ("deleteGroupDataFederation", 202),
    ("deleteGroupPrivateEndpointEndpointService", 202),
    ("deleteGroupStreamConnection", 202),
    ("deleteGroupStreamPrivateLinkConnection", 202),
    ("deleteGroupStreamWorkspace", 202),
    ("toggleGroupAwsCustomDns", 202),
    ("toggleGroupPrivateEndpointRegionalMode", 202),
    ("updateGroupAuditLog", 202),
    ("updateGroupUserSecurity", 202),
    ("deleteGroupUserSecurityLdapUserToDnMapping", 202),
    ("deleteGroupCluster", 202),
];

/// The deletions recorded with the body `{}`.
const BRACES: [&str; 8] = [
    "deleteGroup",
    "deleteGroupCluster",
    "deleteGroupClusterFtsIndex",
    "deleteGroupClusterOnlineArchive",
    "deleteGroupDataFederation",
    "deleteGroupPrivateEndpointEndpointService",
    "deleteGroupStreamConnection",
    "deleteGroupStreamWorkspace",
];

/// Whether an operation without documented content returns `{}`.
pub(crate) fn has_braces(operation: Operation) -> bool {
    let id = operation.id();
    BRACES.contains(&id) || id == "deleteGroupStreamPrivateLinkConnection"
}

/// The recorded status that is not documented, for the list of an operation's deviations.
pub(crate) fn recorded(operation: Operation) -> Option<StatusCode> {
    let found = RECORDED.iter().find(|(id, _)| *id == operation.id());
    found.and_then(|(_, status)| StatusCode::from_u16(*status).ok())
}

/// The status of a successful response: the recorded one, or the documented one with such content.
pub(crate) fn of(call: &Call<'_>, content: &Content) -> StatusCode {
    if let Some(recorded) = recorded(call.operation) {
        return recorded;
    }
    let is_bare = matches!(content, Content::None);
    let mut documented = call.version.statuses();
    let fitting = documented.find(|status| call.version.is_bare(*status) == is_bare);
    let status = fitting.or_else(|| call.version.statuses().next());
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK)
}
