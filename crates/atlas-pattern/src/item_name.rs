//! The name of a deployment item in a body: 1 to 64 letters, numbers and some punctuation.

use crate::characters::Characters;
use crate::error::PatternFault;

/// The pattern as documented.
///
/// [`Pattern::find`](crate::Pattern::find) does not include it, since the names of organizations
/// and projects are documented with the same pattern, but real ones contain spaces.
pub const SOURCE: &str = r"^[\p{L}\p{N}\-_.(),:&@+']{1,64}$";

/// The phrase that an error shows after "expected".
pub const EXPECTED: &str = "1 to 64 letters, numbers or any of -_.(),:&@+'";

static NAME: Characters = Characters::new(b"-_.(),:&@+'", 1, 64);

/// Checks a text against [`SOURCE`].
///
/// # Errors
/// [`PatternFault`] for the first character that is not allowed, or for the length.
pub fn check(text: &str) -> Result<(), PatternFault> {
    NAME.check(text)
}

/// Whether a text matches [`SOURCE`].
pub fn is_match(text: &str) -> bool {
    NAME.is_match(text)
}
