//! Cases for clients that download: the file before, what goes wrong, the file after.

use serde::Deserialize;

use super::Outcome;

/// A snapshot's way into a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DownloadCase {
    /// How many bytes the file inside the snapshot's archive has.
    pub bytes: usize,
    /// What stands in its place before.
    pub before: Option<String>,
    /// Whether the client is told that it may replace it.
    #[serde(default)]
    pub replace: bool,
    /// What goes wrong, in this order.
    #[serde(default)]
    pub faults: Vec<DownloadFault>,
    /// The restore job ends as `FAILED`.
    #[serde(default)]
    pub job_fails: bool,
    /// Kills the client once a `stall` is reached, and runs it again.
    #[serde(default)]
    pub kill: bool,
    /// How the last run ends.
    pub outcome: Outcome,
    /// What stands there after.
    pub after: FileAfter,
    /// How many bytes all runs may fetch, in hundredths of the file.
    pub at_most_percent: Option<u64>,
}

/// Something that goes wrong. The first fault whose place and number fit a request is used, and no
/// fault with `nth` is used twice for the same number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadFault {
    /// Where.
    pub on: Place,
    /// At which requests of this place, counted from 1; at each if there is none.
    #[serde(default)]
    pub nth: Vec<usize>,
    /// What.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// A request that a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The request for a link.
    Request,
    /// The request for the file.
    Link,
}

/// What a server does wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultAction {
    /// Answers with this status.
    #[serde(rename_all = "camelCase")]
    Status {
        /// The status.
        status: u16,
        /// The code of an error body.
        error_code: Option<String>,
    },
    /// Ends the connection instead of an answer.
    Reset,
    /// Ends the connection after so many bytes of the body.
    Truncate(usize),
    /// Says nothing more after so many bytes of the body.
    Stall(usize),
    /// Sends so many bytes a second.
    Slow(u64),
    /// Answers after so many milliseconds.
    DelayMs(u64),
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
