//! Names of clusters, databases, collections and projects, each matching its documented pattern.

use std::fmt;
use std::str::FromStr;

use atlas_pattern::{cluster_name, item_name, path_text};
use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize};

use crate::pattern::{PatternError, Patterned};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $field:literal, $pattern:ident) => {
        $(#[$doc])*
        ///
        /// Names of up to 24 bytes are stored without an allocation.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            /// The documented pattern.
            pub const PATTERN: &'static str = $pattern::SOURCE;

            /// Parses a text that matches the documented pattern.
            ///
            /// # Errors
            /// [`PatternError`] with the text and the expected form.
            pub fn parse(text: &str) -> Result<Self, PatternError> {
                <Self as Patterned>::parse_field(<Self as Patterned>::FIELD, text)
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Patterned for $name {
            const PATTERN: &'static str = $pattern::SOURCE;
            const EXPECTED: &'static str = $pattern::EXPECTED;
            const FIELD: &'static str = $field;

            fn parse_field(field: &'static str, text: &str) -> Result<Self, PatternError> {
                match $pattern::check(text) {
                    Ok(()) => Ok(Self(CompactString::new(text))),
                    Err(fault) => Err(PatternError::new(
                        field,
                        text,
                        $pattern::SOURCE,
                        $pattern::EXPECTED,
                        fault,
                    )),
                }
            }

            #[inline]
            fn is_match(text: &str) -> bool {
                $pattern::is_match(text)
            }
        }

        impl From<$name> for CompactString {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl FromStr for $name {
            type Err = PatternError;

            fn from_str(text: &str) -> Result<Self, PatternError> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::pattern::deserialize(deserializer)
            }
        }
    };
}

name! {
    /// The name of a cluster, as used in a path: ASCII letters, digits and hyphens, not starting
    /// with a hyphen.
    ///
    /// The pattern sets no upper length; Atlas does.
    ClusterName, "clusterName", cluster_name
}

name! {
    /// The name of a deployment item: 1 to 64 characters, each a letter (`\p{L}`), a number
    /// (`\p{N}`) or one of `-_.(),:&@+'`.
    ///
    /// Characters are Unicode scalar values: a combining mark (`\p{M}`) is one and is refused,
    /// so a name in decomposed form (NFD) is refused where its composed form is accepted.
    /// Letters and numbers are those of [`UNICODE_VERSION`](crate::UNICODE_VERSION).
    ///
    /// ```
    /// use atlas_model::DeploymentItemName;
    ///
    /// assert!(DeploymentItemName::parse("Größe-東京 (2)").is_err(), "a space is refused");
    /// assert!(DeploymentItemName::parse("Größe-東京(2)").is_ok());
    /// ```
    DeploymentItemName, "targetDeploymentItemName", item_name
}

name! {
    /// The name of a database in a snapshot.
    ///
    /// Its pattern is undocumented. Empty, `.` and `..` are refused, since they are invalid in a
    /// path.
    DatabaseName, "databaseName", path_text
}

name! {
    /// The name of a collection in a snapshot.
    ///
    /// Its pattern is undocumented. Empty, `.` and `..` are refused, since they are invalid in a
    /// path.
    CollectionName, "collectionName", path_text
}

name! {
    /// The name of a project: 1 to 64 characters, the same as in a [`DeploymentItemName`].
    ProjectName, "name", item_name
}
