//! Reads files of unknown size up to a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of UTF-8 text that has at most `limit` bytes. A longer
/// file is an error and is not read to its end.
pub(crate) fn text(path: &Path, limit: u64) -> io::Result<String> {
    from(File::open(path)?, limit)
}

/// Reads an open source in the same way.
pub(crate) fn from(source: impl Read, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let problem = format!("expected at most {} MiB", limit >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "expected UTF-8"))
}

/// The line and the column of a byte of a text, starting at 1; columns are counted in characters.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}
