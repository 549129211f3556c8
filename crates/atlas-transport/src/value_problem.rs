//! Checks of keys, tokens and other settings for the remains of a file or a copy.

use std::fmt;

/// A problem with the value of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// The value is empty.
    #[error("is empty; set it")]
    Empty,
    /// The value is not UTF-8.
    #[error("is not valid UTF-8")]
    NotUnicode,
    /// A line break at the end, which `$(cat file)` removes and other ways to read a file keep.
    #[error("ends with a line break; remove it")]
    LineBreak,
    /// A byte order mark, which some editors add.
    #[error("begins with a byte order mark; remove it")]
    ByteOrderMark,
    /// White space at an end, as left by copying.
    #[error("begins or ends with white space; remove it")]
    WhiteSpace,
    /// A control character, or an invisible one.
    #[error("contains a character that cannot be printed; remove it")]
    Unprintable,
}

impl fmt::Debug for ValueProblem {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ValueProblem {
    /// Checks a value for the remains of a file or a copy. An empty value is valid.
    ///
    /// # Errors
    /// The first problem found.
    pub fn check(value: &str) -> Result<(), Self> {
        if value.ends_with(['\n', '\r']) {
            Err(Self::LineBreak)
        } else if value.starts_with('\u{feff}') {
            Err(Self::ByteOrderMark)
        } else if value.trim() != value {
            Err(Self::WhiteSpace)
        } else if !is_printable(value) {
            Err(Self::Unprintable)
        } else {
            Ok(())
        }
    }
}

/// Returns whether `Debug` shows a text unchanged, quotes and backslashes aside.
fn is_printable(text: &str) -> bool {
    let plain = text.replace(['"', '\'', '\\'], "");
    // A leading combining accent would be escaped, since it has no letter to combine with.
    let plain = format!("a{plain}");
    plain.escape_debug().eq(plain.chars())
}
