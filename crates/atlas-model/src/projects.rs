//! Projects; the wire calls them groups.

mod get_project;
mod list_projects;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::resource::{resource, unchecked};
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{OrgId, ProjectId, ProjectName};

pub use get_project::GetProject;
pub use list_projects::ListProjects;

resource! {
    /// A project.
    pub struct Project {
        /// How many clusters it has.
        cluster_count: i64 = "clusterCount" required,
        /// When it was created.
        created: Timestamp = "created" required,
        /// Its id.
        id: Seen<ProjectId> = "id",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// Its name.
        name: Seen<ProjectName> = "name" required,
        /// The organization it belongs to.
        org_id: Seen<OrgId> = "orgId" required,
        /// Which regions its clusters may run in, for Atlas for Government.
        region_usage_restrictions: CompactString = "regionUsageRestrictions",
        /// Its tags.
        tags: Vec<ResourceTag> = "tags",
        /// Whether it began with the default alerts.
        with_default_alerts_settings: bool = "withDefaultAlertsSettings",
    }
}

/// A tag on a project or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourceTag {
    /// Its key, 1 to 255 characters.
    pub key: CompactString,
    /// Its value, 1 to 255 characters.
    pub value: CompactString,
}

impl ResourceTag {
    /// A tag.
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

unchecked!(ResourceTag);

crate::page::paged! {
    ListProjects => Project;
}
