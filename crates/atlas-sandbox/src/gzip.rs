//! Small gzip files.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A text as a gzip file.
pub(crate) fn of(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
