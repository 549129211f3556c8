//! Reading and writing at places of a file that is locked, on systems where a lock binds every handle.

use std::fs::File;
use std::io;
use std::path::Path;

use super::open_own;

/// Opens a file once more whose lock `locked` has.
///
/// On Windows, a lock keeps every other handle from the bytes, those of this process included. There
/// it is the same handle, whose position all share: use [`read_at`] and [`write_all_at`].
pub(crate) fn open_again(path: &Path, locked: &File) -> io::Result<File> {
    if cfg!(windows) {
        return locked.try_clone();
    }
    open_own(path, false)
}

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

    #[test]
    fn handles_of_one_file_read_and_write_at_places_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let locked = open_own(&path, true).unwrap();
        locked.try_lock().unwrap();
        let first = open_again(&path, &locked).unwrap();
        let second = open_again(&path, &locked).unwrap();
        write_all_at(&first, b"def", 3).unwrap();
        write_all_at(&second, b"abc", 0).unwrap();
        let mut text = [0; 8];
        assert_eq!(read_at(&first, &mut text, 1).unwrap(), 5);
        assert_eq!(&text[..5], b"bcdef");
        assert_eq!(read_at(&second, &mut text, 6).unwrap(), 0);
    }
}
