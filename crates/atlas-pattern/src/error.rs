//! The error for a text that does not match a documented pattern.

use std::fmt;

/// A text that does not match a documented pattern.
///
/// ```
/// use atlas_pattern::{PatternError, PatternFault, id};
///
/// let fault = id::parse("nope").unwrap_err();
/// let error = PatternError::new("snapshotId", "nope", id::SOURCE, id::EXPECTED, fault);
/// assert_eq!(
///     error.to_string(),
///     "invalid snapshotId \"nope\": expected 24 lowercase hex digits"
/// );
/// assert_eq!(error.fault(), PatternFault::Character { found: 'n', position: 1 });
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PatternError {
    field: &'static str,
    text: Box<str>,
    pattern: &'static str,
    expected: &'static str,
    fault: PatternFault,
}

/// The first position where a text does not match its pattern.
///
/// Positions and lengths count Unicode scalar values (`char`s), not bytes; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternFault {
    /// The text is too short.
    TooShort {
        /// The number of characters.
        length: usize,
        /// The minimum number of characters.
        minimum: usize,
    },
    /// The text is too long.
    TooLong {
        /// The maximum number of characters.
        maximum: usize,
        /// The first character beyond the maximum, at position `maximum + 1`.
        found: char,
    },
    /// A character that is not allowed at its position.
    Character {
        /// The offending character.
        found: char,
        /// Its position; the first character is 1.
        position: usize,
    },
}

impl PatternError {
    /// Creates the error for the value of a field or parameter.
    ///
    /// `expected` completes "expected …" in the message.
    pub fn new(
        field: &'static str,
        text: &str,
        pattern: &'static str,
        expected: &'static str,
        fault: PatternFault,
    ) -> Self {
        Self {
            field,
            text: text.into(),
            pattern,
            expected,
            fault,
        }
    }

    /// Returns the name of the field or parameter, as the API spells it.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the text that was refused.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the documented pattern.
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Returns the phrase that describes matching texts.
    pub const fn expected(&self) -> &'static str {
        self.expected
    }

    /// Returns the first position where the text does not match.
    pub const fn fault(&self) -> PatternFault {
        self.fault
    }

    /// Returns the message without the name of the field, for callers that print a path before it.
    pub fn without_field(&self) -> impl fmt::Display {
        Message {
            field: "value",
            error: self,
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Message {
            field: self.field,
            error: self,
        }
        .fmt(f)
    }
}

impl fmt::Debug for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for PatternError {}

struct Message<'a> {
    field: &'static str,
    error: &'a PatternError,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PatternError { text, expected, .. } = self.error;
        write!(f, "invalid {} ", self.field)?;
        // Debug escapes control and other invisible characters.
        match text.char_indices().nth(SHOWN) {
            None => write!(f, "{text:?}")?,
            Some((end, _)) => {
                let start = text.get(..end).unwrap_or_default();
                write!(f, "{start:?}… ({} bytes)", text.len())?;
            }
        }
        write!(f, ": expected {expected}")
    }
}

/// The number of characters of a text that a message shows.
const SHOWN: usize = 80;
