//! Values as Atlas sent them: valid, or odd and kept as text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pattern::{PatternError, Patterned};

/// A value in a response: inside its documented pattern, or the odd text Atlas sent instead.
///
/// An odd text never makes a response undecodable, and it is never lost.
///
/// ```
/// use atlas_model::{ProjectId, Seen};
///
/// let odd: Seen<ProjectId> = serde_json::from_str("\"not an id\"")?;
/// assert_eq!(odd.valid(), None);
/// assert_eq!(odd.text(), "not an id");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Seen<T> {
    /// The value, inside its pattern.
    Valid(T),
    /// The text as it came, outside the pattern.
    Odd(Box<str>),
}

impl<T> Seen<T> {
    /// The value, if it is inside its pattern.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Odd(_) => None,
        }
    }
}

impl<T: Patterned> Seen<T> {
    /// The text, valid or odd.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Valid(value) => Cow::Owned(value.to_string()),
            Self::Odd(text) => Cow::Borrowed(text),
        }
    }

    /// The error that a strict reading of this value gives.
    pub(crate) fn fault(&self) -> Option<PatternError> {
        match self {
            Self::Valid(_) => None,
            Self::Odd(text) => T::parse_field(T::FIELD, text).err(),
        }
    }
}

impl<T> From<T> for Seen<T> {
    fn from(value: T) -> Self {
        Self::Valid(value)
    }
}

impl<T: Patterned> fmt::Display for Seen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(value) => value.fmt(f),
            Self::Odd(text) => f.pad(text),
        }
    }
}

impl<T: Serialize> Serialize for Seen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Valid(value) => value.serialize(serializer),
            Self::Odd(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de, T: Patterned> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient<T>(PhantomData<T>);

        impl<T: Patterned> Visitor<'_> for Lenient<T> {
            type Value = Seen<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seen<T>, E> {
                Ok(match T::parse_field(T::FIELD, text) {
                    Ok(value) => Seen::Valid(value),
                    Err(_) => Seen::Odd(text.into()),
                })
            }
        }

        deserializer.deserialize_str(Lenient(PhantomData))
    }
}

/// Reads a value strictly, as a request is read.
pub(crate) fn deserialize_patterned<'de, T, D>(deserializer: D) -> Result<T, D::Error>
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
