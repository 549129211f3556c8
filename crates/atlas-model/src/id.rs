//! Ids: 24 hexadecimal digits, stored as twelve bytes.

use std::fmt;
use std::str::FromStr;

use atlas_pattern::id as pattern;
use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pattern::{PatternError, Patterned};

/// The text of an id, on the stack.
type Digits = const_hex::Buffer<12>;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        ///
        /// Twelve bytes, `Copy`; parsing and printing do not allocate. Ordered like its text.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 12]);

        impl $name {
            /// The documented pattern: 24 lower-case hexadecimal digits.
            pub const PATTERN: &'static str = pattern::SOURCE;

            /// Parses 24 lower-case hexadecimal digits.
            ///
            /// # Errors
            /// [`PatternError`] for any other text, including upper-case digits and a trailing
            /// newline.
            pub fn parse(text: &str) -> Result<Self, PatternError> {
                <Self as Patterned>::parse_field(<Self as Patterned>::FIELD, text)
            }

            /// Creates an id from twelve bytes; every value is valid.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            /// Returns the twelve bytes.
            pub const fn to_bytes(self) -> [u8; 12] {
                self.0
            }
        }

        impl Patterned for $name {
            const PATTERN: &'static str = pattern::SOURCE;
            const EXPECTED: &'static str = pattern::EXPECTED;
            const FIELD: &'static str = $field;

            fn parse_field(field: &'static str, text: &str) -> Result<Self, PatternError> {
                match pattern::parse(text) {
                    Ok(bytes) => Ok(Self(bytes)),
                    Err(fault) => Err(PatternError::new(
                        field,
                        text,
                        pattern::SOURCE,
                        pattern::EXPECTED,
                        fault,
                    )),
                }
            }

            fn is_match(text: &str) -> bool {
                pattern::is_match(text)
            }
        }

        impl From<$name> for CompactString {
            fn from(id: $name) -> Self {
                Self::new(Digits::new().format(&id.0))
            }
        }

        impl FromStr for $name {
            type Err = PatternError;

            fn from_str(text: &str) -> Result<Self, PatternError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(Digits::new().format(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Digits::new().format(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::pattern::deserialize(deserializer)
            }
        }
    };
}

id! {
    /// The id of a project. The wire calls it `groupId`.
    ProjectId, "groupId"
}

id! {
    /// The id of a snapshot of a cluster.
    SnapshotId, "snapshotId"
}

id! {
    /// The id of a restore job, the record of one restore or download.
    RestoreJobId, "restoreId"
}

id! {
    /// The id of an organization.
    OrgId, "orgId"
}

id! {
    /// The id of a cluster; requests identify it by its [`ClusterName`](crate::ClusterName)
    /// instead.
    ClusterId, "clusterId"
}

id! {
    /// The id of an item of a backup policy.
    PolicyItemId, "policyItemId"
}

id! {
    /// The id of a resource without an id type of its own.
    ///
    /// Every other id converts into one, and back with [`from_bytes`](ProjectId::from_bytes).
    ObjectId, "id"
}

macro_rules! object_id {
    ($($name:ident),*) => {$(
        impl From<$name> for ObjectId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    )*};
}

object_id!(
    ProjectId,
    SnapshotId,
    RestoreJobId,
    OrgId,
    ClusterId,
    PolicyItemId
);
