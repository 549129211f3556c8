//! Cases for clients that download: the file before, what goes wrong, the file after.

use serde::Deserialize;
use serde_json::Value;

use super::Outcome;

/// A snapshot's way into a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DownloadCase {
    /// How much the snapshot's file holds, in bytes.
    pub bytes: u64,
    /// What stands in its place before.
    pub before: Option<String>,
    /// Whether the client is told that it may replace it.
    #[serde(default)]
    pub replace: bool,
    /// A fault plan of the sandbox.
    #[serde(default)]
    pub faults: Value,
    /// Settings of the sandbox's world.
    pub settings: Option<Value>,
    /// Kills the client once a `stall` of the plan is reached, and runs it again.
    #[serde(default)]
    pub kill: bool,
    /// How the last run ends.
    pub outcome: Outcome,
    /// What stands there after.
    pub after: FileAfter,
    /// How many bytes all runs may fetch, in hundredths of the file.
    pub at_most_percent: Option<u64>,
}

/// What stands in a file's place after a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileAfter {
    /// The whole snapshot.
    Complete,
    /// Nothing.
    Absent,
    /// What stood there before.
    Before,
}
