//! A name in a path without a documented pattern.

use crate::error::PatternFault;

/// The pattern used in place of a documented one.
pub const SOURCE: &str = "^(?s:.+)$";

/// The phrase that an error shows after "expected".
pub const EXPECTED: &str = r#"a name that is not empty, "." or "..""#;

/// Checks that the text is valid in a path: it is not empty, `.` or `..`.
///
/// # Errors
/// [`PatternFault`] for an empty text, and for `.` and `..`, which refer to other folders.
pub fn check(text: &str) -> Result<(), PatternFault> {
    match text {
        "" => Err(PatternFault::TooShort {
            length: 0,
            minimum: 1,
        }),
        "." | ".." => Err(PatternFault::Character {
            found: '.',
            position: text.len(),
        }),
        _ => Ok(()),
    }
}

/// Whether a text passes [`check`].
pub fn is_match(text: &str) -> bool {
    check(text).is_ok()
}
