//! The error type of this crate.

mod judged;
mod request;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use atlas_model::{ClusterName, RestoreJobId, SnapshotId, error_line};
use http::StatusCode;

use crate::fault::Fault;
use crate::job_view::JobEnd;

#[cfg(feature = "object-store")]
pub(crate) use judged::Scope;
pub use request::{Accepted, Awaited};

/// The error of a backup operation.
///
/// `Display` states what failed and what to do; [`causes`](Error::causes) gives the reasons.
/// `Debug` prints both in one line, so that a `main` that returns the error prints a readable
/// message:
///
/// ```
/// use atlas_backup::{Error, Manifest};
///
/// let error = Manifest::read("nowhere.tgz".as_ref()).unwrap_err();
/// let causes: Vec<String> = error.causes().map(ToString::to_string).collect();
/// assert_eq!(format!("{error:?}"), format!("{error}: {}", causes.join(": ")));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request to Atlas or to the store failed.
    #[error(transparent)]
    Call(#[from] atlas_transport::Error),
    /// The requested snapshot does not exist.
    #[error(
        "{cluster} has no completed snapshot {wanted}; list its snapshots to see what there is"
    )]
    NoSnapshot {
        /// The cluster.
        cluster: String,
        /// The request, in words.
        wanted: String,
    },
    /// The snapshot failed, so it never becomes complete.
    #[error("snapshot {snapshot} of {cluster} failed; take a new snapshot, or choose another one")]
    SnapshotFailed {
        /// The cluster.
        cluster: String,
        /// The snapshot.
        snapshot: SnapshotId,
    },
    /// The cluster has no such restore job.
    #[error("{cluster} has no restore job {job}; list its restore jobs to see what there is")]
    NoJob {
        /// The cluster.
        cluster: String,
        /// The job.
        job: RestoreJobId,
        /// The response of Atlas.
        #[source]
        source: Box<atlas_transport::Error>,
    },
    /// The restore job writes to a cluster and provides no link.
    #[error("restore job {job} is not a download; choose one that is, or a snapshot")]
    NotADownload {
        /// The job.
        job: RestoreJobId,
    },
    /// The job ended without a result.
    #[error("the restore job{} {how}; start another job or choose another snapshot", shown(*job))]
    JobEnded {
        /// The job.
        job: Option<RestoreJobId>,
        /// How it ended.
        how: JobEnd,
    },
    /// The operation was not complete in time. It may still complete.
    #[error("{}", awaited.not_within(*limit))]
    Deadline {
        /// The awaited operation.
        awaited: Awaited,
        /// How long the call waited.
        limit: Duration,
        /// Why the last request to Atlas failed, if it did.
        #[source]
        last: Option<Box<atlas_transport::Error>>,
    },
    /// The job is complete according to Atlas, but has no link.
    #[error("the restore job{} has no link; start another download", shown(*job))]
    NoLink {
        /// The job.
        job: Option<RestoreJobId>,
    },
    /// The links of a job cannot be read: they are not text, or they are empty although the job is
    /// complete.
    #[error(
        "the links of restore job {job} cannot be read; check the base URL and any proxy in between, \
         then start another download"
    )]
    UnreadableLinks {
        /// The job.
        job: RestoreJobId,
    },
    /// Atlas accepted a request that starts a job, but its response cannot be read, so the job is
    /// unknown. **A restore runs anyway**: check the restore jobs of the cluster before repeating
    /// it. A download can be requested again without harm.
    #[error("the {what} was accepted, but the response cannot be read; {}", what.hint())]
    AcceptedUnreadable {
        /// The accepted request.
        what: Accepted,
        /// The problem with the response, if it can be read in part.
        #[source]
        source: Option<Box<Error>>,
    },
    /// A local file cannot be read or written.
    #[error("{} {doing}", printable(&path.display().to_string()))]
    File {
        /// The file.
        path: PathBuf,
        /// The operation that failed.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An operation on an object store failed.
    #[cfg(feature = "object-store")]
    #[error("cannot {doing} {url}; {hint}")]
    Store {
        /// The object's URL.
        url: String,
        /// The operation that failed.
        doing: &'static str,
        /// A hint for the caller, in the imperative.
        hint: &'static str,
        /// Why.
        #[source]
        source: crate::StoreFailure,
    },
    /// The credentials are not sufficient to check whether an object exists.
    #[cfg(feature = "object-store")]
    #[error(
        "cannot check whether {url} exists; check the credentials, grant them read and list, or \
         allow replacing it to skip the check"
    )]
    CannotCheck {
        /// The object's URL.
        url: String,
        /// Why.
        #[source]
        source: crate::StoreFailure,
    },
    /// An upload failed or was dropped, and something of it could not be removed from the store.
    #[cfg(feature = "object-store")]
    #[error("{}{what} is left in the store at {url}; remove it there", before(after.as_deref()))]
    LeftInStore {
        /// The URL of the object, or of its manifest.
        url: String,
        /// The item that is left.
        what: &'static str,
        /// Why it could not be removed.
        #[source]
        source: crate::StoreFailure,
        /// Why the upload failed, if it was not dropped.
        after: Option<Box<Error>>,
    },
    /// A file of that name already exists.
    #[error("{} already exists; choose another name or allow it to be replaced", printable(&path.display().to_string()))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that this program did not write is in the place of one of its files.
    #[error("{} was not written by this program; move it away or choose another name", printable(&path.display().to_string()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The response is for something other than what was requested. No file was saved. If it is the
    /// response to a restore request, that request was accepted.
    #[error(
        "response for another {what}: expected {expected:?}, found {found:?}; check the base URL and \
         any proxy in between, and check the restore jobs of the cluster"
    )]
    Mismatch {
        /// The field that differs.
        what: &'static str,
        /// The requested value.
        expected: String,
        /// The value in the response.
        found: String,
    },
    /// The response contains an unreadable value, so it is not certain what it is for.
    #[error(
        "the response cannot be read as a whole; nothing was saved, check the base URL and any proxy \
         in between"
    )]
    Unreadable,
    /// The files of a restore job cannot be distinguished.
    #[error("the restore job{} has equal links for different shards; start another download", shown(*job))]
    EqualLinks {
        /// The job.
        job: Option<RestoreJobId>,
    },
    /// Two shards of a snapshot have equal files, so another shard is missing. The second file was
    /// not saved.
    #[error(
        "shards {one} and {other} of the snapshot have equal files, so one shard is missing; \
         download all of its files again, replacing any that exist"
    )]
    EqualShards {
        /// A shard.
        one: String,
        /// The shard whose file is equal.
        other: String,
    },
    /// The restore job has links for only some shards of the snapshot, and got no more in time.
    #[error(
        "the restore job{} has {found} of {expected} links after {} s; start another download",
        shown(*job), limit.as_secs()
    )]
    MissingLinks {
        /// The job.
        job: Option<RestoreJobId>,
        /// How many links it has.
        found: usize,
        /// How many shards the snapshot has.
        expected: usize,
        /// How long the call waited.
        limit: Duration,
    },
    /// The snapshot has one file for each shard, and only one can be written here. Nothing was
    /// written.
    #[error("the snapshot has {files} files, one for each shard; download it to a file")]
    SeveralFiles {
        /// The number of files.
        files: usize,
    },
    /// A file is damaged, and Atlas no longer lists its snapshot as completed.
    #[error(
        "{} is damaged and cannot be downloaded again, since Atlas no longer lists its snapshot \
         as completed; move it and its manifest away to continue: {defect}",
        printable(&path.display().to_string())
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// The defect of the file.
        defect: String,
    },
    /// A file is missing although its manifest exists, and Atlas no longer lists its snapshot.
    #[error(
        "{} is missing and cannot be downloaded again, since Atlas no longer lists its snapshot; \
         bring it back, or move its manifest away to continue", printable(&path.display().to_string())
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// Another run is writing the same file or object, or works in the same folder: it holds the
    /// lock or the lease. This variant is used for nothing else.
    #[error("{} is in use by another run; wait for it to end", printable(&path.display().to_string()))]
    Busy {
        /// The file or folder, or the URL of the lease.
        path: PathBuf,
    },
    /// A response lists more than is plausible. Nothing was saved.
    #[error(
        "the response lists more than {limit} {what}; check the base URL and any proxy in between"
    )]
    TooMany {
        /// The kind of the listed items.
        what: &'static str,
        /// The maximum number.
        limit: usize,
    },
    /// The store announces a file that is longer than any snapshot.
    #[error(
        "the store announces a file of {announced} bytes, more than any snapshot has; start another download"
    )]
    TooLong {
        /// The announced length in bytes.
        announced: u64,
    },
    /// The file arrives below the client's minimum rate, over all of its connections together.
    #[error(
        "the file arrived at less than {bytes_per_second} bytes a second for {} s; try again later, \
         or lower the minimum rate", window.as_secs()
    )]
    TooSlow {
        /// The minimum rate.
        bytes_per_second: u64,
        /// How long it was slower.
        window: Duration,
    },
    /// The store repeatedly sent fewer or more bytes than it announced.
    #[error("the store sent {received} of {expected} bytes; try again")]
    Length {
        /// The number of received bytes.
        received: u64,
        /// The number of announced bytes.
        expected: u64,
    },
    /// The store refuses each new link: probably not the link is the reason, but this machine.
    #[error(
        "the store refuses each new link with {}{}; check whether it allows this machine's address and proxy",
        status.as_u16(),
        code.as_ref().map(|code| format!(" ({})", printable(code))).unwrap_or_default()
    )]
    LinksRefused {
        /// The status.
        status: StatusCode,
        /// The store's error code, for instance `AccessDenied`.
        code: Option<String>,
    },
    /// The file repeatedly changed in the store during the download.
    #[error("the file in the store keeps changing; try again later")]
    Changed,
    /// The downloaded file is not the snapshot. Nothing was saved under its final name.
    #[error("the file is not sound: {fault}; download it again")]
    Unsound {
        /// The defect.
        fault: Fault,
    },
    /// An argument is invalid.
    #[error("{what}")]
    Usage {
        /// The problem and what to do instead.
        what: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&error_line(self)))
    }
}

fn shown(job: Option<RestoreJobId>) -> String {
    job.map_or_else(String::new, |job| format!(" {job}"))
}

/// An earlier error with its sources, as the beginning of a message.
#[cfg(feature = "object-store")]
fn before(error: Option<&Error>) -> String {
    let Some(error) = error else {
        return String::new();
    };
    format!("{}; ", error_line(error))
}

/// Escapes control characters and the like, so that the text is one line that moves no cursor.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => printable.push(c),
            c => printable.extend(c.escape_debug()),
        }
    }
    printable
}

/// The error of a snapshot that does not exist.
pub(crate) fn no_snapshot(cluster: &ClusterName, wanted: SnapshotId) -> Error {
    Error::NoSnapshot {
        cluster: cluster.to_string(),
        wanted: wanted.to_string(),
    }
}

/// The error of a snapshot that failed.
pub(crate) fn snapshot_failed(cluster: &ClusterName, snapshot: SnapshotId) -> Error {
    Error::SnapshotFailed {
        cluster: cluster.to_string(),
        snapshot,
    }
}
