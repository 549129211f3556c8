//! Why a backup is not there.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atlas_model::{ClusterName, RestoreJobId, SnapshotId};

/// Why a backup is not there.
#[derive(Debug, thiserror::Error)]
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
    /// The job ended without a result.
    #[error("the restore job{} {how}; ask again, or take another snapshot", shown(*job))]
    JobEnded {
        /// The job.
        job: Option<RestoreJobId>,
        /// How it ended.
        how: JobEnd,
    },
    /// The job was not ready in time. It may still become so.
    #[error("the restore job{} was not ready within {} s; watch it, or allow more time", shown(*job), limit.as_secs())]
    Deadline {
        /// The job.
        job: Option<RestoreJobId>,
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
    /// A file of this machine cannot be read or written.
    #[error("{} {doing}", path.display())]
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
    #[error("{} is there already; choose another name or allow it to be replaced", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that this program did not write stands where one of its files has to be.
    #[error("{} was not written by this program; move it away or choose another name", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Atlas answered for something other than what was asked for. Nothing was saved.
    #[error(
        "response for another {what}: expected {expected:?}, found {found:?}; nothing was saved, \
         check the base URL and any proxy in between, and check the restore jobs of the cluster"
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
    /// Somebody else is writing the same file or works in the same folder.
    #[error("{} is in use by another run; wait for it to end", path.display())]
    Busy {
        /// The file or folder.
        path: PathBuf,
    },
    /// The store announces a file that is longer than any snapshot.
    #[error(
        "the store announces a file of {announced} bytes, more than any snapshot has; ask again"
    )]
    TooLong {
        /// How many bytes were announced.
        announced: u64,
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

/// How a job can end without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEnd {
    /// It failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its links ended before they were fetched.
    Expired,
}

impl std::fmt::Display for JobEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Cancelled => "was cancelled",
            Self::Expired => "has expired",
        })
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It does not begin as gzip does.
    #[error("not a gzip file")]
    NotGzip,
    /// The gzip stream is broken or ends early.
    #[error("its gzip stream is broken or cut off")]
    Gzip,
    /// The tar inside is broken or ends early.
    #[error("the tar in it is broken or cut off")]
    Tar,
    /// A checksum of the store, or of the note beside the file, is another one.
    #[error("its {0} is not the expected one")]
    Checksum(&'static str),
    /// Its length is another one.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// How many it has.
        found: u64,
        /// How many it should have.
        expected: u64,
    },
}

impl Error {
    pub(crate) fn file(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Self::Exists { path };
        }
        Self::File {
            path,
            doing,
            source,
        }
    }

    /// The same for something that an upload left in the store after it failed for another reason.
    #[cfg(feature = "object-store")]
    pub(crate) fn left_after(self, error: Error) -> Self {
        match self {
            Self::LeftInStore {
                url, what, source, ..
            } => Self::LeftInStore {
                url,
                what,
                source,
                after: Some(Box::new(error)),
            },
            _ => error,
        }
    }

    /// Whether the link of a download has ended, so that a new one is needed.
    pub(crate) fn link_expired(&self) -> bool {
        let Self::Call(error) = self else {
            return false;
        };
        matches!(error.kind(), atlas_transport::ErrorKind::LinkExpired { .. })
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Unsound { fault }
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
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text.push_str("; ");
    text
}

/// The snapshot that nobody has.
pub(crate) fn no_snapshot(cluster: &ClusterName, wanted: SnapshotId) -> Error {
    Error::NoSnapshot {
        cluster: cluster.to_string(),
        wanted: wanted.to_string(),
    }
}
