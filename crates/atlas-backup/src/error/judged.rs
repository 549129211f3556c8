//! Queries on an error.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::time::Duration;

use atlas_transport::{ErrorKind, Phase};
use http::StatusCode;

use super::Error;
use crate::fetch::LinkEnd;

/// How many snapshots a failure during a pull affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One snapshot: a job that failed or does not end, a file that changes, a refusal.
    One,
    /// That one, or all: Atlas or a store returned an error, or a response broke off. The next
    /// snapshot decides.
    Doubtful,
    /// All: Atlas or a store could not be reached, was overloaded, or did not respond.
    All,
}

impl Scope {
    fn of_call(error: &atlas_transport::Error) -> Self {
        match error.kind() {
            // A response began, so the server is up: this file may be one that never completes.
            ErrorKind::Interrupted { .. }
            | ErrorKind::TooSlow { .. }
            | ErrorKind::Timeout {
                phase: Phase::Body, ..
            } => Self::Doubtful,
            _ => Self::of_outage(error.status()),
        }
    }

    /// The scope of an outage, by the status of the response.
    fn of_outage(status: Option<StatusCode>) -> Self {
        match status.map(|status| status.as_u16()) {
            None | Some(408 | 429 | 503) => Self::All,
            Some(_) => Self::Doubtful,
        }
    }

    /// Whether the failure concerns all snapshots, as the second doubtful failure in a row does.
    /// Records in `is_doubtful` whether this one is doubtful.
    pub(crate) fn is_of_all(self, is_doubtful: &mut bool) -> bool {
        let was_doubtful = std::mem::replace(is_doubtful, self == Self::Doubtful);
        self == Self::All || was_doubtful && *is_doubtful
    }
}

