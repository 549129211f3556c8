//! What can be wrong with a file.

use std::fmt;

use crate::error::Error;

/// What is wrong with a file. `Debug` reads as `Display` does.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It does not begin as gzip does.
    #[error("not a gzip file")]
    NotGzip,
    /// The gzip stream is broken or ends early.
    #[error("its gzip stream is broken or cut off")]
    Gzip,
    /// Something that is not of the gzip stream follows it.
    #[error("something follows its gzip stream")]
    Trailing,
    /// The tar inside is broken or ends early.
    #[error("the tar in it is broken or cut off")]
    Tar,
    /// A checksum of the store, or of the manifest beside the file, is another one.
    #[error("its {0} is not the expected one")]
    Checksum(&'static str),
    /// Its length is another one.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// How many it has.
        found: u64,
        /// How many it should have.
        expected: u64,
    },
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Unsound { fault }
    }
}
