//! What can be asked of an error.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::time::Duration;

use atlas_transport::{ErrorKind, Phase};
use http::StatusCode;

use super::Error;
use crate::fetch::LinkEnd;

/// What a failure during a pull affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One snapshot: a job that failed or does not end, a file that changes, a refusal.
    One,
    /// That one, or all: Atlas or a store answered that it failed, or an answer broke off. Another
    /// snapshot tells.
    Doubtful,
    /// All: Atlas or a store could not be reached, was too busy, or did not answer.
    All,
}

impl Scope {
    fn of_call(error: &atlas_transport::Error) -> Self {
        match error.kind() {
            // It began, so that the server is there: a file may be one that never comes to its end.
            ErrorKind::Interrupted { .. }
            | ErrorKind::TooSlow { .. }
            | ErrorKind::Timeout {
                phase: Phase::Body, ..
            } => Self::Doubtful,
            _ => Self::of_outage(error.status()),
        }
    }

    /// An outage, by the status that was answered.
    fn of_outage(status: Option<StatusCode>) -> Self {
        match status.map(|status| status.as_u16()) {
            None | Some(408 | 429 | 503) => Self::All,
            Some(_) => Self::Doubtful,
        }
    }

    /// Whether it concerns all, as one that is doubtful does after another such one. Notes whether this
    /// one is doubtful.
    pub(crate) fn is_of_all(self, is_doubtful: &mut bool) -> bool {
        let was_doubtful = std::mem::replace(is_doubtful, self == Self::Doubtful);
        self == Self::All || was_doubtful && *is_doubtful
    }
}

impl Error {
    /// What it comes from, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        atlas_model::causes(self)
    }

    /// The status that Atlas or a store answered with, if one did.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Call(error) => error.status(),
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

    /// When the server wants to be asked again, from when it answered.
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

    /// Whether a file came below the client's minimum rate.
    pub(crate) fn is_too_slow(&self) -> bool {
        match self {
            Self::TooSlow { .. } => true,
            Self::Call(error) => {
                matches!(error.kind(), atlas_transport::ErrorKind::TooSlow { .. })
            }
            _ => false,
        }
    }

    /// Whether the same call may succeed later with nothing changed: try again later.
    ///
    /// That is so if Atlas or a store was unavailable, limited the rate, did not answer in time or
    /// could not be reached, as [`atlas_transport::Error::is_transient`] says, also after all
    /// [patience](crate::DownloadOptions::patience) was spent on it; if a connection broke or was too
    /// slow; if a job was not ready in time; if a file kept changing; and if another run was at work,
    /// which [`Error::Busy`] alone says. Anything else was refused or is wrong, and stays so until
    /// something is changed. A [restore](crate::Backups::restore) that may have been applied is not
    /// transient whatever it failed of: it must not be repeated unseen.
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
            // A stream that ended too early without saying so is a connection that broke.
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

    /// Whom else a failure concerns, besides the one snapshot whose download it ended.
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

    /// Whether a new link may be of use, since the store refuses this one.
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

    /// Whether there is no room left on the disk.
    pub(crate) fn is_of_full_disk(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::File { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            _ => false,
        }
    }

    /// Whether the store of a download, or the way to it, failed, and not what takes the file.
    pub(crate) fn is_of_source(&self) -> bool {
        matches!(
            self,
            Self::Call(_) | Self::Length { .. } | Self::TooSlow { .. }
        )
    }
}
