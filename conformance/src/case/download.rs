//! Download cases for clients: the initial file, the faults, the final file.

use serde::Deserialize;

use super::Outcome;

/// The download of a snapshot to a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DownloadCase {
    /// The size of the file inside the snapshot's archive, in bytes.
    pub bytes: usize,
    /// The initial content of the target file, if it exists.
    pub before: Option<String>,
    /// Whether the client is allowed to replace the target file.
    #[serde(default)]
    pub replace: bool,
    /// The faults, in order.
    #[serde(default)]
    pub faults: Vec<DownloadFault>,
    /// The restore job fails.
    #[serde(default)]
    pub job_fails: bool,
    /// Kills the client once a `stall` is reached, and runs it again.
    #[serde(default)]
    pub kill: bool,
    /// The outcome of the last run.
    pub outcome: Outcome,
    /// The final content of the target file.
    pub after: FileAfter,
    /// The maximum number of bytes fetched by all runs, in percent of the file.
    pub at_most_percent: Option<u64>,
}

/// An injected fault. The first fault that matches the place and number of a request applies, and
/// a fault with `nth` applies once for each number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadFault {
    /// The place.
    pub on: Place,
    /// The requests of this place, counted from 1; empty for all.
    #[serde(default)]
    pub nth: Vec<usize>,
    /// The action.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// The kind of request that a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The request for a link.
    Request,
    /// The request for the file.
    Link,
}

/// The action of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultAction {
    /// Responds with this status.
    #[serde(rename_all = "camelCase")]
    Status {
        /// The status.
        status: u16,
        /// The code of an error body.
        error_code: Option<String>,
    },
    /// Closes the connection without a response.
    Reset,
    /// Closes the connection after this many bytes of the body.
    Truncate(usize),
    /// Stops sending after this many bytes of the body.
    Stall(usize),
    /// Sends this many bytes per second.
    Slow(u64),
    /// Responds after this many milliseconds.
    DelayMs(u64),
}

/// The content of the target file after a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileAfter {
    /// The complete snapshot.
    Complete,
    /// No file.
    Absent,
    /// The initial content.
    Before,
}
