//! The bounds of a seed, so that a small text cannot create a world that exhausts the machine.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use atlas_catalog::{Operation, ViolationKind};
use atlas_model::ClusterName;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::{SeedError, paths};
use crate::clock::CLOCK_END;
use crate::json_error::plain;
use crate::snapshot_file::MAX_DATA;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, MAX_SHARDS};

/// The maximum size of the text, in bytes.
pub(crate) const MAX_TEXT: usize = 16 << 20;
const MAX_PROJECTS: usize = 10_000;
const MAX_CLUSTERS: usize = 10_000;
const MAX_FILES: usize = 10_000;
const MAX_ALL_SHARDS: usize = 10_000;
const MAX_JOBS: usize = 10_000;
const MAX_ORGANIZATIONS: usize = 1000;
const MAX_LOGINS: usize = 50_000;
const MAX_LISTED: usize = 50_000;
/// The maximum length of a project name, in characters.
pub(super) const MAX_NAME: usize = 64;

/// Parses a text in the form of a seed; the error has the position of an invalid value.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, SeedError> {
    if text.len() > MAX_TEXT {
        return Err(SeedError::Form {
            place: String::new(),
            problem: format!("{} bytes; expected at most {MAX_TEXT}", text.len()),
        });
    }
    // Serde also reads a structure from an array.
    if text.trim_start().starts_with('[') {
        return Err(SeedError::Form {
            place: String::new(),
            problem: "expected an object, not an array".to_owned(),
        });
    }
    let json = &mut serde_json::Deserializer::from_str(text);
    let form = |place: String, error: &serde_json::Error| SeedError::Form {
        place,
        problem: one_line(&plain(&error.to_string())),
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

/// The parts of a seed that were checked so far.
#[derive(Default)]
pub(super) struct Checked {
    organizations: BTreeSet<String>,
    projects: BTreeSet<String>,
    clusters: BTreeSet<(String, ClusterName)>,
    files: usize,
    shards: usize,
    jobs: usize,
    logins: usize,
    resources: BTreeSet<String>,
    changes: usize,
    /// The time and the resource of each change.
    times: BTreeSet<(Timestamp, String)>,
}

impl Checked {
    pub(super) fn project(&mut self, place: &str, id: &str, name: &str) -> Result<(), SeedError> {
        check_name(place, name)?;
        if !self.projects.insert(id.to_owned()) {
            let problem = format!("duplicate project {id}");
            return Err(value(format!("{place}.id"), problem));
        }
        at_most(place, "projects", self.projects.len(), MAX_PROJECTS)
    }

    pub(super) fn cluster(
        &mut self,
        place: &str,
        project: &str,
        name: &ClusterName,
    ) -> Result<(), SeedError> {
        if !self.clusters.insert((project.to_owned(), name.clone())) {
            let problem = format!("duplicate cluster {:?} in the project", name.as_str());
            return Err(value(format!("{place}.name"), problem));
        }
        at_most(place, "clusters", self.clusters.len(), MAX_CLUSTERS)
    }

    pub(super) fn organization(
        &mut self,
        place: &str,
        id: &str,
        name: &str,
    ) -> Result<(), SeedError> {
        check_name(place, name)?;
        if !self.organizations.insert(id.to_owned()) {
            let problem = format!("duplicate organization {id}");
            return Err(value(format!("{place}.id"), problem));
        }
        let seen = self.organizations.len();
        at_most(place, "organizations", seen, MAX_ORGANIZATIONS)
    }

    pub(super) fn login(&mut self, place: &str) -> Result<(), SeedError> {
        self.logins += 1;
        at_most(place, "logins", self.logins, MAX_LOGINS)
    }

    pub(super) fn job(&mut self, place: &str) -> Result<(), SeedError> {
        self.jobs += 1;
        at_most(place, "jobs", self.jobs, MAX_JOBS)
    }

    pub(super) fn resource(&mut self, place: &str, key: &str) -> Result<(), SeedError> {
        if !self.resources.insert(key.to_owned()) {
            return Err(paths::error(place, key, "duplicate resource"));
        }
        at_most(place, "resources", self.resources.len(), MAX_LISTED)
    }

    pub(super) fn change(&mut self, place: &str) -> Result<(), SeedError> {
        self.changes += 1;
        at_most(place, "scheduled changes", self.changes, MAX_LISTED)
    }

    /// Rejects a second change of a resource at the same time.
    pub(super) fn change_at(
        &mut self,
        place: &str,
        key: &str,
        at: Timestamp,
    ) -> Result<(), SeedError> {
        if self.times.insert((at, key.to_owned())) {
            return Ok(());
        }
        let problem = format!("duplicate change at {at}; put all fields into one merge");
        Err(paths::error(place, key, &problem))
    }

    /// Counts the shards of one more cluster.
    pub(super) fn shards(&mut self, place: &str, kind: ClusterKind) -> Result<(), SeedError> {
        self.shards += match kind {
            ClusterKind::Sharded { shards } => usize::from(shards),
            _ => 1,
        };
        at_most(place, "shards", self.shards, MAX_ALL_SHARDS)
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
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    pub(super) fn insert(&mut self, place: &str, id: &str) -> Result<(), SeedError> {
        if self.0.insert(id.to_owned()) {
            return Ok(());
        }
        let problem = format!("duplicate snapshot {id} of the cluster");
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
    time(&format!("{place}.finished"), text)
}

/// Parses a time within the range of the clock.
pub(super) fn time(path: &str, text: &str) -> Result<Timestamp, SeedError> {
    let shown: String = text.chars().take(MAX_NAME).collect();
    let time: Timestamp = text.parse().map_err(|_| {
        let expected = "expected RFC 3339, such as 2026-05-04T09:42:00Z";
        let problem = format!("invalid timestamp {shown:?}: {expected}");
        value(path.to_owned(), problem)
    })?;
    if (Timestamp::UNIX_EPOCH..=CLOCK_END).contains(&time) {
        return Ok(time);
    }
    let problem = format!("{shown:?}; expected a year from 1970 to 8999");
    Err(value(path.to_owned(), problem))
}

/// The time in a field of a body, or the creation time of the default world.
pub(super) fn moment(body: &Value, field: &str) -> Timestamp {
    let text = body.get(field).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok())
        .unwrap_or(FIRST_SNAPSHOT)
}

/// Checks an optional id of 24 hexadecimal digits.
pub(super) fn hex_id(place: &str, text: Option<&str>) -> Result<Option<String>, SeedError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 24 && text.bytes().all(digit) {
        return Ok(Some(text.to_owned()));
    }
    let shown: String = text.chars().take(MAX_NAME).collect();
    let problem = format!("invalid id {shown:?}: expected 24 lowercase hex digits");
    Err(value(format!("{place}.id"), problem))
}

/// Rejects fields of a body that have their own place in the seed.
pub(super) fn own_fields(path: &str, body: Option<&Value>) -> Result<(), SeedError> {
    let found = ["id", "name", "orgId"]
        .into_iter()
        .find(|name| body.is_some_and(|it| it.get(name).is_some()));
    match found {
        None => Ok(()),
        Some(name) => Err(value(
            format!("{path}.{name}"),
            "belongs next to the body, not in it".to_owned(),
        )),
    }
}

/// Rejects a body in which a field has another type than in the responses of an operation.
pub(super) fn types(path: &str, operation: &str, body: &Value) -> Result<(), SeedError> {
    let Some(operation) = Operation::find(operation) else {
        return Ok(());
    };
    let Some(version) = operation.version(None) else {
        return Ok(());
    };
    let violations = operation.check_response(version, 200, body);
    let wrong = violations.iter().find(|it| {
        // Recorded responses have nulls.
        it.kind() == ViolationKind::Type && !it.to_string().ends_with("found null")
    });
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(value(path.to_owned(), one_line(&wrong.to_string()))),
    }
}

