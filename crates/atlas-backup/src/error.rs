//! Why a backup is not there.

mod judged;
mod request;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use atlas_model::{ClusterName, RestoreJobId, SnapshotId, error_line};

use crate::fault::Fault;
use crate::job_view::JobEnd;

#[cfg(feature = "object-store")]
pub(crate) use judged::Scope;
pub use request::{Accepted, Awaited};

/// Why a backup is not there.
///
/// `Display` says what failed and what to do, and [`causes`](Error::causes) why. `Debug` is both in
/// one line, so that a `main` that returns the error prints what can be read:
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
    /// A call to Atlas or to the store failed.
    #[error(transparent)]
    Call(#[from] atlas_transport::Error),
    /// No snapshot is there that was asked for.
    #[error(
        "{cluster} has no completed snapshot {wanted}; list its snapshots to see what there is"
    )]
    NoSnapshot {
        /// The cluster.
        cluster: String,
        /// What was asked for, in words.
        wanted: String,
    },
    /// The snapshot failed, so that it never becomes complete.
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
        /// What Atlas answered.
        #[source]
        source: Box<atlas_transport::Error>,
    },
    /// The restore job writes over a cluster, and gives no link.
    #[error("restore job {job} is not a download; choose one that is, or a snapshot")]
    NotADownload {
        /// The job.
        job: RestoreJobId,
    },
    /// The job ended without a result.
    #[error("the restore job{} {how}; ask again, or take another snapshot", shown(*job))]
    JobEnded {
        /// The job.
        job: Option<RestoreJobId>,
        /// How it ended.
        how: JobEnd,
    },
    /// What was waited for was not there in time. It may still come.
    #[error("{}", awaited.not_within(*limit))]
    Deadline {
        /// What was waited for.
        awaited: Awaited,
        /// How long was waited.
        limit: Duration,
        /// Why Atlas could not be asked in the end, if it could not.
        #[source]
        last: Option<Box<atlas_transport::Error>>,
    },
    /// Atlas says that the job is complete, but gives no link.
    #[error("the restore job{} gave no link; ask again", shown(*job))]
    NoLink {
        /// The job.
        job: Option<RestoreJobId>,
    },
    /// The links of a job cannot be read: they are no text, or empty though the job is complete by its
    /// own word.
    #[error(
        "the links of restore job {job} cannot be read; check the base URL and any proxy in between, \
         then start another download"
    )]
    UnreadableLinks {
        /// The job.
        job: RestoreJobId,
    },
    /// Atlas accepted a request that starts a job, but its answer cannot be read, so that the job is not
    /// known. **A restore runs all the same**: look at the restore jobs of the cluster before repeating
    /// it. A download may be asked for again without harm.
    #[error("the {what} was accepted, but its answer cannot be read; {}", what.hint())]
    AcceptedUnreadable {
        /// What was accepted.
        what: Accepted,
        /// What is wrong with the answer, if it can be read in part.
        #[source]
        source: Option<Box<Error>>,
    },
    /// A file of this machine cannot be read or written.
    #[error("{} {doing}", printable(&path.display().to_string()))]
    File {
        /// The file.
        path: PathBuf,
        /// What could not be done with it.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An object store cannot be written to.
    #[cfg(feature = "object-store")]
    #[error("cannot {doing} {url}; {hint}")]
    Store {
        /// The object's URL.
        url: String,
        /// What could not be done with it.
        doing: &'static str,
        /// What may help.
        hint: &'static str,
        /// Why.
        #[source]
        source: crate::StoreFailure,
    },
    /// The credentials do not allow to see whether an object exists.
    #[cfg(feature = "object-store")]
    #[error(
        "cannot check whether {url} exists; check the credentials, let them read and list, or \
         allow it to be replaced to write without the check"
    )]
    CannotCheck {
        /// The object's URL.
        url: String,
        /// Why.
        #[source]
        source: crate::StoreFailure,
    },
    /// An upload failed or was given up, and something of it could not be removed from the store.
    #[cfg(feature = "object-store")]
    #[error("{}{what} is left in the store at {url}; remove it there", before(after.as_deref()))]
    LeftInStore {
        /// The URL of the object, or of its manifest.
        url: String,
        /// What is left.
        what: &'static str,
        /// Why it could not be removed.
        #[source]
        source: crate::StoreFailure,
        /// Why the upload failed, if it was not given up.
        after: Option<Box<Error>>,
    },
    /// A file has the name already.
    #[error("{} is there already; choose another name or allow it to be replaced", printable(&path.display().to_string()))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that this program did not write stands where one of its files has to be.
    #[error("{} was not written by this program; move it away or choose another name", printable(&path.display().to_string()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Atlas answered for something other than what was asked for. No file was saved. If it was the
    /// answer to a request for a restore, that was accepted.
    #[error(
        "response for another {what}: expected {expected:?}, found {found:?}; check the base URL and \
         any proxy in between, and check the restore jobs of the cluster"
    )]
    Mismatch {
        /// What it is that differs.
        what: &'static str,
        /// What was asked for.
        expected: String,
        /// What the answer is for.
        found: String,
    },
    /// A response holds something that cannot be read, so that it is not sure what it is for.
    #[error(
        "the response cannot be read as a whole; nothing was saved, check the base URL and any proxy \
         in between"
    )]
    Unreadable,
    /// The files of a restore job cannot be told apart.
    #[error("the restore job{} has equal links for different shards; start another download", shown(*job))]
    EqualLinks {
        /// The job.
        job: Option<RestoreJobId>,
    },
    /// Two shards of a snapshot have the same file, so that another shard is missing. The second
    /// was not saved.
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
    /// The restore job has links to some shards of the snapshot only, and got no more in time.
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
        /// How long was waited.
        limit: Duration,
    },
    /// The snapshot has a file for each shard, and only one can be written here. Nothing was written.
    #[error("the snapshot has {files} files, one for each shard; download it to a file")]
    SeveralFiles {
        /// How many.
        files: usize,
    },
    /// A file is damaged, and Atlas does not list its snapshot any more, or not as completed.
    #[error(
        "{} is damaged and cannot be downloaded again, since Atlas does not list its snapshot as \
         completed any more; move it and its manifest away to go on", printable(&path.display().to_string())
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },
    /// A file has a manifest, but is gone, and Atlas does not list its snapshot any more.
    #[error(
        "{} is gone and cannot be downloaded again, since Atlas does not list its snapshot any more; \
         bring it back, or move its manifest away to go on", printable(&path.display().to_string())
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// Another run is writing the same file or object, or works in the same folder: it holds the lock or
    /// the lease. No other error says so, and this one says nothing else.
    #[error("{} is in use by another run; wait for it to end", printable(&path.display().to_string()))]
    Busy {
        /// The file or folder, or the URL of the lease.
        path: PathBuf,
    },
    /// An answer lists more than can be right. Nothing was saved.
    #[error(
        "the answer lists more than {limit} {what}; check the base URL and any proxy in between"
    )]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The store announces a file that is longer than any snapshot.
    #[error(
        "the store announces a file of {announced} bytes, more than any snapshot has; ask again"
    )]
    TooLong {
        /// How many bytes were announced.
        announced: u64,
    },
    /// A file comes below the client's minimum rate, through all of its connections together.
    #[error(
        "the file came at less than {bytes_per_second} bytes a second for {} s; try again later, \
         or lower the minimum rate", window.as_secs()
    )]
    TooSlow {
        /// The minimum rate.
        bytes_per_second: u64,
        /// For how long it came more slowly.
        window: Duration,
    },
    /// The store gave fewer or more bytes than it announced, again and again.
    #[error("the store gave {received} of {expected} bytes; try again")]
    Length {
        /// How many came.
        received: u64,
        /// How many were announced.
        expected: u64,
    },
    /// The file changed in the store while it was downloaded, again and again.
    #[error("the file in the store keeps changing; try again later")]
    Changed,
    /// What was downloaded is not the snapshot. Nothing of it was kept under its final name.
    #[error("the file is not sound: {fault}; download it again")]
    Unsound {
        /// What is wrong.
        fault: Fault,
    },
    /// An argument cannot be used.
    #[error("{what}")]
    Usage {
        /// What to do instead.
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

/// An earlier error with its sources, before what followed from it.
#[cfg(feature = "object-store")]
fn before(error: Option<&Error>) -> String {
    let Some(error) = error else {
        return String::new();
    };
    format!("{}; ", error_line(error))
}

/// Text in one line that moves no cursor: control characters and the like are escaped.
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
