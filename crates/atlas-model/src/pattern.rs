//! Values with a documented pattern. The matchers are those of `atlas-pattern`.

use std::fmt;

pub use atlas_pattern::{PatternError, PatternFault};

/// A value that Atlas documents a pattern for.
///
/// A type that implements this holds only values its [`PATTERN`](Patterned::PATTERN) accepts.
pub trait Patterned: Sized + fmt::Display {
    /// The pattern as documented, in the dialect of the [`regex`](https://docs.rs/regex) crate.
    const PATTERN: &'static str;

    /// The phrase that an error shows after "expected", such as "24 lowercase hex digits".
    const EXPECTED: &'static str = "a text inside the documented pattern";

    /// The name under which the API usually carries this value, for errors.
    const FIELD: &'static str;

    /// Parses `text`; `field` is the name that an error gives.
    ///
    /// # Errors
    /// [`PatternError`] if `text` is not in the language of [`PATTERN`](Patterned::PATTERN).
    fn parse_field(field: &'static str, text: &str) -> Result<Self, PatternError>;

    /// Whether `text` is in the language of [`PATTERN`](Patterned::PATTERN); keeps nothing of it.
    fn is_match(text: &str) -> bool;
}
