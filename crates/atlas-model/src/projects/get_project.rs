//! `getGroup`.

use crate::declare::operation;
use crate::{Project, ProjectId};

operation! {
    /// Gets one project.
    pub struct GetProject {
        path {
            /// The project, 24 hexadecimal digits.
            project: ProjectId = "groupId",
        }
    }
    GET "/api/atlas/v2/groups/{groupId}"
        => OK Project;
    id "getGroup",
    short "getGroup",
    tag "Projects";
    versions {
        2023-01-01,
    }
}
