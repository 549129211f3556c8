//! The defects of a file.

use std::fmt;

use crate::error::Error;

/// A defect of a file. `Debug` reads as `Display` does.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It does not start with a gzip header.
    #[error("not a gzip file")]
    NotGzip,
    /// The gzip stream is damaged or truncated.
    #[error("its gzip stream is damaged or truncated")]
    Gzip,
    /// Data that is not part of the gzip stream follows it.
    #[error("unexpected data after its gzip stream")]
    Trailing,
    /// The tar inside is damaged or truncated.
    #[error("the tar in it is damaged or truncated")]
    Tar,
    /// A checksum does not match that of the store or the manifest.
    #[error("its {0} does not match")]
    Checksum(&'static str),
    /// Its length is not the expected one.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// The actual length in bytes.
        found: u64,
        /// The expected length in bytes.
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
