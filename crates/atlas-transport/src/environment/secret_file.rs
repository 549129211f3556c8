//! Reads the value of a setting from the file that a `_FILE` variable names.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use super::ValueProblem;

/// Why a file gives no value. Shows nothing of its content.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is missing, or cannot be opened or read.
    #[error("cannot be read: {reason}; check the path and its permissions")]
    Unreadable {
        /// What the operating system says.
        reason: String,
    },
    /// It is a directory, pipe, socket or device.
    #[error("is not a regular file; name a regular file that contains only the value")]
    NotRegular,
    /// It has more than 64 KiB.
    #[error("is larger than 64 KiB; name a file that contains only the value")]
    TooLarge,
    /// It is empty, or has only a byte order mark or a line break.
    #[error("is empty; write the value to it")]
    Empty,
    /// It is not UTF-8.
    #[error("is not valid UTF-8; save it as UTF-8")]
    NotUnicode,
    /// The value is invalid, as it would be in a variable.
    #[error("{problem}")]
    Value {
        /// What is wrong with it.
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

/// The value in a file: its text without a byte order mark at the start and one line break at the end.
/// It is not empty.
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

/// Opens a regular file; a symbolic link is followed. Nothing else is opened, since opening a device can
/// act on it.
fn open(path: &Path) -> Result<File, FileProblem> {
    let metadata = path.metadata();
    let metadata = metadata.map_err(|error| FileProblem::unreadable(&error))?;
    if !metadata.is_file() {
        return Err(FileProblem::NotRegular);
    }
    open_at_once(path)
}

/// Opens a file without waiting, and checks again that it is a regular one, since it can have been
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

/// Options to read, without waiting for the other end of a pipe.
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
