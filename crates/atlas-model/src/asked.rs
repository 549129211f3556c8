//! The operation that an error is about.

use crate::meta::OperationMeta;
use crate::version::ApiVersion;

/// The operation that an error is about: its name and the facts needed to find likely causes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AskedOperation {
    /// The operation's id.
    pub id: &'static str,
    /// The documented roles, any one of which is sufficient; empty if they are not known.
    pub roles: Vec<&'static str>,
    /// The known versions, oldest first; empty if they are not known.
    pub versions: Vec<ApiVersion>,
    /// The id of the operation to use instead, if there is one.
    pub successor: Option<&'static str>,
    /// Whether its path names a project.
    pub names_project: bool,
    /// Whether its path names a cluster.
    pub names_cluster: bool,
    /// Whether its path or its body may name other resources.
    pub names_more: bool,
}

impl AskedOperation {
    /// Creates an operation from its id and its path with parameters in braces.
    pub fn new(id: &'static str, path: &str) -> Self {
        let project = path.contains("{groupId}");
        let cluster = path.contains("lusterName}") || path.contains("lusters/{name}");
        let named = usize::from(project) + usize::from(cluster);
        Self {
            id,
            roles: Vec::new(),
            versions: Vec::new(),
            successor: None,
            names_project: project,
            names_cluster: cluster,
            names_more: path.matches('{').count() > named,
        }
    }

    /// Whether its path has parameters.
    pub(crate) fn names_anything(&self) -> bool {
        self.names_project || self.names_cluster || self.names_more
    }

    /// Sets the documented roles, any one of which is sufficient.
    #[must_use]
    pub fn roles(mut self, roles: Vec<&'static str>) -> Self {
        self.roles = roles;
        self
    }

    /// Sets the known versions, oldest first.
    #[must_use]
    pub fn versions(mut self, versions: Vec<ApiVersion>) -> Self {
        self.versions = versions;
        self
    }

    /// Sets the id of the operation to use instead.
    #[must_use]
    pub fn successor(mut self, successor: Option<&'static str>) -> Self {
        self.successor = successor;
        self
    }
}

impl From<&OperationMeta> for AskedOperation {
    fn from(meta: &OperationMeta) -> Self {
        let mut asked = Self::new(meta.id, meta.path)
            .roles(meta.roles.to_vec())
            .versions(meta.versions.iter().map(|one| one.version).collect())
            .successor(meta.successor);
        asked.names_more |= meta.method != http::Method::GET;
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::AskedOperation;

    #[test]
    fn the_path_of_a_list_or_of_a_host_names_no_cluster() {
        let names_cluster = |path| AskedOperation::new("x", path).names_cluster;
        assert!(names_cluster(
            "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}"
        ));
        assert!(names_cluster(
            "/api/atlas/v2/groups/{groupId}/flexClusters/{name}"
        ));
        assert!(!names_cluster("/api/atlas/v2/groups/{groupId}/clusters"));
        assert!(!names_cluster(
            "/api/atlas/v2/groups/{groupId}/clusters/{hostName}/logs"
        ));
    }
}
