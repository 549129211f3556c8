//! Checks whether a response is for what was requested.
//!
//! A missing field is accepted. A field that names anything else ends the call, since a file would
//! be saved under the wrong name.

use atlas_model::{Answer, ClusterName, ProjectId, RestoreJobId, SnapshotId};
use serde_json::Value;

use crate::error::Error;

/// The fields of a restore job that identify its subject, as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) id: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) delivery: Option<String>,
}

/// The expected subject of a restore job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) project: ProjectId,
    pub(crate) cluster: &'a ClusterName,
    pub(crate) id: Option<RestoreJobId>,
    pub(crate) snapshot: Option<SnapshotId>,
    pub(crate) download: Option<bool>,
}

impl About {
    /// Reads the fields as text: an invalid id must not pass for a missing one.
    pub(crate) fn read(job: &Value) -> Self {
        Self {
            id: text(&job["id"]),
            snapshot: text(&job["snapshotId"]),
            project: text(&job["projectId"]),
            cluster: text(&job["clusterName"]).or_else(|| text(&job["instanceName"])),
            delivery: text(&job["deliveryType"]),
        }
    }

    /// Combines the typed fields with those read as text; typed ones take precedence, since they
    /// are used.
    pub(crate) fn or(self, text: Self) -> Self {
        Self {
            id: self.id.or(text.id),
            snapshot: self.snapshot.or(text.snapshot),
            project: self.project.or(text.project),
            cluster: self.cluster.or(text.cluster),
            delivery: self.delivery.or(text.delivery),
        }
    }

    /// Compares the fields with the requested ones.
    pub(crate) fn check(&self, asked: &Asked<'_>) -> Result<(), Error> {
        same("restore job", asked.id.as_ref(), self.id.as_deref())?;
        same(
            "snapshotId",
            asked.snapshot.as_ref(),
            self.snapshot.as_deref(),
        )?;
        project_and_cluster(
            asked.project,
            asked.cluster,
            self.project.as_deref(),
            self.cluster.as_deref(),
        )?;
        let (Some(download), Some(delivery)) = (asked.download, &self.delivery) else {
            return Ok(());
        };
        if delivery.eq_ignore_ascii_case("download") == download {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "deliveryType",
            expected: if download { "download" } else { "restore" }.to_owned(),
            found: delivery.clone(),
        })
    }
}

/// Compares the project and the cluster of a response with the requested ones.
pub(crate) fn project_and_cluster(
    project: ProjectId,
    cluster: &ClusterName,
    found_project: Option<&str>,
    found_cluster: Option<&str>,
) -> Result<(), Error> {
    same("project", Some(&project), found_project)?;
    same("cluster", Some(cluster), found_cluster)
}

/// The body of a response as JSON.
pub(crate) fn body<R>(answer: &Answer<R>) -> Result<Value, Error> {
    answer.body.json().map_err(|_| Error::Unreadable)
}

/// A value as text; `None` if it is missing.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn same(
    what: &'static str,
    asked: Option<&impl ToString>,
    found: Option<&str>,
) -> Result<(), Error> {
    let (Some(asked), Some(found)) = (asked, found) else {
        return Ok(());
    };
    let expected = asked.to_string();
    if expected == found {
        return Ok(());
    }
    let mut shown: String = found.chars().take(SHOWN).collect();
    if shown.len() < found.len() {
        shown.push('…');
    }
    Err(Error::Mismatch {
        what,
        expected,
        found: shown,
    })
}

/// How many characters of a response's value are shown.
const SHOWN: usize = 200;

/// Refuses a response that lists more than is plausible, before anything is allocated for it.
pub(crate) fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count > limit {
        return Err(Error::TooMany { what, limit });
    }
    Ok(())
}
