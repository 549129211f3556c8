//! Ids: 24 hexadecimal digits, kept as the twelve bytes they stand for.

use std::fmt;
use std::str::FromStr;

use atlas_pattern::id as pattern;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pattern::{PatternError, Patterned};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        ///
        /// Twelve bytes, `Copy`; parsing and printing allocate nothing. Ordered as its text is.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 12]);

        impl $name {
            /// The documented pattern: 24 lower-case hexadecimal digits.
            pub const PATTERN: &'static str = pattern::SOURCE;

            /// Parses 24 lower-case hexadecimal digits.
            ///
            /// # Errors
            /// [`PatternError`] for any other text, upper-case digits and a trailing newline
            /// included.
            pub fn parse(text: &str) -> Result<Self, PatternError> {
                <Self as Patterned>::parse_field(<Self as Patterned>::FIELD, text)
            }

            /// Takes the twelve bytes as they are; every value of them is a valid id.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            /// The twelve bytes that the digits stand for.
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

        impl FromStr for $name {
            type Err = PatternError;

            fn from_str(text: &str) -> Result<Self, PatternError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&Digits::new(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&Digits::new(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::seen::deserialize_patterned(deserializer)
            }
        }
    };
}

id! {
    /// Identifies a project. The wire calls it `groupId`.
    ProjectId, "groupId"
}

id! {
    /// Identifies a snapshot of a cluster.
    SnapshotId, "snapshotId"
}

id! {
    /// Identifies a restore job, the record Atlas keeps of one restore or download.
    RestoreJobId, "restoreId"
}

id! {
    /// Identifies an organization.
    OrgId, "orgId"
}

id! {
    /// Identifies a cluster; calls name it by its [`ClusterName`](crate::ClusterName) instead.
    ClusterId, "clusterId"
}

id! {
    /// Identifies an item of a backup policy.
    PolicyItemId, "policyItemId"
}

/// An id's text, on the stack.
struct Digits([u8; 24]);

impl Digits {
    fn new(bytes: &[u8; 12]) -> Self {
        let mut digits = [0; 24];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        }
        Self(digits)
    }
}

impl std::ops::Deref for Digits {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
