//! Telling whether two names, or a name and an open file, are one file.

use std::fs::File;
#[cfg(windows)]
use std::fs::OpenOptions;
use std::path::Path;

/// Whether a path leads to an open file. A symbolic link leads nowhere.
pub(crate) fn leads_to(path: &Path, file: &File) -> bool {
    identity_at(path).is_some_and(|named| identity(file) == Some(named))
}

/// Whether both paths are names of one file. A symbolic link is a file of its own.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    identity_at(one).is_some_and(|found| identity_at(other) == Some(found))
}

/// The device and inode of a file, which no other file of this machine has.
#[cfg(unix)]
fn identity(file: &File) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn identity_at(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.symlink_metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// What no other file of this machine has: its volume and its number there. Times and lengths do
/// not tell files apart: a new file of an old name gets the old one's time of creation for a while.
#[cfg(windows)]
fn identity(file: &File) -> Option<(u64, u64)> {
    let found = winapi_util::file::information(file).ok()?;
    Some((found.volume_serial_number(), found.file_index()))
}

#[cfg(windows)]
fn identity_at(path: &Path) -> Option<(u64, u64)> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let mut options = OpenOptions::new();
    // No access to the bytes, which a lock or another program could refuse.
    options.access_mode(0);
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    identity(&options.open(path).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_identity_under_another_name_and_a_new_one_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::write(&one, "").unwrap();
        let file = File::open(&one).unwrap();
        assert!(leads_to(&one, &file) && same_file(&one, &one));
        assert!(!leads_to(&other, &file) && !same_file(&one, &other) && !same_file(&other, &other));
        std::fs::hard_link(&one, &other).unwrap();
        assert!(leads_to(&other, &file) && same_file(&one, &other));
        // In place of the old one, which is open still, at once and of the same length.
        std::fs::remove_file(&one).unwrap();
        std::fs::write(&one, "").unwrap();
        assert!(!leads_to(&one, &file) && !same_file(&one, &other));
    }
}