impl Error {
    /// Returns the causes of the error, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        atlas_model::causes(self)
    }

    /// Returns the status of the response of Atlas or of a store, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Call(error) => error.status(),
            Self::LinksRefused { status, .. } => Some(*status),
            Self::NoJob { source, .. } => source.status(),
            Self::Deadline { last, .. } => last.as_ref()?.status(),
            Self::AcceptedUnreadable { source, .. } => source.as_ref()?.status(),
            #[cfg(feature = "object-store")]
            Self::Store { source, .. }
            | Self::CannotCheck { source, .. }
            | Self::LeftInStore { source, .. } => source.status(),
            _ => None,
        }
    }

    /// Returns how long after its response the server wants the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            Self::NoJob { source, .. } => source.retry_after(),
            Self::Deadline { last, .. } => last.as_ref()?.retry_after(),
            #[cfg(feature = "object-store")]
            Self::Store { source, .. }
            | Self::CannotCheck { source, .. }
            | Self::LeftInStore { source, .. } => source.retry_after(),
            _ => None,
        }
    }

    /// Whether a file arrived below the client's minimum rate.
    pub(crate) fn is_too_slow(&self) -> bool {
        match self {
            Self::TooSlow { .. } => true,
            Self::Call(error) => {
                matches!(error.kind(), atlas_transport::ErrorKind::TooSlow { .. })
            }
            _ => false,
        }
    }

    /// Whether nothing of a response's body arrived for the client's read timeout.
    pub(crate) fn is_stalled_body(&self) -> bool {
        let Self::Call(error) = self else {
            return false;
        };
        let kind = error.kind();
        matches!(
            kind,
            ErrorKind::Timeout {
                phase: Phase::Body,
                ..
            }
        )
    }

    /// Returns whether the same call may succeed later, with nothing changed.
    ///
    /// That is so if Atlas or a store was unavailable, limited the rate, did not respond in time or
    /// could not be reached, as [`atlas_transport::Error::is_transient`] defines, even after all
    /// [patience](crate::DownloadOptions::patience) was spent; if a connection broke or was too
    /// slow; if a job was not ready in time; if a file kept changing; and if another run was at
    /// work, which only [`Error::Busy`] reports. Other errors persist until something is changed. A
    /// [restore](crate::Backups::restore) that may have been applied is never transient: it must
    /// not be repeated without checking.
    ///
    /// ```
    /// use atlas_backup::Error;
    ///
    /// fn exit_code(error: &Error) -> u8 {
    ///     match error {
    ///         Error::Busy { .. } => 2, // another run is at work
    ///         error if error.is_transient() => 75, // try again later
    ///         _ => 1,
    ///     }
    /// }
    /// # let busy = Error::Busy { path: "backups".into() };
    /// # assert!(busy.is_transient() && exit_code(&busy) == 2);
    /// # assert_eq!((exit_code(&Error::Changed), exit_code(&Error::Unreadable)), (75, 1));
    /// ```
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Call(error) => {
                let is_unknown = matches!(error.kind(), ErrorKind::OutcomeUnknown { .. });
                error.is_transient() && !is_unknown
            }
            Self::Busy { .. }
            | Self::Changed
            | Self::Deadline { .. }
            | Self::MissingLinks { .. }
            | Self::TooSlow { .. } => true,
            // A stream that ended early without an error is a broken connection.
            Self::Length { received, expected } => received < expected,
            #[cfg(feature = "object-store")]
            Self::Store { source, .. } => {
                // Another program writes the same key at this moment.
                source.is_transient() || source.status() == Some(StatusCode::CONFLICT)
            }
            #[cfg(feature = "object-store")]
            Self::CannotCheck { source, .. } => source.is_transient(),
            #[cfg(feature = "object-store")]
            Self::LeftInStore { source, after, .. } => match after {
                Some(after) => after.is_transient(),
                None => source.is_transient(),
            },
            Self::AcceptedUnreadable { .. }
            | Self::EqualLinks { .. }
            | Self::EqualShards { .. }
            | Self::Exists { .. }
            | Self::File { .. }
            | Self::Foreign { .. }
            | Self::Gone { .. }
            | Self::JobEnded { .. }
            | Self::LinksRefused { .. }
            | Self::Lost { .. }
            | Self::Mismatch { .. }
            | Self::NoJob { .. }
            | Self::NoLink { .. }
            | Self::NoSnapshot { .. }
            | Self::NotADownload { .. }
            | Self::SeveralFiles { .. }
            | Self::SnapshotFailed { .. }
            | Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::Unreadable
            | Self::UnreadableLinks { .. }
            | Self::Unsound { .. }
            | Self::Usage { .. } => false,
        }
    }

    /// Returns whether a failure concerns only the snapshot whose download it ended.
    pub(crate) fn scope(&self) -> Scope {
        match self {
            Self::Call(error) if self.is_transient() => Scope::of_call(error),
            Self::Deadline {
                last: Some(last), ..
            } => Scope::of_call(last),
            Self::TooSlow { .. } => Scope::Doubtful,
            #[cfg(feature = "object-store")]
            Self::Store { source, .. } | Self::CannotCheck { source, .. }
                if source.is_transient() =>
            {
                Scope::of_outage(source.status())
            }
            #[cfg(feature = "object-store")]
            Self::LeftInStore {
                after: Some(after), ..
            } => after.scope(),
            #[cfg(feature = "object-store")]
            Self::LeftInStore { source, .. } if source.is_transient() => {
                Scope::of_outage(source.status())
            }
            _ => Scope::One,
        }
    }

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

    /// Attaches the error after which something was left in the store.
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

    /// Whether a new link may help, since the store refuses this one.
    pub(crate) fn link_end(&self) -> Option<LinkEnd> {
        let Self::Call(error) = self else {
            return None;
        };
        match error.kind() {
            atlas_transport::ErrorKind::LinkExpired { .. } => Some(LinkEnd::Expired),
            atlas_transport::ErrorKind::Link { status, .. }
                if matches!(status.as_u16(), 400 | 401 | 404 | 410) =>
            {
                Some(LinkEnd::Refused)
            }
            _ => None,
        }
    }

    /// Whether a local file exists and this user may not use it.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Whether the disk is full.
    pub(crate) fn is_of_full_disk(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::File { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            _ => false,
        }
    }

    /// Whether the source of a download or the connection to it failed, rather than the
    /// destination.
    pub(crate) fn is_of_source(&self) -> bool {
        matches!(
            self,
            Self::Call(_) | Self::Length { .. } | Self::TooSlow { .. }
        )
    }
}
