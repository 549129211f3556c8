//! Values with a documented pattern. The matchers are those of `atlas-pattern`.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{self, Visitor};

pub use atlas_pattern::{PatternError, PatternFault};

/// A value with a documented pattern.
///
/// An implementing type holds only values that match its [`PATTERN`](Patterned::PATTERN).
pub trait Patterned: Sized + fmt::Display {
    /// The pattern as documented, in the dialect of the [`regex`](https://docs.rs/regex) crate.
    const PATTERN: &'static str;

    /// The phrase that an error shows after "expected", such as "24 lowercase hex digits".
    const EXPECTED: &'static str = "a text that matches the documented pattern";

    /// The usual name of this value in the API, for errors.
    const FIELD: &'static str;

    /// Parses `text`; `field` is the name to show in an error.
    ///
    /// # Errors
    /// [`PatternError`] if `text` does not match [`PATTERN`](Patterned::PATTERN).
    fn parse_field(field: &'static str, text: &str) -> Result<Self, PatternError>;

    /// Whether `text` matches [`PATTERN`](Patterned::PATTERN), without creating a value.
    fn is_match(text: &str) -> bool;
}

/// Reads a string that must match the pattern of its type.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Patterned,
    D: Deserializer<'de>,
{
    struct Strict<T>(PhantomData<T>);

    impl<T: Patterned> Visitor<'_> for Strict<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a string ({})", T::EXPECTED)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            T::parse_field(T::FIELD, text).map_err(|error| E::custom(error.without_field()))
        }
    }

    deserializer.deserialize_str(Strict(PhantomData))
}
