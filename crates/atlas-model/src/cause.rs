//! Likely causes of errors, since the errors of Atlas are often just `UNEXPECTED_ERROR`.

use std::fmt;

use http::StatusCode;

use crate::api_error::{ApiError, code};
use crate::asked::AskedOperation;
use crate::version::ApiVersion;

/// A likely cause of an error response. `Display` states what to check.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The key, token or service account is wrong, was deleted, or belongs to another base URL.
    CredentialsRefused,
    /// The caller's address is not on the access list of the credentials.
    AddressNotListed,
    /// The credentials lack a role.
    RoleMissing {
        /// The documented roles, any one of which is sufficient; empty if they are not known.
        roles: Vec<&'static str>,
    },
    /// No project has that id, or none visible to these credentials.
    ProjectUnknown,
    /// The project has no cluster of that name.
    ClusterUnknown,
    /// Another id in the request does not exist.
    ResourceUnknown,
    /// The cluster is a Flex cluster, which the operation does not support.
    FlexCluster {
        /// The operation to use instead, if there is one.
        instead: Option<&'static str>,
    },
    /// The cluster is not a Flex cluster, but the operation supports only those.
    NoFlexCluster,
    /// The request did not name a version of the operation.
    VersionHeader,
    /// The requested version is past its sunset date.
    VersionGone {
        /// The known versions, oldest first; empty if they are not known.
        known: Vec<ApiVersion>,
    },
    /// The operation is past its sunset date.
    OperationGone {
        /// The operation to use instead, if there is one.
        instead: Option<&'static str>,
    },
    /// The response is not from Atlas, but from a proxy, a login page, or the server of a wrong
    /// base URL.
    NotAtlas,
    /// A proxy requires a user and password, or refuses the given ones.
    ProxyLogin,
    /// The network requires a login before it forwards requests (RFC 6585 section 6).
    NetworkLogin,
    /// The rate limit is exceeded.
    Throttled,
    /// Atlas, or a server in between, has a failure.
    ServerTrouble,
}

impl Cause {
    /// Returns the likely causes of a status, the likeliest first. `error` is the error body of
    /// Atlas, if there is one.
    pub(crate) fn of(
        operation: &AskedOperation,
        status: StatusCode,
        error: Option<&ApiError>,
    ) -> Vec<Self> {
        let role = Self::RoleMissing {
            roles: operation.roles.clone(),
        };
        let code = error
            .and_then(|error| error.error_code.as_deref())
            .unwrap_or_default();
        match (status.as_u16(), code) {
            (_, code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API) => vec![Self::FlexCluster {
                instead: operation.successor,
            }],
            (_, code::CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API) => vec![Self::NoFlexCluster],
            (_, code::IP_ADDRESS_NOT_ON_ACCESS_LIST) => vec![Self::AddressNotListed],
            (401, _) => vec![Self::CredentialsRefused, Self::AddressNotListed, role],
            (403, _) => {
                let mut causes = vec![role, Self::AddressNotListed];
                if operation.names_project {
                    causes.push(Self::ProjectUnknown);
                }
                causes
            }
            (404, code::GROUP_NOT_FOUND) => vec![Self::ProjectUnknown],
            (404, code::CLUSTER_NOT_FOUND) => vec![Self::ClusterUnknown, Self::ProjectUnknown],
            (404, _) => {
                let ids = [
                    (operation.names_project, Self::ProjectUnknown),
                    (operation.names_cluster, Self::ClusterUnknown),
                    (operation.names_more, Self::ResourceUnknown),
                    (!operation.names_anything(), Self::NotAtlas),
                    (true, Self::VersionHeader),
                ];
                let named = ids.into_iter().filter(|(named, _)| *named);
                named.map(|(_, cause)| cause).collect()
            }
            (406 | 415, _) => vec![Self::VersionHeader],
            (_, code::VERSION_GONE) => vec![Self::VersionGone {
                known: operation.versions.clone(),
            }],
            (410, _) => vec![Self::OperationGone {
                instead: operation.successor,
            }],
            (407, _) => vec![Self::ProxyLogin],
            (429, _) => vec![Self::Throttled],
            (511, _) => vec![Self::NetworkLogin],
            (500..=599, _) => vec![Self::ServerTrouble],
            _ => Vec::new(),
        }
    }

