//! How a command can fail: one line for people, one exit code for scripts.

use std::fmt;

use atlas_model::{error_line, with_causes};
use atlas_transport::{Error, ErrorKind};
use http::StatusCode;

use crate::escape::escape;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, a setting or the request body is invalid.
    Usage(String),
    /// No project is named; the flag that would name one.
    NoProject(String),
    /// Credentials are missing, or were refused.
    Credentials(String),
    /// The call to Atlas failed.
    Call(Error),
    /// A file of this machine cannot be read or written.
    File(String),
    /// A backup operation failed for another reason than a call.
    Backup(atlas_backup::Error),
    /// The response does not contain what the flags select.
    Answer(String),
    /// A change was accepted or may have been; its result is unknown.
    Unconfirmed(String),
    /// The watched change failed, or cannot be watched.
    Watch(String),
    /// The watched change was not complete in time.
    Deadline(String),
    /// A file is damaged or incomplete.
    Unsound(String),
    /// The number of snapshots that could not be downloaded; an earlier line names each.
    Missing(usize),
    /// The number of snapshots that Atlas or its store refused with 403, if none failed otherwise; an
    /// earlier line names each.
    Refused(usize),
    /// The newest snapshot is older than allowed; `None` if there is no snapshot.
    Stale(Option<jiff::Timestamp>),
    /// The change was not confirmed, so nothing was changed.
    Declined(&'static str),
    /// Some of several clusters failed; an earlier line names each.
    Clusters {
        /// How many failed.
        failed: usize,
        /// How many clusters the run had.
        of: usize,
        /// The exit code of the worst failure.
        code: u8,
    },
    /// A signal ended the command.
    Interrupted(u8, &'static str),
    /// A signal ended the command during an upload to an object store.
    #[cfg(feature = "object-store")]
    UploadInterrupted {
        /// The signal.
        signal: u8,
        /// The state of the upload.
        line: String,
    },
}

/// The exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  2  usage error: the command line, a setting or the request body is invalid; nothing was sent
  3  credentials are missing or were refused
  4  Atlas refused the request, or its store every link
  5  no connection, no response in time, or the connection was lost; try again later
  6  a file on this machine, or an object in a store, cannot be read or written
  7  a downloaded file is damaged, incomplete or not the requested one
  8  the response was lost: the request may have been applied; check before retrying
  9  the restore job or the watched change failed, was cancelled or has expired
  10 the watched job, snapshot or change was not complete in time
  11 some snapshots could not be downloaded; a line names each
  12 the newest snapshot is older than --max-age, or there is none
  13 the response is too large, or does not contain what --output or --all selects
  14 Atlas or a store is unavailable or limits the rate; try again later
  15 busy: another run is using the same file or folder
  128 + N  ended by signal N

SIGINT, SIGTERM and SIGHUP end any command within a second; a second signal ends it immediately.
A signal that was ignored when the command started, by nohup or by & in a script, stays ignored.";

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::NoProject(_) | Self::Declined(_) => 2,
            Self::Credentials(_) => 3,
            Self::Call(error) => call_code(error),
            Self::Refused(_) => 4,
            Self::File(_) => 6,
            Self::Backup(error) => backup_code(error),
            Self::Answer(_) => 13,
            Self::Unconfirmed(_) => 8,
            Self::Watch(_) => 9,
            Self::Deadline(_) => 10,
            Self::Unsound(_) => 7,
            Self::Missing(_) => 11,
            Self::Stale(_) => 12,
            Self::Clusters { code, .. } => *code,
            Self::Interrupted(signal, _) => 128 + signal,
            #[cfg(feature = "object-store")]
            Self::UploadInterrupted { signal, .. } => 128 + signal,
        }
    }
}

fn backup_code(error: &atlas_backup::Error) -> u8 {
    use atlas_backup::Error as Backup;
    match error {
        Backup::Call(error) => call_code(error),
        Backup::Usage { .. } | Backup::SeveralFiles { .. } | Backup::NotADownload { .. } => 2,
        Backup::NoSnapshot { .. } | Backup::NoJob { .. } | Backup::LinksRefused { .. } => 4,
        Backup::AcceptedUnreadable { .. } => 8,
        Backup::SnapshotFailed { .. } => 9,
        Backup::Busy { .. } => 15,
        Backup::File { .. } | Backup::Exists { .. } | Backup::Foreign { .. } => 6,
        #[cfg(feature = "object-store")]
        Backup::LeftInStore {
            after: Some(error), ..
        } => backup_code(error),
        #[cfg(feature = "object-store")]
        Backup::Store { .. } | Backup::CannotCheck { .. } if error.is_transient() => 14,
        #[cfg(feature = "object-store")]
        Backup::Store { .. } | Backup::CannotCheck { .. } | Backup::LeftInStore { .. } => 6,
        Backup::TooSlow { .. } => 5,
        Backup::JobEnded { .. } => 9,
        // The deadline passed during an outage.
        Backup::Deadline {
            last: Some(last), ..
        } if last.is_transient() => call_code(last),
        Backup::Deadline { .. } | Backup::MissingLinks { .. } => 10,
        _ => 7,
    }
}

