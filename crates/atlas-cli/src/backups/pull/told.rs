//! What became of one snapshot, in words and fields.

use atlas_backup::{Pulled, PulledFile};
use atlas_model::SnapshotId;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::failure::Failure;

/// What became of one snapshot.
pub(super) struct Told {
    pub(super) action: &'static str,
    pub(super) snapshot: SnapshotId,
    pub(super) taken: Option<Timestamp>,
    pub(super) files: Vec<PulledFile>,
    pub(super) bytes: Option<u64>,
    pub(super) error: Option<String>,
}

impl Told {
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

    /// What people are told beside it.
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

pub(super) fn told(pulled: Pulled) -> Option<Told> {
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
            error: Some(failure(error).to_string()),
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
pub(super) fn failure(error: atlas_backup::Error) -> Failure {
    let problem = match &error {
        atlas_backup::Error::Exists { path } => format!(
            "{} exists and is not what belongs there; move it away to continue",
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
