//! The result of one snapshot, as text and as fields.

use atlas_backup::{Pulled, PulledFile};
use atlas_model::SnapshotId;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::failure::Failure;

/// The result of one snapshot.
pub(super) struct Entry {
    pub(super) action: &'static str,
    pub(super) snapshot: SnapshotId,
    pub(super) taken: Option<Timestamp>,
    pub(super) files: Vec<PulledFile>,
    pub(super) bytes: Option<u64>,
    pub(super) error: Option<String>,
}

impl Entry {
    /// Its files for programs.
    pub(super) fn files(&self) -> Vec<Value> {
        self.files.iter().map(file).collect()
    }

    /// The action for people.
    pub(super) fn word(&self) -> &'static str {
        match self.action {
            "wouldDownload" => "would download",
            "wouldRead" => "would read",
            "wouldRemove" => "would remove",
            action => action,
        }
    }

    /// The rest of the line for people.
    pub(super) fn text(&self) -> String {
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
            "future" => "dated in the future; neither counted nor removed".to_owned(),
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

/// The entry of a result; `None` if it has no line.
pub(super) fn entry(pulled: Pulled) -> Option<Entry> {
    let new = |action, snapshot, taken| Entry {
        action,
        snapshot,
        taken,
        files: Vec::new(),
        bytes: None,
        error: None,
    };
    let with = |files, entry| Entry { files, ..entry };
    Some(match pulled {
        Pulled::Downloaded {
            snapshot,
            taken,
            files,
            bytes,
        } => Entry {
            bytes: Some(bytes),
            ..with(files, new("downloaded", snapshot, taken))
        },
        Pulled::AlreadyPresent {
            snapshot,
            taken,
            files,
        } => with(files, new("present", snapshot, taken)),
        Pulled::Removed {
            snapshot,
            taken,
            files,
        } => with(files, new("removed", snapshot, taken)),
        Pulled::Damaged {
            snapshot,
            taken,
            file,
            reason,
        } => Entry {
            error: Some(format!("{}: {reason}", file.display())),
            ..new("damaged", snapshot, taken)
        },
        Pulled::Future { snapshot, taken } => new("future", snapshot, taken),
        Pulled::Failed {
            snapshot,
            taken,
            error,
        } => Entry {
            error: Some(failure(error).to_string()),
            ..new("failed", snapshot, taken)
        },
        Pulled::WouldDownload { snapshot, taken } => new("wouldDownload", snapshot, taken),
        Pulled::WouldRead {
            snapshot,
            taken,
            files,
        } => with(files, new("wouldRead", snapshot, taken)),
        Pulled::WouldRemove {
            snapshot,
            taken,
            files,
        } => with(files, new("wouldRemove", snapshot, taken)),
        _ => return None,
    })
}

/// Converts an error, with hints for `pull`, which has no `--force`.
pub(super) fn failure(error: atlas_backup::Error) -> Failure {
    let problem = match &error {
        atlas_backup::Error::Exists { path } => format!(
            "{} exists but is not the expected file; move it away to continue",
            path.display()
        ),
        atlas_backup::Error::Foreign { path } => format!(
            "{} was not written by this program; move it away to continue",
            path.display()
        ),
        _ => return Failure::from(error),
    };
    Failure::File(problem)
}
