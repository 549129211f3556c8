//! The bounds of a seed, so that a small text cannot ask for a world that takes the machine.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Number;

use super::SeedError;
use crate::service::CLOCK_END;
use crate::snapshot_file::MAX_DATA;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, MAX_SHARDS};

/// The longest text, in bytes.
const MAX_TEXT: usize = 16 << 20;
const MAX_PROJECTS: usize = 1000;
const MAX_CLUSTERS: usize = 10_000;
const MAX_FILES: usize = 10_000;
/// The longest project name, in characters.
const MAX_NAME: usize = 64;

/// Reads a text that has the form of a seed; the error says where it has not.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, SeedError> {
    if text.len() > MAX_TEXT {
        return Err(SeedError::Form {
            place: String::new(),
            problem: format!("{} bytes; expected at most {MAX_TEXT}", text.len()),
        });
    }
    let json = &mut serde_json::Deserializer::from_str(text);
    let form = |place: String, error: &serde_json::Error| SeedError::Form {
        place,
        problem: one_line(&error.to_string()),
    };
    let seed = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let path = error.path().to_string();
        let known = path != "." && path != "?";
        let place = if known { path + ": " } else { String::new() };
        form(one_line(&place), error.inner())
    })?;
    json.end().map_err(|error| form(String::new(), &error))?;
    Ok(seed)
}

/// What was seen of a seed so far.
#[derive(Default)]
pub(super) struct Checked {
    projects: BTreeSet<ProjectId>,
    clusters: BTreeSet<(ProjectId, ClusterName)>,
    files: usize,
}

impl Checked {
    pub(super) fn project(
        &mut self,
        place: &str,
        id: ProjectId,
        name: &str,
    ) -> Result<(), SeedError> {
        let length = name.chars().count();
        if !(1..=MAX_NAME).contains(&length) {
            let problem = format!("{length} characters; expected 1 to {MAX_NAME}");
            return Err(value(format!("{place}.name"), problem));
        }
        if !self.projects.insert(id) {
            let problem = format!("there is another project {id}");
            return Err(value(format!("{place}.id"), problem));
        }
        at_most(place, "projects", self.projects.len(), MAX_PROJECTS)
    }

    pub(super) fn cluster(
        &mut self,
        place: &str,
        project: ProjectId,
        name: &ClusterName,
    ) -> Result<(), SeedError> {
        if !self.clusters.insert((project, name.clone())) {
            let problem = format!("the project has another cluster {:?}", name.as_str());
            return Err(value(format!("{place}.name"), problem));
        }
        at_most(place, "clusters", self.clusters.len(), MAX_CLUSTERS)
    }

    /// Counts the files of one more snapshot.
    pub(super) fn files(&mut self, place: &str, kind: ClusterKind) -> Result<(), SeedError> {
        self.files += match kind {
            ClusterKind::Sharded { shards } => usize::from(shards),
            _ => 1,
        };
        at_most(place, "snapshot files", self.files, MAX_FILES)
    }
}

/// The ids of a cluster's snapshots.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<SnapshotId>);

impl Ids {
    pub(super) fn insert(&mut self, place: &str, id: SnapshotId) -> Result<(), SeedError> {
        if self.0.insert(id) {
            return Ok(());
        }
        let problem = format!("the cluster has another snapshot {id}");
        Err(value(format!("{place}.id"), problem))
    }
}

pub(super) fn shards(place: &str, number: &Number) -> Result<u16, SeedError> {
    let path = || format!("{place}.kind.sharded");
    let shards = self::number(path, number, 1..=MAX_SHARDS.into())?;
    Ok(u16::try_from(shards).unwrap_or(MAX_SHARDS))
}

pub(super) fn bytes(place: &str, number: &Number) -> Result<u64, SeedError> {
    self::number(|| format!("{place}.bytes"), number, 0..=MAX_DATA)
}

pub(super) fn finished(place: &str, text: Option<&str>) -> Result<Timestamp, SeedError> {
    let Some(text) = text else {
        return Ok(FIRST_SNAPSHOT);
    };
    let path = || format!("{place}.finished");
    let shown: String = text.chars().take(MAX_NAME).collect();
    let time: Timestamp = text.parse().map_err(|_| {
        let expected = "expected RFC 3339, such as 2026-05-04T09:42:00Z";
        value(path(), format!("invalid timestamp {shown:?}; {expected}"))
    })?;
    if (Timestamp::UNIX_EPOCH..CLOCK_END).contains(&time) {
        return Ok(time);
    }
    Err(value(
        path(),
        format!("{shown:?}; expected a year from 1970 to 8999"),
    ))
}

/// A whole number within bounds.
pub(super) fn number(
    path: impl FnOnce() -> String,
    number: &Number,
    bounds: RangeInclusive<u64>,
) -> Result<u64, SeedError> {
    let whole = number.as_u64().filter(|number| bounds.contains(number));
    whole.ok_or_else(|| {
        let (first, last) = (bounds.start(), bounds.end());
        value(path(), format!("{number}; expected {first} to {last}"))
    })
}

fn at_most(place: &str, what: &str, seen: usize, most: usize) -> Result<(), SeedError> {
    if seen <= most {
        return Ok(());
    }
    let problem = format!("{seen} {what}; expected at most {most} in all");
    Err(value(place.to_owned(), problem))
}

fn value(path: String, problem: String) -> SeedError {
    SeedError::Value { path, problem }
}

/// A text in one line of bounded length, without control characters.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let escape = |character: char| {
        let escaped = character.is_control().then(|| character.escape_debug());
        let kept = escaped.is_none().then_some(character);
        escaped.into_iter().flatten().chain(kept)
    };
    text.chars().flat_map(escape).take(LONGEST).collect()
}
