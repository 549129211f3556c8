//! A name in a path for which no pattern is documented.

use crate::error::PatternFault;

/// The pattern that stands in for a documented one.
pub const SOURCE: &str = "^(?s:.+)$";

/// The phrase that an error shows after "expected".
pub const EXPECTED: &str = r#"a name that is not empty, "." or "..""#;

/// Checks that a path can carry the text: it is not empty, `.` or `..`.
///
/// # Errors
/// [`PatternFault`] for an empty text and for dots alone, which mean other folders.
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
