//! What a pull prints.

use std::path::Path;

use atlas_backup::{PullSummary, Pulled, PulledFile};
use atlas_model::{ClusterName, SnapshotId};
use jiff::Timestamp;
use std::io::IsTerminal as _;

use crate::escape::escape;
use crate::failure::{Failure, print, say};

/// What is printed of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A line of JSON for each.
    Json,
    /// A line for each, and a summary.
    Each,
    /// A line for each that would be touched, and a summary.
    Changes,
    /// A summary if anything changed, and a line for each that is damaged or failed.
    Summary,
}

/// What became of the snapshots of one cluster.
pub(super) struct Report<'a> {
    cluster: &'a ClusterName,
    folder: &'a Path,
    shown: Shown,
    is_one_of_many: bool,
    downloaded: Vec<(SnapshotId, Option<Timestamp>)>,
    bytes: u64,
    removed: usize,
    failed: usize,
    future: usize,
    of_others: usize,
    /// What a dry run would do.
    would: [(&'static str, usize); 3],
    /// The first line that could not be printed.
    unprinted: Result<(), Failure>,
}

const WOULD_DOWNLOAD: usize = 0;
const WOULD_READ: usize = 1;
const WOULD_REMOVE: usize = 2;

impl<'a> Report<'a> {
    pub(super) fn new(
        cluster: &'a ClusterName,
        folder: &'a Path,
        shown: Shown,
        is_one_of_many: bool,
    ) -> Self {
        Self {
            cluster,
            folder,
            shown,
            is_one_of_many,
            downloaded: Vec::new(),
            bytes: 0,
            removed: 0,
            failed: 0,
            future: 0,
            of_others: 0,
            would: [
                ("would download", 0),
                ("would read", 0),
                ("would remove", 0),
            ],
            unprinted: Ok(()),
        }
    }

    /// How many snapshots could not be downloaded or removed.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// Counts what became of a snapshot, and prints its line if it has one.
    pub(super) fn take(&mut self, pulled: Pulled) {
        let shown = match &pulled {
            Pulled::Failed { .. } => {
                self.failed += 1;
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
                self.bytes = self.bytes.saturating_add(*bytes);
                false
            }
            Pulled::Removed { .. } => {
                self.removed += 1;
                false
            }
            Pulled::Future { .. } => {
                self.future += 1;
                false
            }
            Pulled::OtherCluster { snapshots } => {
                self.of_others = *snapshots;
                say(&format!(
                    "{snapshots} snapshots in {} may be of an earlier cluster named {}; --keep \
                     does not count or remove them",
                    self.folder.display(),
                    self.cluster
                ));
                return;
            }
            _ => false,
        };
        if (shown || matches!(self.shown, Shown::Json | Shown::Each))
            && let Some(line) = self.line(pulled)
        {
            self.print(&line);
        }
    }

    fn count(&mut self, what: usize) -> bool {
        self.would[what].1 += 1;
        true
    }

    /// The line of one snapshot.
    fn line(&self, pulled: Pulled) -> Option<String> {
        let (what, snapshot, more) = told(pulled)?;
        if self.shown == Shown::Json {
            let mut line =
                serde_json::json!({"snapshotId": snapshot.to_string(), "is": what, "detail": more});
            if self.is_one_of_many {
                line["clusterName"] = self.cluster.as_str().into();
            }
            return Some(line.to_string());
        }
        let line = format!("{what:<8} {snapshot} {more}");
        let line = line.trim_end();
        Some(if self.is_one_of_many {
            escape(&format!("{}: {line}", self.cluster)).into_owned()
        } else {
            escape(line).into_owned()
        })
    }

    fn print(&mut self, line: &str) {
        let printed = print(line.as_bytes());
        if self.unprinted.is_ok() {
            self.unprinted = printed;
        }
    }

    /// Prints the summary, if there is one; `Err` if a line could not be printed.
    pub(super) fn finish(&mut self, summary: &PullSummary) -> Result<(), Failure> {
        let has_changed = !self.downloaded.is_empty() || self.removed > 0;
        let is_due = match self.shown {
            Shown::Json => false,
            Shown::Each | Shown::Changes => true,
            Shown::Summary => has_changed || std::io::stdout().is_terminal(),
        };
        if is_due {
            let line = escape(&self.summary(summary)).into_owned();
            self.print(&line);
        }
        std::mem::replace(&mut self.unprinted, Ok(()))
    }

    /// `Cluster0: downloaded 32b6… (2026-05-04T09:42:00Z, 1073741824 bytes); removed 1; 8 kept,
    /// newest 2026-05-04T09:42:00Z`.
    fn summary(&self, summary: &PullSummary) -> String {
        let mut parts = Vec::new();
        let bytes = self.bytes;
        match &self.downloaded[..] {
            [] => {}
            [(snapshot, taken)] => {
                let taken = taken.map_or_else(|| "undated".to_owned(), |taken| taken.to_string());
                parts.push(format!("downloaded {snapshot} ({taken}, {bytes} bytes)"));
            }
            more => parts.push(format!("downloaded {} ({bytes} bytes)", more.len())),
        }
        if self.removed > 0 {
            parts.push(format!("removed {}", self.removed));
        }
        let would = self.would.iter().filter(|(_, count)| *count > 0);
        parts.extend(would.map(|(what, count)| format!("{what} {count}")));
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
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
                "{} may be of an earlier cluster and do not count",
                self.of_others
            ));
        }
        format!("{}: {}", self.cluster, parts.join("; "))
    }
}

/// What became of one snapshot: a word, its id and the rest.
fn told(pulled: Pulled) -> Option<(&'static str, SnapshotId, String)> {
    Some(match pulled {
        Pulled::Downloaded {
            snapshot,
            files,
            bytes,
            ..
        } => {
            let name = |file: &PulledFile| file.path.display().to_string();
            let names: Vec<_> = files.iter().map(name).collect();
            let more = format!("{}, {bytes} bytes", names.join(", "));
            ("taken", snapshot, more)
        }
        Pulled::AlreadyPresent { snapshot, .. } => ("there", snapshot, String::new()),
        Pulled::Removed { snapshot, .. } => ("removed", snapshot, String::new()),
        Pulled::Damaged { snapshot, file, .. } => ("damaged", snapshot, file.display().to_string()),
        Pulled::Future { snapshot, .. } => (
            "future",
            snapshot,
            "dated in the future; does not count and stays".to_owned(),
        ),
        Pulled::Failed {
            snapshot, error, ..
        } => ("failed", snapshot, failure_line(error)),
        Pulled::WouldDownload { snapshot, taken } => {
            let taken = taken.map_or_else(String::new, |taken| taken.to_string());
            ("would download", snapshot, taken)
        }
        Pulled::WouldRead { snapshot, .. } => ("would read", snapshot, String::new()),
        Pulled::WouldRemove { snapshot, .. } => ("would remove", snapshot, String::new()),
        _ => return None,
    })
}

/// What failed. `pull` replaces nothing and has no flag for it.
fn failure_line(error: atlas_backup::Error) -> String {
    match error {
        atlas_backup::Error::Exists { path } => {
            format!("{} exists; move it away to go on", path.display())
        }
        atlas_backup::Error::Foreign { path } => format!(
            "{} was not written by this program; move it away to go on",
            path.display()
        ),
        error => Failure::from(error).to_string(),
    }
}