/// Rejects a resource that is not an object.
pub(super) fn is_object(path: &str, body: &Value) -> Result<(), SeedError> {
    if body.is_object() {
        return Ok(());
    }
    Err(value(path.to_owned(), "expected an object".to_owned()))
}

/// Checks the state of a cluster.
pub(super) fn state(place: &str, text: &str) -> Result<(), SeedError> {
    let states = ["IDLE", "CREATING", "UPDATING", "DELETING", "REPAIRING"];
    if states.contains(&text) {
        return Ok(());
    }
    let shown: String = text.chars().take(MAX_NAME).collect();
    let mut problem = format!("{shown:?}; expected one of {}", states.join(", "));
    if text.eq_ignore_ascii_case("paused") {
        problem.push_str("; a paused cluster has \"body\": {\"paused\": true}");
    }
    Err(value(format!("{place}.state"), problem))
}

/// Rejects credentials that a header cannot contain. The error does not show them, since they may
/// be secret.
pub(super) fn proof(path: &str, text: &str) -> Result<(), SeedError> {
    let problem = if text.is_empty() {
        "empty; expected a text, or omit the field"
    } else if text.chars().any(|it| it.is_control() || it.is_whitespace()) {
        "expected a text without spaces and control characters"
    } else {
        return Ok(());
    };
    Err(value(path.to_owned(), problem.to_owned()))
}

/// Checks that a role is documented.
pub(super) fn role(path: &str, name: &str) -> Result<(), SeedError> {
    let mut known = Operation::all().flat_map(Operation::roles);
    if known.any(|role| role == name) {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    let expected = "expected a documented role, such as Project Read Only";
    let problem = format!("no such role {shown:?}; {expected}");
    Err(value(path.to_owned(), problem))
}

fn check_name(place: &str, name: &str) -> Result<(), SeedError> {
    let length = name.chars().count();
    if (1..=MAX_NAME).contains(&length) {
        return Ok(());
    }
    let problem = format!("{length} characters; expected 1 to {MAX_NAME}");
    Err(value(format!("{place}.name"), problem))
}

/// Checks an integer against its bounds.
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

pub(super) fn value(path: String, problem: String) -> SeedError {
    SeedError::Value { path, problem }
}

/// A text in one line of bounded length, without control characters.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let escape = |character: char| {
        let escaped = character.is_control().then(|| character.escape_debug());
        let kept = escaped.is_none().then_some(character);
        escaped.into_iter().flatten().chain(kept)
    };
    text.chars().flat_map(escape).take(LONGEST).collect()
}
