//! Reading and writing at places of a file, through one handle.
//!
//! A locked file is read and written through the handle that holds the lock: its path may lead to
//! another file by then, and on Windows the lock keeps every other handle from the bytes.

use std::fs::File;
use std::io;

/// Reads from a place in a file; how the position of the file changes depends on the system.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, buffer, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
}

/// Writes all bytes to a place in a file; how the position of the file changes depends on the system.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(windows)]
    {
        let (mut bytes, mut offset) = (bytes, offset);
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_write(file, bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::open_own;

    #[test]
    fn a_locked_file_is_read_and_written_at_places_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let locked = open_own(&folder.path().join("f"), true).unwrap();
        locked.try_lock().unwrap();
        write_all_at(&locked, b"def", 3).unwrap();
        write_all_at(&locked, b"abc", 0).unwrap();
        let mut text = [0; 8];
        assert_eq!(read_at(&locked, &mut text, 1).unwrap(), 5);
        assert_eq!(&text[..5], b"bcdef");
        assert_eq!(read_at(&locked, &mut text, 6).unwrap(), 0);
    }
}
