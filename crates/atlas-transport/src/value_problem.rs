//! What a file or a copy leaves in a key, token or other setting.

use std::fmt;

/// What is wrong with the value of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// There is nothing.
    #[error("is empty; set it")]
    Empty,
    /// It is not UTF-8.
    #[error("is not valid UTF-8")]
    NotUnicode,
    /// What `$(cat file)` removes, and other ways to read a file leave.
    #[error("ends with a line break; remove it")]
    LineBreak,
    /// What some editors put before a text.
    #[error("begins with a byte order mark; remove it")]
    ByteOrderMark,
    /// What copying leaves.
    #[error("begins or ends with white space; remove it")]
    WhiteSpace,
    /// A control character, or one that shows nothing.
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
    /// Checks a value for what a file or a copy leaves in it. An empty one is fine.
    ///
    /// # Errors
    /// The first problem.
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

/// Whether `Debug` would show a text as it is, quotes and backslashes aside.
fn is_printable(text: &str) -> bool {
    let plain = text.replace(['"', '\'', '\\'], "");
    // An accent at the beginning would be shown by its number, since it has no letter to stand on.
    let plain = format!("a{plain}");
    plain.escape_debug().eq(plain.chars())
}