    /// Returns the likely causes of a response that is neither a resource nor an error of Atlas,
    /// the likeliest first.
    pub(crate) fn of_other(operation: &AskedOperation, status: StatusCode) -> Vec<Self> {
        match status.as_u16() {
            // Atlas answers some requests without a valid key with an empty 401.
            401 | 429 | 500..=599 => {
                let mut causes = Self::of(operation, status, None);
                if status != StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
                    causes.push(Self::NotAtlas);
                }
                causes
            }
            403 => {
                let mut causes = vec![Self::NotAtlas];
                causes.extend(Self::of(operation, status, None));
                causes
            }
            406 | 415 => vec![Self::VersionHeader, Self::NotAtlas],
            407 => vec![Self::ProxyLogin],
            _ => vec![Self::NotAtlas],
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::CredentialsRefused => "check the key, token or service account",
            Self::AddressNotListed => {
                "check that this address is on the access list of the credentials"
            }
            Self::RoleMissing { roles } if roles.is_empty() => {
                "check that the credentials have the role that this operation needs"
            }
            Self::RoleMissing { roles } => {
                return write!(
                    f,
                    "the credentials may lack the role {}",
                    roles.join(" or ")
                );
            }
            Self::ProjectUnknown => "check the project id",
            Self::ClusterUnknown => "check the cluster's name",
            Self::ResourceUnknown => "check the other ids in the request",
            Self::FlexCluster { instead: Some(id) } => {
                return write!(f, "use {id} for a Flex cluster");
            }
            Self::FlexCluster { instead: None } => "use the operations for Flex clusters",
            Self::NoFlexCluster => "the cluster is not a Flex cluster; use the cluster operations",
            Self::VersionHeader => "request a version that this operation has",
            Self::VersionGone { known } if known.is_empty() => "request a newer version",
            Self::VersionGone { known } => {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                let known = known.join(", ");
                return write!(
                    f,
                    "request a newer version; known versions: {known} (update this client for \
                     later ones)"
                );
            }
            Self::OperationGone { instead: Some(id) } => {
                return write!(f, "the operation no longer exists; use {id}");
            }
            Self::OperationGone { instead: None } => "the operation no longer exists",
            Self::NotAtlas => "check the base URL and any proxy in between",
            Self::ProxyLogin => "check the proxy's user and password",
            Self::NetworkLogin => "log in to this network with a browser first",
            Self::Throttled => "wait before the next request",
            Self::ServerTrouble => "try again later",
        };
        f.write_str(text)
    }
}

/// Appends causes to an error's line.
pub(crate) fn causes(f: &mut fmt::Formatter<'_>, causes: &[Cause]) -> fmt::Result {
    for cause in causes {
        write!(f, "; {cause}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::{OperationMeta, Version};

    const META: OperationMeta = OperationMeta::new(
        "downloadGroupClusterBackupTenant",
        http::Method::POST,
        "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}/backup/tenant/download",
        &[Version::new(2023, 1, 1)],
    )
    .roles(&["Project Owner"])
    .successor("downloadGroupFlexClusterBackup");

    fn causes(status: u16, error_code: &str) -> Vec<Cause> {
        let status = StatusCode::from_u16(status).unwrap();
        let error = ApiError::new(status, error_code, "");
        Cause::of(&(&META).into(), status, Some(&error))
    }

    #[test]
    fn the_likely_causes_come_in_their_order_and_name_the_role() {
        let role = Cause::RoleMissing {
            roles: vec!["Project Owner"],
        };
        assert_eq!(
            causes(401, code::UNEXPECTED_ERROR),
            [
                Cause::CredentialsRefused,
                Cause::AddressNotListed,
                role.clone()
            ]
        );
        assert_eq!(causes(403, "USER_UNAUTHORIZED")[0], role);
        assert_eq!(
            causes(403, code::IP_ADDRESS_NOT_ON_ACCESS_LIST),
            [Cause::AddressNotListed]
        );
        assert_eq!(causes(404, code::GROUP_NOT_FOUND), [Cause::ProjectUnknown]);
        assert_eq!(
            causes(404, code::CLUSTER_NOT_FOUND)[0],
            Cause::ClusterUnknown
        );
        assert_eq!(causes(404, code::UNEXPECTED_ERROR).len(), 4);
        assert_eq!(causes(406, ""), [Cause::VersionHeader]);
        let list = AskedOperation::new("listGroups", "/api/atlas/v2/groups");
        let not_found = Cause::of(&list, StatusCode::NOT_FOUND, None);
        assert_eq!(not_found, [Cause::NotAtlas, Cause::VersionHeader]);
        assert_eq!(causes(409, ""), []);
        let flex = causes(400, code::CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API);
        assert_eq!(
            flex[0].to_string(),
            "use downloadGroupFlexClusterBackup for a Flex cluster"
        );
    }
}
