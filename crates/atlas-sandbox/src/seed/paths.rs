//! The paths of a seed: of its resources and of scheduled changes.

use atlas_catalog::{Operation, route};
use http::Method;

use super::SeedError;
use super::check::{MAX_NAME, value};
use crate::api::generic::{org_key, project_key};
use crate::api::plan::{Kind, Plan};
use crate::behaviour::access_entries::Block;
use crate::store;
use crate::world::Sandbox;

/// The key of a resource's path.
pub(super) fn key(place: &str, text: &str) -> Result<String, SeedError> {
    key_of(text).ok_or_else(|| {
        let shown: String = text.chars().take(MAX_NAME).collect();
        let expected = "expected a path such as /groups/ID/databaseUsers/admin/NAME";
        value(format!("{place}.path"), format!("{shown:?}; {expected}"))
    })
}

/// Rejects a path that no operation has, and one that belongs elsewhere in a seed.
pub(super) fn check(place: &str, key: &str) -> Result<(), SeedError> {
    let segments: Vec<&str> = key.split('/').skip(1).collect();
    let problem = match segments.as_slice() {
        ["orgs", _] => "an organization belongs in the field organizations",
        ["groups", _] => "a project belongs in the field projects",
        ["groups", _, "clusters" | "flexClusters", _] => {
            "a cluster belongs in the field clusters of its project"
        }
        [
            "groups",
            _,
            "clusters" | "flexClusters",
            _,
            "backup",
            rest @ ..,
        ] if is_backup(rest) => {
            "snapshots and restore jobs belong in the fields snapshots and jobs of their cluster"
        }
        // Requests with such segments are refused, also if they are percent-encoded.
        _ if segments.iter().any(|it| matches!(*it, "." | "..")) => "expected no segments . and ..",
        _ => match use_of(key) {
            Use::Resource | Use::List => return Ok(()),
            Use::Collection => {
                "this path is that of a list; expected the path of a resource in it, such as \
                 /groups/ID/accessList/192.0.2.1"
            }
            Use::None => match use_of(above(key)) {
                Use::List => return Ok(()),
                Use::Resource if has_long_name(above(key)) => {
                    "no operation has such a path; write / in a name as %2F"
                }
                _ => {
                    "no operation has such a path; expected one such as \
                     /groups/ID/accessList/192.0.2.1"
                }
            },
        },
    };
    Err(error(place, key, problem))
}

/// Whether the path below the backups of a cluster is that of a snapshot or a restore job.
fn is_backup(rest: &[&str]) -> bool {
    matches!(
        rest,
        ["snapshots" | "restoreJobs", _, ..] | ["tenant", "snapshots" | "restores", _, ..]
    )
}

/// Rejects a resource below an organization, project or cluster that does not exist: no request
/// would find it.
pub(super) fn check_parents(place: &str, key: &str, sandbox: &Sandbox) -> Result<(), SeedError> {
    let has = |key: &str| sandbox.store.contains(key);
    let segments: Vec<&str> = key.split('/').skip(1).collect();
    let missing = match segments.as_slice() {
        ["orgs", org, _, ..] if !has(&org_key(org)) => format!("organization {org}"),
        ["groups", project, _, ..] if !has(&project_key(project)) => format!("project {project}"),
        // The path of an operation, not of a cluster.
        ["groups", _, "clusters", "provider", ..] => return Ok(()),
        // The backups of a deleted cluster stay.
        ["groups", project, "clusters", name, _, ..]
            if !sandbox.lives(project, name) && sandbox.backups(project, name).is_none() =>
        {
            format!("cluster {name} in the project")
        }
        _ => return Ok(()),
    };
    let missing: String = missing.chars().take(2 * MAX_NAME).collect();
    Err(error(place, key, &format!("the world has no {missing}")))
}

/// The error for a path.
pub(super) fn error(place: &str, key: &str, problem: &str) -> SeedError {
    let shown: String = key.chars().take(2 * MAX_NAME).collect();
    value(format!("{place}.path"), format!("{shown:?}: {problem}"))
}

/// The use of a path by operations. If several apply, the last one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// No operation has the path.
    None,
    /// Operations read, change or delete a resource.
    Resource,
    /// Operations return a list that has no create, such as the regions of providers. A resource
    /// directly below is an entry of it.
    List,
    /// Operations list or create resources, whose paths are longer.
    Collection,
}

fn use_of(key: &str) -> Use {
    let path = format!("/api/atlas/v2{key}");
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let routes = methods.iter().filter_map(|method| route(method, &path));
    let uses = routes.map(|route| use_by(route.operation));
    uses.max().unwrap_or(Use::None)
}

fn use_by(operation: Operation) -> Use {
    let path = operation.path();
    let acts = path
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    let plan = Plan::of(operation);
    match plan.kind {
        // `:verb` acts on the resource with the path before the colon.
        _ if acts => Use::None,
        Kind::List if plan.id.is_empty() && !plan.is_made => Use::List,
        Kind::List | Kind::Create => Use::Collection,
        _ => Use::Resource,
    }
}

/// Whether the last segment of a resource's path is a name that may have a slash, unlike those of
/// organizations, projects and clusters.
fn has_long_name(key: &str) -> bool {
    let segments: Vec<&str> = key.split('/').skip(1).collect();
    !key.is_empty()
        && !matches!(
            segments.as_slice(),
            ["orgs" | "groups", _] | ["groups", _, "clusters" | "flexClusters", _]
        )
}

/// The path without its last segment.
fn above(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(above, _)| above)
}

/// The key of a path.
fn key_of(path: &str) -> Option<String> {
    let path = path.strip_prefix("/api/atlas/v2").unwrap_or(path);
    let segments = path.strip_prefix('/')?.split('/');
    let decoded: Option<Vec<String>> = segments
        .map(|segment| {
            let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
            decoded
                .ok()
                .map(Into::into)
                .filter(|it: &String| !it.is_empty())
        })
        .collect();
    let mut decoded = decoded?;
    // A request finds an address as a block.
    if let [.., list, entry] = decoded.as_mut_slice()
        && list == "accessList"
        && let Some(block) = Block::parse(entry)
    {
        *entry = block.cidr();
    }
    Some(store::key(decoded.iter().map(String::as_str)))
}
