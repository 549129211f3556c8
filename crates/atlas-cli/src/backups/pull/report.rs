//! The lines that a pull prints.

use std::path::PathBuf;

use atlas_backup::{Error, PullSummary, Pulled};
use atlas_model::{ClusterName, ProjectId, SnapshotId};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::entry::{Entry, entry};
use super::summary::{Counts, Shown, Total, WOULD_DOWNLOAD, WOULD_READ, WOULD_REMOVE, is_due};
use crate::escape::escape;
use crate::failure::Failure;
use crate::log;
use crate::output::{ForPeople, Output};
use crate::print::print;

/// The cluster that a report is about, and its folder.
pub(super) struct About<'a> {
    pub(super) project: ProjectId,
    pub(super) cluster: &'a ClusterName,
    pub(super) folder: PathBuf,
}

/// The results of the snapshots of one cluster.
pub(super) struct Report<'a> {
    about: About<'a>,
    output: &'a Output,
    shown: Shown,
    total: Option<&'a Total>,
    downloaded: Vec<(SnapshotId, Option<Timestamp>)>,
    counts: Counts,
    /// How many of the failures are refusals, which another run does not change.
    refused: usize,
    future: usize,
    of_others: usize,
    /// The first line that could not be printed.
    unprinted: Result<(), Failure>,
}

