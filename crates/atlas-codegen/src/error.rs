//! Errors: one line each, with the location and a hint.

use std::path::{Path, PathBuf};

/// An input that cannot be used, or a file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The content of a file is invalid.
    #[error("{file}: {place}: {what}")]
    Invalid {
        /// The file, as the caller named it.
        file: String,
        /// The place inside it, such as `paths./groups.get` or `line 3 column 5`.
        place: String,
        /// The problem, and the expected form.
        what: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file cannot be written. No other file was changed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Error {
    /// Creates an error at `place`; [`Error::in_file`] adds the file later.
    pub(crate) fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        let place = escaped(&place.into());
        Self::Invalid {
            file: String::new(),
            place,
            what: what.into(),
        }
    }

    /// Adds the file, unless the error has one.
    pub(crate) fn in_file(self, name: impl Into<String>) -> Self {
        match self {
            Self::Invalid { file, place, what } if file.is_empty() => Self::Invalid {
                file: name.into(),
                place,
                what,
            },
            other => other,
        }
    }

    /// Returns the problem, without the place.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Invalid { what, .. } => what.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// Escapes a place: one line, without control characters and changes of writing direction.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || INVISIBLE.iter().any(|range| range.contains(&c)) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Formats an external value on one line, truncated and escaped like a place.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short)
}

/// Characters that change the writing direction, separate lines or are invisible.
const INVISIBLE: [std::ops::RangeInclusive<char>; 5] = [
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];
