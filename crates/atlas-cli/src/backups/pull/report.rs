//! What a pull prints.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use atlas_backup::{PullSummary, Pulled, PulledFile};
use atlas_model::SnapshotId;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Task;
use crate::escape::escape;
use crate::failure::Failure;
use crate::log;
use crate::output::Output;
use crate::print::print;

/// What is printed of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A line for each, and a summary.
    Each,
    /// A line for each that would be touched, and a summary.
    Changes,
    /// A summary if anything changed, and a line for each that is damaged or failed.
    Summary,
    /// A line for each that is damaged or failed.
    Problems,
}

/// What became of the snapshots of one cluster.
pub(super) struct Report<'a> {
    task: &'a Task,
    output: &'a Output,
    shown: Shown,
    total: Option<&'a Total>,
    downloaded: Vec<(SnapshotId, Option<Timestamp>)>,
    counts: Counts,
    future: usize,
    of_others: usize,
    /// The first line that could not be printed.
    unprinted: Result<(), Failure>,
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    downloaded: usize,
    bytes: u64,
    removed: usize,
    failed: usize,
    held: usize,
    /// What a dry run would do.
    would: [usize; 3],
}

impl Counts {
    fn has_changed(self) -> bool {
        self.downloaded > 0 || self.removed > 0
    }

    /// `downloaded 2 (1234 bytes); removed 1; 24 kept`
    fn line(self) -> String {
        let mut parts = Vec::new();
        if self.downloaded > 0 {
            parts.push(format!(
                "downloaded {} ({} bytes)",
                self.downloaded, self.bytes
            ));
        }
        if self.removed > 0 {
            parts.push(format!("removed {}", self.removed));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        parts.extend(self.would());
        if parts.is_empty() {
            parts.push("nothing to do".to_owned());
        }
        parts.push(format!("{} kept", self.held));
        parts.join("; ")
    }

    /// `would download 3`
    fn would(self) -> impl Iterator<Item = String> {
        let words = WOULD.iter().zip(self.would);
        let words = words.filter(|(_, count)| *count > 0);
        words.map(|(what, count)| format!("{what} {count}"))
    }

    fn json(self) -> Value {
        json!({
            "time": Timestamp::now().to_string(),
            "action": "summary",
            "downloaded": self.downloaded,
            "bytes": self.bytes,
            "removed": self.removed,
            "failed": self.failed,
            "kept": self.held,
            "wouldDownload": self.would[WOULD_DOWNLOAD],
            "wouldRead": self.would[WOULD_READ],
            "wouldRemove": self.would[WOULD_REMOVE],
        })
    }
}

const WOULD: [&str; 3] = ["would download", "would read", "would remove"];
const WOULD_DOWNLOAD: usize = 0;
const WOULD_READ: usize = 1;
const WOULD_REMOVE: usize = 2;

impl<'a> Report<'a> {
    pub(super) fn new(
        task: &'a Task,
        output: &'a Output,
        shown: Shown,
        total: Option<&'a Total>,
    ) -> Self {
        Self {
            task,
            output,
            shown,
            total,
            downloaded: Vec::new(),
            counts: Counts::default(),
            future: 0,
            of_others: 0,
            unprinted: Ok(()),
        }
    }

    /// How many snapshots could not be downloaded or removed.
    pub(super) fn failed(&self) -> usize {
        self.counts.failed
    }

    /// Counts what became of a snapshot, and prints its line if it has one.
    pub(super) fn take(&mut self, pulled: Pulled) {
        let as_json = !self.output.is_plain();
        let shown = match &pulled {
            Pulled::Failed { .. } => {
                self.counts.failed += 1;
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
                log::warn(&format!(
                    "{snapshots} snapshots in {} may be of an earlier cluster named {}; --keep \
                     does not count or remove them",
                    self.task.dir.shown().display(),
                    self.task.cluster
                ));
                return;
            }
            _ => false,
        };
        if (shown || self.shown == Shown::Each)
            && let Some(told) = told(pulled)
        {
            let line = self.line(&told);
            self.print(line);
        }
    }

    fn count(&mut self, what: usize) -> bool {
        self.counts.would[what] += 1;
        true
    }

    /// The line of one snapshot.
    fn line(&self, told: &Told) -> Result<String, Failure> {
        let mut line = json!({
            "time": Timestamp::now().to_string(),
            "projectId": self.task.project.to_string(),
            "clusterName": self.task.cluster.as_str(),
            "action": told.action,
            "snapshotId": told.snapshot.to_string(),
            "taken": told.taken.map(|taken| taken.to_string()),
            "files": told.files.iter().map(file).collect::<Vec<_>>(),
        });
        if let Some(error) = &told.error {
            line["error"] = error.as_str().into();
        }
        self.output.line(&line).unwrap_or_else(|| {
            let line = format!("{:<10} {} {}", told.word(), told.snapshot, told.text());
            let line = line.trim_end();
            let line = match self.total {
                Some(_) => escape(&format!("{}: {line}", self.task.cluster)).into_owned(),
                None => escape(line).into_owned(),
            };
            Ok(line)
        })
    }