/// Whether Atlas or its store refused a request with 403, or each link.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::LinksRefused { .. } => true,
        Error::Call(error) => error.status() == Some(StatusCode::FORBIDDEN),
        _ => false,
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(
        about: About<'a>,
        output: &'a Output,
        shown: Shown,
        total: Option<&'a Total>,
    ) -> Self {
        Self {
            about,
            output,
            shown,
            total,
            downloaded: Vec::new(),
            counts: Counts::default(),
            refused: 0,
            future: 0,
            of_others: 0,
            unprinted: Ok(()),
        }
    }

    /// The failure of the snapshots that could not be downloaded or removed, if there are any.
    pub(super) fn failure(&self) -> Option<Failure> {
        match self.counts.failed {
            0 => None,
            failed if failed == self.refused => Some(Failure::Refused(failed)),
            failed => Some(Failure::Missing(failed)),
        }
    }

    /// Counts the result of a snapshot, and prints its line if it has one.
    pub(super) fn take(&mut self, pulled: Pulled) {
        let as_json = !self.output.is_plain();
        let shown = match &pulled {
            Pulled::Failed { error, .. } => {
                self.counts.failed += 1;
                self.refused += usize::from(is_refusal(error));
                true
            }
            Pulled::Damaged { .. } => true,
            Pulled::WouldDownload { .. } => self.count(WOULD_DOWNLOAD),
            Pulled::WouldRead { .. } => self.count(WOULD_READ),
            Pulled::WouldRemove { .. } => self.count(WOULD_REMOVE),
            Pulled::Downloaded {
                snapshot,
                taken,
                bytes,
                ..
            } => {
                self.downloaded.push((*snapshot, *taken));
                self.counts.downloaded += 1;
                self.counts.bytes = self.counts.bytes.saturating_add(*bytes);
                as_json
            }
            Pulled::Removed { .. } => {
                self.counts.removed += 1;
                as_json
            }
            Pulled::Future { .. } => {
                self.future += 1;
                false
            }
            Pulled::OtherCluster { snapshots } => {
                self.of_others = *snapshots;
                log::problem(&format!(
                    "{snapshots} snapshots in {} may be of an earlier cluster named {}; --keep \
                     neither counts nor removes them",
                    self.about.folder.display(),
                    self.about.cluster
                ));
                return;
            }
            _ => false,
        };
        if (shown || self.shown == Shown::Each)
            && let Some(entry) = entry(pulled)
        {
            let line = self.line(&entry);
            self.print(line);
        }
    }

    /// Prints the line of a failure that ends the work on the cluster, for programs.
    pub(super) fn fail(&mut self, failure: &Failure) {
        let line = json!({
            "time": Timestamp::now().to_string(),
            "projectId": self.about.project.to_string(),
            "clusterName": self.about.cluster.as_str(),
            "action": "failed",
            "error": failure.to_string(),
            "exitCode": failure.exit_code(),
        });
        if let Ok(line) = self.output.line(&line) {
            self.print(line);
        }
    }

    fn count(&mut self, what: usize) -> bool {
        self.counts.would[what] += 1;
        true
    }

    /// The line of one snapshot; `None` if `--output` selects nothing of it.
    fn line(&self, entry: &Entry) -> Option<String> {
        let mut line = json!({
            "time": Timestamp::now().to_string(),
            "projectId": self.about.project.to_string(),
            "clusterName": self.about.cluster.as_str(),
            "action": entry.action,
            "snapshotId": entry.snapshot.to_string(),
            "taken": entry.taken.map(|taken| taken.to_string()),
            "files": entry.files(),
        });
        if let Some(error) = &entry.error {
            line["error"] = error.as_str().into();
        }
        self.output.line(&line).unwrap_or_else(|ForPeople| {
            let line = format!("{:<10} {} {}", entry.word(), entry.snapshot, entry.text());
            let line = line.trim_end();
            Some(match self.total {
                Some(_) => escape(&format!("{}: {line}", self.about.cluster)).into_owned(),
                None => escape(line).into_owned(),
            })
        })
    }

    fn print(&mut self, line: Option<String>) {
        let printed = line.map_or(Ok(()), |line| print(line.as_bytes()));
        if self.unprinted.is_ok() {
            self.unprinted = printed;
        }
    }

    /// Prints the summary, if there is one; `Err` if a line could not be printed.
    pub(super) fn finish(&mut self, summary: &PullSummary) -> Result<(), Failure> {
        self.counts.held = summary.held;
        if let Some(total) = self.total {
            total.add(self.counts);
        }
        if self.output.is_plain() {
            if is_due(self.shown, self.counts.has_changed()) {
                let line = escape(&self.summary(summary)).into_owned();
                self.print(Some(line));
            }
        } else if is_due(self.shown, self.counts.is_worth_a_line()) {
            let mut line = self.counts.json();
            line["projectId"] = self.about.project.to_string().into();
            line["clusterName"] = self.about.cluster.as_str().into();
            line["newest"] = summary.newest_held.map(|newest| newest.to_string()).into();
            if let Ok(line) = self.output.line(&line) {
                self.print(line);
            }
        }
        std::mem::replace(&mut self.unprinted, Ok(()))
    }

    /// `Cluster0: downloaded 32b6… (2026-05-04T09:42:00Z, 1073741824 bytes); removed 1; 8 kept,
    /// newest 2026-05-04T09:42:00Z`.
    fn summary(&self, summary: &PullSummary) -> String {
        let mut parts = Vec::new();
        let Counts {
            bytes,
            removed,
            failed,
            ..
        } = self.counts;
        match &self.downloaded[..] {
            [] => {}
            [(snapshot, taken)] => {
                let taken = taken.map_or_else(|| "undated".to_owned(), |taken| taken.to_string());
                parts.push(format!("downloaded {snapshot} ({taken}, {bytes} bytes)"));
            }
            more => parts.push(format!("downloaded {} ({bytes} bytes)", more.len())),
        }
        if removed > 0 {
            parts.push(format!("removed {removed}"));
        }
        parts.extend(self.counts.would());
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        if parts.is_empty() {
            parts.push("nothing to do".to_owned());
        }
        let newest = summary.newest_held;
        let newest = newest.map_or_else(String::new, |newest| format!(", newest {newest}"));
        parts.push(format!("{} kept{newest}", summary.held));
        if self.future > 0 {
            parts.push(format!("{} dated in the future", self.future));
        }
        if self.of_others > 0 {
            parts.push(format!(
                "{} may be of an earlier cluster and are not counted",
                self.of_others
            ));
        }
        format!("{}: {}", self.about.cluster, parts.join("; "))
    }
}
