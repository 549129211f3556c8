//! The summary of a pull, for one cluster and for several.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::print::print;

/// The lines that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A line for each, and a summary.
    Each,
    /// A line for each that changed, and a summary, for a program.
    Programs,
    /// A line for each that would be touched, and a summary.
    Changes,
    /// A summary if anything changed, and a line for each that is damaged or failed.
    Summary,
    /// A line for each that is damaged or failed.
    Problems,
}

/// The counts of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) downloaded: usize,
    pub(super) bytes: u64,
    pub(super) removed: usize,
    pub(super) failed: usize,
    pub(super) held: usize,
    /// The counts of a dry run.
    pub(super) would: [usize; 3],
}

impl Counts {
    pub(super) fn has_changed(self) -> bool {
        self.downloaded > 0 || self.removed > 0
    }

    /// Whether programs get a summary.
    pub(super) fn is_worth_a_line(self) -> bool {
        self.has_changed() || self.failed > 0 || self.would.iter().any(|count| *count > 0)
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
    pub(super) fn would(self) -> impl Iterator<Item = String> {
        let words = WOULD.iter().zip(self.would);
        let words = words.filter(|(_, count)| *count > 0);
        words.map(|(what, count)| format!("{what} {count}"))
    }

    pub(super) fn json(self) -> Value {
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
pub(super) const WOULD_DOWNLOAD: usize = 0;
pub(super) const WOULD_READ: usize = 1;
pub(super) const WOULD_REMOVE: usize = 2;

/// Whether a summary is printed: for people at a terminal always, for cron if anything changed.
pub(super) fn is_due(shown: Shown, has_changed: bool) -> bool {
    match shown {
        Shown::Each | Shown::Programs | Shown::Changes => true,
        Shown::Summary => has_changed || std::io::stdout().is_terminal(),
        Shown::Problems => false,
    }
}

/// The sum over the clusters of a run.
#[derive(Debug, Default)]
pub(super) struct Total(Mutex<Counts>);

impl Total {
    pub(super) fn add(&self, counts: Counts) {
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

    /// Prints the summary of all clusters, if there is one.
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
        let is_worth_it = total.is_worth_a_line() || failed > 0;
        if !output.is_plain() && !is_due(shown, is_worth_it) {
            return Ok(());
        }
        if let Ok(line) = output.line(&line) {
            return line.map_or(Ok(()), |line| print(line.as_bytes()));
        }
        if is_due(shown, total.has_changed()) {
            let failed = match failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            let plural = if clusters == 1 { "" } else { "s" };
            let line = format!("{clusters} cluster{plural}{failed}: {}", total.line());
            return print(line.as_bytes());
        }
        Ok(())
    }
}
