//! Whether an answer is for what was asked for.
//!
//! A field that is missing says nothing; one that names anything else ends the call, since a file
//! would be kept under the wrong name.

use atlas_model::{Answer, ClusterName, ProjectId, RestoreJobId, SnapshotId};
use serde_json::Value;

use crate::error::Error;

/// What a restore job says that it is for, as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) id: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) delivery: Option<String>,
}

/// What a restore job has to be for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) project: ProjectId,
    pub(crate) cluster: &'a ClusterName,
    pub(crate) id: Option<RestoreJobId>,
    pub(crate) snapshot: Option<SnapshotId>,
    pub(crate) download: Option<bool>,
}

impl About {
    /// Reads what a job says, as text: a value that is no id must not pass for one that is missing.
    pub(crate) fn read(job: &Value) -> Self {
        Self {
            id: text(&job["id"]),
            snapshot: text(&job["snapshotId"]),
            project: text(&job["projectId"]),
            cluster: text(&job["clusterName"]).or_else(|| text(&job["instanceName"])),
            delivery: text(&job["deliveryType"]),
        }
    }

    /// What a job says by its type, and else by its text: where both say something, the type is what
    /// is used.
    pub(crate) fn or(self, text: Self) -> Self {
        Self {
            id: self.id.or(text.id),
            snapshot: self.snapshot.or(text.snapshot),
            project: self.project.or(text.project),
            cluster: self.cluster.or(text.cluster),
            delivery: self.delivery.or(text.delivery),
        }
    }

    /// Compares with what was asked for.
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

/// Compares the project and the cluster that an answer names with those that were asked for.
pub(crate) fn project_and_cluster(
    project: ProjectId,
    cluster: &ClusterName,
    found_project: Option<&str>,
    found_cluster: Option<&str>,
) -> Result<(), Error> {
    same("project", Some(&project), found_project)?;
    same("cluster", Some(cluster), found_cluster)
}

/// The body of an answer, whose text is looked at beside its type.
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

/// How many characters of what an answer is for are shown.
const SHOWN: usize = 200;

/// Refuses an answer that lists more than can be right, before anything is made for it.
pub(crate) fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count > limit {
        return Err(Error::TooMany { what, limit });
    }
    Ok(())
}
