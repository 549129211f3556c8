//! The paths of a seed: of its resources and of scheduled changes.

use super::SeedError;
use super::check::{MAX_NAME, value};
use crate::api::generic::{org_key, project_key};
use crate::behaviour::access_entries::Block;
use crate::find::flex_key;
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
        _ if is_known(key) => return Ok(()),
        _ => "no operation has such a path; expected one such as /groups/ID/accessList/192.0.2.1",
    };
    Err(error(place, key, problem))
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
        ["groups", project, "flexClusters", name, _, ..] if !has(&flex_key(project, name)) => {
            format!("Flex cluster {name} in the project")
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

/// Whether an operation reads, writes or lists the resource.
fn is_known(key: &str) -> bool {
    let known = |path: &str| !atlas_catalog::methods(&format!("/api/atlas/v2{path}")).is_empty();
    let above = key.rsplit_once('/').map_or("", |(above, _)| above);
    known(key) || (!above.is_empty() && known(above))
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