    fn print(&mut self, line: Result<String, Failure>) {
        let printed = line.and_then(|line| print(line.as_bytes()));
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
                self.print(Ok(line));
            }
        } else {
            let mut line = self.counts.json();
            line["projectId"] = self.task.project.to_string().into();
            line["clusterName"] = self.task.cluster.as_str().into();
            line["newest"] = summary.newest_held.map(|newest| newest.to_string()).into();
            if let Some(line) = self.output.line(&line) {
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
                "{} may be of an earlier cluster and do not count",
                self.of_others
            ));
        }
        format!("{}: {}", self.task.cluster, parts.join("; "))
    }
}

/// Whether a summary is printed: for people at a terminal always, for cron if anything changed.
fn is_due(shown: Shown, has_changed: bool) -> bool {
    match shown {
        Shown::Each | Shown::Changes => true,
        Shown::Summary => has_changed || std::io::stdout().is_terminal(),
        Shown::Problems => false,
    }
}

/// What the clusters of one run do together.
#[derive(Debug, Default)]
pub(super) struct Total(Mutex<Counts>);

impl Total {
    fn add(&self, counts: Counts) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        total.downloaded += counts.downloaded;
        total.bytes = total.bytes.saturating_add(counts.bytes);
        total.removed += counts.removed;
        total.failed += counts.failed;
        total.held += counts.held;
        for (total, count) in total.would.iter_mut().zip(counts.would) {
            *total += count;
        }
    }

    /// Prints the summary of all, if there is one.
    pub(super) fn finish(
        &self,
        clusters: usize,
        failed: usize,
        output: &Output,
        shown: Shown,
    ) -> Result<(), Failure> {
        let total = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = total.json();
        line["clusters"] = clusters.into();
        line["clustersFailed"] = failed.into();
        if let Some(line) = output.line(&line) {
            return print(line?.as_bytes());
        }
        if is_due(shown, total.has_changed()) {
            let failed = match failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            let line = format!("{clusters} clusters{failed}: {}", total.line());
            return print(line.as_bytes());
        }
        Ok(())
    }
}

/// What became of one snapshot.
struct Told {
    action: &'static str,
    snapshot: SnapshotId,
    taken: Option<Timestamp>,
    files: Vec<PulledFile>,
    bytes: Option<u64>,
    error: Option<String>,
}

impl Told {
    /// The action for people.
    fn word(&self) -> &'static str {
        match self.action {
            "wouldDownload" => "would download",
            "wouldRead" => "would read",
            "wouldRemove" => "would remove",
            action => action,
        }
    }

    /// What people are told beside it.
    fn text(&self) -> String {
        if let Some(error) = &self.error {
            return error.clone();
        }
        match self.action {
            "downloaded" => {
                let names: Vec<String> = self
                    .files
                    .iter()
                    .map(|file| file.path.display().to_string())
                    .collect();
                let bytes = self.bytes.unwrap_or_default();
                format!("{}, {bytes} bytes", names.join(", "))
            }
            "future" => "dated in the future; does not count and stays".to_owned(),
            "wouldDownload" => self
                .taken
                .map_or_else(String::new, |taken| taken.to_string()),
            _ => String::new(),
        }
    }
}

fn file(file: &PulledFile) -> Value {
    json!({
        "path": file.path.display().to_string(),
        "bytes": file.bytes,
        "sha256": file.sha256,
        "shard": file.shard,
    })
}

fn told(pulled: Pulled) -> Option<Told> {
    let told = |action, snapshot, taken| Told {
        action,
        snapshot,
        taken,
        files: Vec::new(),
        bytes: None,
        error: None,
    };
    let with = |files, told| Told { files, ..told };
    Some(match pulled {
        Pulled::Downloaded {
            snapshot,
            taken,
            files,
            bytes,
        } => Told {
            bytes: Some(bytes),
            ..with(files, told("downloaded", snapshot, taken))
        },
        Pulled::AlreadyPresent {
            snapshot,
            taken,
            files,
        } => with(files, told("present", snapshot, taken)),
        Pulled::Removed {
            snapshot,
            taken,
            files,
        } => with(files, told("removed", snapshot, taken)),
        Pulled::Damaged {
            snapshot,
            taken,
            file,
            reason,
        } => Told {
            error: Some(format!("{}: {reason}", file.display())),
            ..told("damaged", snapshot, taken)
        },
        Pulled::Future { snapshot, taken } => told("future", snapshot, taken),
        Pulled::Failed {
            snapshot,
            taken,
            error,
        } => Told {
            error: Some(failure_line(error)),
            ..told("failed", snapshot, taken)
        },
        Pulled::WouldDownload { snapshot, taken } => told("wouldDownload", snapshot, taken),
        Pulled::WouldRead {
            snapshot,
            taken,
            files,
        } => with(files, told("wouldRead", snapshot, taken)),
        Pulled::WouldRemove {
            snapshot,
            taken,
            files,
        } => with(files, told("wouldRemove", snapshot, taken)),
        _ => return None,
    })
}

/// What failed. `pull` replaces nothing and has no flag for it.
fn failure_line(error: atlas_backup::Error) -> String {
    match error {
        atlas_backup::Error::Exists { path } => {
            format!("{} exists; move it away to continue", path.display())
        }
        atlas_backup::Error::Foreign { path } => format!(
            "{} was not written by this program; move it away to continue",
            path.display()
        ),
        error => Failure::from(error).to_string(),
    }
}
