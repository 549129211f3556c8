//! Membership in `\p{L}` (letters) and `\p{N}` (numbers), without a regex engine.
//!
//! `char::is_alphanumeric` is a different set: it includes `Other_Alphabetic`, with combining vowel
//! signs that are not in `\p{L}`.

mod table;

use std::cmp::Ordering;

/// The version of Unicode that defines letters and numbers here.
///
/// It is the version of the `regex` crate, with which the tests compare. Characters assigned later
/// are refused.
pub const UNICODE_VERSION: (u8, u8, u8) = (16, 0, 0);

/// Whether a character is a letter or a number.
pub(crate) fn contains(character: char) -> bool {
    table::RUNS
        .binary_search_by(|&(start, end)| {
            if end < character {
                Ordering::Less
            } else if start > character {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
        .is_ok()
}
