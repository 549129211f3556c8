//! Reads the value of a setting from the file of a `_FILE` variable.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::ValueProblem;

/// A problem with a secret file. Shows nothing of its content.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is missing, or cannot be opened or read.
    #[error("cannot be read: {reason}; check the path and its permissions")]
    Unreadable {
        /// The message of the operating system.
        reason: String,
    },
    /// It is a folder, pipe, socket or device.
    #[error("is not a regular file; use a regular file that contains only the value")]
    NotRegular,
    /// It is larger than 64 KiB.
    #[error("is larger than 64 KiB; use a file that contains only the value")]
    TooLarge,
    /// It is empty, apart from a byte order mark or a line break.
    #[error("is empty; write the value to it")]
    Empty,
    /// It is not UTF-8.
    #[error("is not valid UTF-8; save it as UTF-8")]
    NotUnicode,
    /// The value is invalid, by the rules for variables.
    #[error("{problem}")]
    Value {
        /// The problem with the value.
        problem: ValueProblem,
    },
}

impl fmt::Debug for FileProblem {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FileProblem {
    fn unreadable(error: &io::Error) -> Self {
        Self::Unreadable {
            reason: error.to_string(),
        }
    }
}

/// The largest file, in bytes.
const LIMIT: u64 = 64 << 10;

/// Reads the value in a file: its text without a byte order mark at the start and one line break at the
/// end. It is not empty.
pub(super) fn read(path: &Path) -> Result<String, FileProblem> {
    let mut bytes = Vec::new();
    let mut limited = open(path)?.take(LIMIT + 1);
    let length = limited.read_to_end(&mut bytes);
    let length = length.map_err(|error| FileProblem::unreadable(&error))?;
    if length as u64 > LIMIT {
        return Err(FileProblem::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| FileProblem::NotUnicode)?;
    let value = value_of(&text);
    if value.is_empty() {
        return Err(FileProblem::Empty);
    }
    ValueProblem::check(value).map_err(|problem| FileProblem::Value { problem })?;
    Ok(value.to_owned())
}

fn value_of(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let without = text.strip_suffix("\r\n").or(text.strip_suffix('\n'));
    without.unwrap_or(text)
}

/// Opens a regular file; a symbolic link is followed. Other kinds of files are not opened, since opening
/// a device can have effects.
fn open(path: &Path) -> Result<File, FileProblem> {
    let metadata = path.metadata();
    let metadata = metadata.map_err(|error| FileProblem::unreadable(&error))?;
    if !metadata.is_file() {
        return Err(FileProblem::NotRegular);
    }
    open_at_once(path)
}

/// Opens a file without blocking, and checks again that it is a regular file, since it may have been
/// replaced.
fn open_at_once(path: &Path) -> Result<File, FileProblem> {
    let opened = options().and_then(|options| {
        let file = options.open(path)?;
        let is_regular = file.metadata()?.is_file();
        Ok(is_regular.then_some(file))
    });
    match opened {
        Ok(file) => file.ok_or(FileProblem::NotRegular),
        Err(error) => Err(FileProblem::unreadable(&error)),
    }
}

/// Returns options for reading, without waiting for the other end of a pipe.
#[cfg(unix)]
fn options() -> io::Result<OpenOptions> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().try_into();
    let flags = flags.map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
    let mut options = File::options();
    options.read(true).custom_flags(flags);
    Ok(options)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "flags may not fit elsewhere")]
fn options() -> io::Result<OpenOptions> {
    let mut options = File::options();
    options.read(true);
    Ok(options)
}

#[cfg(test)]
mod tests;