fn call_code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::UnknownOperation { .. }
        | ErrorKind::Request(_)
        | ErrorKind::Build(_)
        | ErrorKind::Unsendable { .. }
        | ErrorKind::Roots { .. }
        | ErrorKind::Certificate { .. }
        | ErrorKind::ClientCertificate { .. }
        | ErrorKind::Proxy { .. } => 2,
        ErrorKind::Link { .. } if error.is_transient() => match error.status() {
            Some(_) => 14,
            None => 5,
        },
        ErrorKind::Response(response) if response.status().is_success() => 13,
        ErrorKind::NotAList { .. }
        | ErrorKind::Undocumented { .. }
        | ErrorKind::TooLarge { .. }
        | ErrorKind::TooManyValues { .. } => 13,
        // A rate limit or a server error: the credentials may be valid.
        ErrorKind::Token(_) | ErrorKind::Response(_) if error.is_transient() => 14,
        ErrorKind::Credentials { .. } | ErrorKind::Challenge { .. } | ErrorKind::Token(_) => 3,
        ErrorKind::NoToken(error) => call_code(error),
        ErrorKind::Response(_) if error.status() == Some(StatusCode::UNAUTHORIZED) => 3,
        ErrorKind::Response(_) => 4,
        ErrorKind::Link { .. }
        | ErrorKind::LinkExpired { .. }
        | ErrorKind::InvalidLink { .. }
        | ErrorKind::InsecureLink => 7,
        ErrorKind::OutcomeUnknown { .. } => 8,
        _ => 5,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self {
            Self::Usage(line)
            | Self::Credentials(line)
            | Self::File(line)
            | Self::Answer(line)
            | Self::Unconfirmed(line)
            | Self::Watch(line)
            | Self::Deadline(line) => line.clone(),
            Self::Call(error) => match error.kind() {
                ErrorKind::TooLarge { limit } => format!(
                    "the response is larger than {limit} bytes; request less, such as fewer items with \
                     --itemsPerPage"
                ),
                ErrorKind::Interrupted { .. } => with_causes(format!("{error}; try again"), error),
                _ => error_line(error),
            },
            Self::Backup(error) => backup_line(error),
            Self::Unsound(line) => line.clone(),
            Self::NoProject(flag) => {
                format!("no project; pass --{flag} or set MONGODB_ATLAS_PROJECT_ID")
            }
            Self::Declined(what) => format!("not confirmed: {what}"),
            Self::Missing(1) => {
                "one snapshot could not be downloaded; see its line above".to_owned()
            }
            Self::Missing(count) => {
                format!("{count} snapshots could not be downloaded; see their lines above")
            }
            Self::Refused(count) => {
                let snapshots = if *count == 1 {
                    "one snapshot"
                } else {
                    &format!("{count} snapshots")
                };
                format!("{snapshots} could not be downloaded: access refused; see the lines above")
            }
            Self::Stale(None) => {
                "no snapshot in Atlas or in the folder; check the cluster's backups".to_owned()
            }
            Self::Stale(Some(newest)) => format!(
                "the newest snapshot, taken {newest}, is older than --max-age; check the cluster's \
                 backups"
            ),
            Self::Clusters { failed, of, .. } => {
                format!("{failed} of {of} clusters failed; see their lines above")
            }
            Self::Interrupted(_, line) => (*line).to_owned(),
            #[cfg(feature = "object-store")]
            Self::UploadInterrupted { line, .. } => format!("interrupted; {line}"),
        };
        // Line breaks in a server's message become spaces; the rest is escaped.
        f.write_str(&escape(&line.replace(['\n', '\r', '\t'], " ")))
    }
}

/// An error of a backup in one line, with the flags that help in place of the library's settings.
pub(crate) fn backup_line(error: &atlas_backup::Error) -> String {
    let line = match error {
        #[cfg(feature = "object-store")]
        atlas_backup::Error::CannotCheck { url, .. } => format!(
            "cannot check whether {url} exists; check the credentials, grant them read and list, or \
             pass --force to write without the check"
        ),
        atlas_backup::Error::Exists { path } => format!(
            "{} exists; choose another name or pass --force",
            path.display()
        ),
        atlas_backup::Error::Foreign { path } => format!(
            "{} was not written by this program; move it away or choose another name (download \
             --force keeps it under another name)",
            path.display()
        ),
        error => error.to_string(),
    };
    with_causes(line, error)
}

impl From<atlas_backup::Error> for Failure {
    fn from(error: atlas_backup::Error) -> Self {
        match error {
            atlas_backup::Error::Call(error) => Self::Call(error),
            error => Self::Backup(error),
        }
    }
}

impl Failure {
    /// Converts the error of a request that changes something.
    ///
    /// After a 5xx or 408, a request that is not idempotent may have been applied. With a Retry-After
    /// it was not.
    pub(crate) fn of_change(error: Error, is_idempotent: bool) -> Self {
        let ErrorKind::Response(response) = error.kind() else {
            return Self::Call(error);
        };
        let (id, status) = (response.operation().id, response.status());
        let gave_up = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
        let problem = if status.is_success() {
            "cannot be read".to_owned()
        } else if gave_up && !is_idempotent && error.retry_after().is_none() {
            format!("is {status}")
        } else {
            return Self::Call(error);
        };
        Self::Unconfirmed(format!(
            "the response to {id} {problem}: the request may have been applied; check before \
             retrying"
        ))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug)]
    struct Link {
        message: &'static str,
        source: Option<io::Error>,
    }

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.message)
        }
    }

    impl std::error::Error for Link {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            let source = self.source.as_ref()?;
            Some(source)
        }
    }

    fn link(message: &'static str, source: Option<Link>) -> Link {
        let source = source.map(io::Error::other);
        Link { message, source }
    }

    #[test]
    fn every_message_of_a_chain_is_in_its_line_once_however_the_errors_are_nested() {
        let root = link("no route", None);
        let echo = link("cannot connect: no route", Some(root));
        let outer = link(
            "no response",
            Some(link("cannot connect: no route", Some(echo))),
        );
        assert_eq!(error_line(&outer), "no response: cannot connect: no route");
        let behind = link("a: b", Some(link("b", Some(link("c", None)))));
        assert_eq!(error_line(&behind), "a: b: c");
    }
}
