//! Checks a file against a manifest: checksums, gzip stream and tar, read to the end.

use std::path::Path;

use crate::checksums::Checksums;
use crate::error::Error;
use crate::fault::Fault;
use crate::inspect::inspect;
use crate::manifest::Manifest;

/// Checks a file against a manifest; `tell` receives the number of bytes read and the length.
pub(crate) fn verify_as(
    path: &Path,
    manifest: &Manifest,
    tell: impl Fn(u64, u64),
) -> Result<(), Error> {
    let mut announced = Checksums::default();
    announced
        .0
        .insert("sha256".to_owned(), manifest.sha256.clone());
    let found = inspect(path, &announced, tell)?;
    if found.bytes != manifest.bytes {
        return Err(Fault::Length {
            found: found.bytes,
            expected: manifest.bytes,
        }
        .into());
    }
    Ok(())
}
