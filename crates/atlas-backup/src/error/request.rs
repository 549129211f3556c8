//! Parts of errors that describe requests: the awaited operation, and the accepted request.

use std::fmt;
use std::time::Duration;

use atlas_model::{RestoreJobId, SnapshotId};
use atlas_transport::ErrorKind;

use super::Error;

/// The operation that a deadline was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaited {
    /// A request for a download, including its turn while others are in progress. No job of it is
    /// known.
    Download,
    /// The end of a restore job.
    Job(RestoreJobId),
    /// A snapshot that is being taken.
    Snapshot(SnapshotId),
}

impl Awaited {
    pub(super) fn not_within(self, limit: Duration) -> String {
        let limit = limit.as_secs();
        match self {
            Self::Download => format!(
                "no download could be requested within {limit} s; try again later, or allow more time"
            ),
            Self::Job(job) => format!(
                "the restore job {job} was not ready within {limit} s; watch it, or allow more time"
            ),
            Self::Snapshot(snapshot) => format!(
                "snapshot {snapshot} was not complete within {limit} s; watch it, or allow more time"
            ),
        }
    }
}

/// A request that starts a restore job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepted {
    /// A download, which can be requested again without harm.
    Download,
    /// A restore to a cluster, which must not be repeated without checking.
    Restore,
}

impl Accepted {
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Download => "check the base URL and any proxy in between, then try again",
            Self::Restore => "check the restore jobs of the cluster before repeating it",
        }
    }

    /// The error of such a request with an unreadable response.
    pub(crate) fn unreadable(self, source: Option<Error>) -> Error {
        Error::AcceptedUnreadable {
            what: self,
            source: source.map(Box::new),
        }
    }

    /// Distinguishes an unreadable response from a refusal.
    pub(crate) fn judge<T>(self, answered: Result<T, Error>) -> Result<T, Error> {
        answered.map_err(|error| match error {
            Error::Call(error) if is_accepted(&error) => self.unreadable(Some(error.into())),
            Error::Unreadable => self.unreadable(None),
            Error::TooMany { .. } if self == Self::Restore => self.unreadable(Some(error)),
            error => error,
        })
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Download => "download",
            Self::Restore => "restore",
        })
    }
}

/// Whether the request succeeded and only the response is unusable.
fn is_accepted(error: &atlas_transport::Error) -> bool {
    let is_answer = matches!(
        error.kind(),
        ErrorKind::Response(_) | ErrorKind::OutcomeUnknown { .. }
    );
    is_answer && error.status().is_some_and(|status| status.is_success())
}
