//! Opening, syncing and renaming files so that no file of another program is touched.

mod identity;
mod places;

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Take, Write};
use std::path::{Path, PathBuf, is_separator};

use tempfile::NamedTempFile;

use crate::error::Error;
pub(crate) use identity::{leads_to, same_file};
pub(crate) use places::{read_at, write_all_at};

/// The message of an [`Error::File`] for a failed sync. The data may or may not be on the disk, and
/// later reads may succeed anyway.
pub(crate) const UNSYNCED: &str = "cannot be synced to disk";

/// Opens a regular file of this user for reading and writing, and makes it private (mode 0600).
/// Creates it if `create` is set. Windows has no modes: there it inherits the permissions of its folder.
///
/// Symbolic links, devices, files of other users and files with a second name are refused: writing
/// to them would change something else. On Windows, owners and second names are not looked at.
pub(crate) fn open_own(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = open_itself(&mut options, path)?;
    let metadata = file.metadata()?;
    if !is_own(&metadata, path) {
        return Err(not_own());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o777 != 0o600 {
            // This succeeds for the owner, unless the file system has no modes.
            let _ = file.set_permissions(std::fs::Permissions::from_mode(0o600));
        }
    }
    Ok(file)
}

/// Opens a regular file for reading; a symbolic link is followed. Does not block on a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    regular(options.open(path)?)
}

/// Opens a regular file for reading, without following a symbolic link.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    regular(open_itself(&mut options, path)?)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "not a regular file",
    ))
}

/// The error of a path that [`open_own`] refuses.
fn not_own() -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        "not a regular file of this user with a single name",
    )
}

fn no_follow(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // `NONBLOCK`: opening a pipe must not wait for its other end.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Opens a file for the functions above, without following a symbolic link.
fn open_itself(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    no_follow(options);
    // No flag of Windows refuses links and still lets the file system read what it has packed away.
    // Making a link there takes a privilege, which makes a look before it is opened enough.
    if cfg!(not(unix)) && path.is_symlink() {
        return Err(not_own());
    }
    options.open(path)
}

/// Whether it is a regular file of this user with a single name.
pub(crate) fn is_own(metadata: &Metadata, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let user = rustix::process::geteuid().as_raw();
        let is_users = || metadata.uid() == user || Some(metadata.uid()) == owner_in(folder(path));
        metadata.is_file() && metadata.nlink() == 1 && is_users()
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        metadata.is_file()
    }
}

/// The owner of files that this user creates in a folder: another user on a network share that maps
/// users.
#[cfg(unix)]
fn owner_in(folder: &Path) -> Option<u32> {
    let file = tempfile::tempfile_in(folder).ok()?;
    let metadata = file.metadata().ok()?;
    Some(std::os::unix::fs::MetadataExt::uid(&metadata))
}

/// The metadata of a path, without following a symbolic link; `None` if nothing exists there.
pub(crate) fn look(path: &Path) -> Result<Option<Metadata>, Error> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path, "cannot be examined", error)),
    }
}

/// Opens a regular file of at most `limit` bytes; no more are read, should it grow.
pub(crate) fn open_small(path: &Path, limit: u64) -> io::Result<Take<File>> {
    #[cfg(test)]
    counter::add("open");
    let file = open_to_read(path)?;
    if file.metadata()?.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long"));
    }
    Ok(file.take(limit))
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = open_small(path, limit)?;
    let length = file.get_ref().metadata()?.len().min(limit);
    // In one read, with room to detect the end.
    let mut text = Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// The prefix and suffix of temporary file names.
const TEMPORARY: (&str, &str) = (".atlas-backup-", ".tmp");
/// The number of random characters in between.
const RANDOM: usize = 6;

/// A new file that is locked while it is being written, so that [`sweep`] leaves it alone.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..20 {
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY.0)
            .suffix(TEMPORARY.1)
            .rand_bytes(RANDOM)
            .tempfile_in(folder)?;
        // Another run may have removed it before it was locked.
        let is_locked = !matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        if is_locked && leads_to(file.path(), file.as_file()) {
            return Ok(file);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Removes the temporary files that killed runs of this program left in a folder.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| {
            let name = name.strip_prefix(TEMPORARY.0)?;
            name.strip_suffix(TEMPORARY.1)
        });
        let is_ours = |random: &str| {
            random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !random.is_some_and(is_ours) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = open_own(&path, false)
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Writes a small file in place of any other of its name, completely or not at all.
pub(crate) fn write_whole(path: &Path, text: &[u8]) -> Result<(), Error> {
    let unwritable = |source| Error::file(path, "cannot be written", source);
    let mut file = temporary(folder(path)).map_err(unwritable)?;
    file.write_all(text).map_err(unwritable)?;
    sync(file.as_file(), path)?;
    persist(file, path).map_err(unwritable)?;
    sync_folder(path)
}

/// Gives a temporary file its name, in place of any other file, and ends its lock.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> io::Result<File> {
    // `NamedTempFile::persist` fails on Windows while the other file is open; `rename` does not.
    let (file, temporary) = file.keep().map_err(|error| error.error)?;
    if let Err(error) = std::fs::rename(&temporary, path) {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    // Nothing sweeps it away any more, and on Windows a lock would keep readers out.
    let _ = file.unlock();
    Ok(file)
}

/// Whether a path ends as one of a folder does: in a separator, or in one and a dot.
pub(crate) fn ends_as_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    // Such a dot is no component: a path's last one is that before it.
    let end = text.strip_suffix(b".").unwrap_or(text);
    let is_separator = |byte: &u8| is_separator(char::from(*byte));
    end.last().is_some_and(is_separator)
}

/// Syncs a file to the disk.
pub(crate) fn sync(file: &File, path: &Path) -> Result<(), Error> {
    file.sync_all()
        .map_err(|error| Error::file(path, UNSYNCED, error))
}

/// Syncs the folder of a file, so that the file's name survives a power failure. Not every system
/// supports this.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    let folder = folder(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        Err(error) if !matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => {
            Err(Error::file(folder, UNSYNCED, error))
        }
        _ => Ok(()),
    }
}

/// Renames a file; fails with `AlreadyExists` if the new name is taken.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            // Neither every file system nor every kernel knows this call.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    link_new(from, to)
}

/// The same in two steps. Between them the file has both names, which `settle` repairs.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => match std::fs::remove_file(from) {
            // Another run has repaired it already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

/// Renames a file that is in the way; returns its new name.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let mut number = 1_u32;
    loop {
        let aside = with_ending(path, &format!(".old{number}"));
        match rename_new(path, &aside) {
            Ok(()) => return Ok(aside),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                number += 1;
            }
            Err(error) => return Err(Error::file(path, "cannot be renamed", error)),
        }
    }
}

/// A path with an ending after its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Counts operations on this thread, for tests that bound the work.
#[cfg(test)]
pub(crate) mod counter {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    thread_local! {
        static COUNTS: RefCell<BTreeMap<&'static str, usize>> = RefCell::default();
    }

    pub(crate) fn add(what: &'static str) {
        COUNTS.with_borrow_mut(|counts| *counts.entry(what).or_default() += 1);
    }

    /// The counts since the last call.
    pub(crate) fn take() -> BTreeMap<&'static str, usize> {
        COUNTS.take()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_or_a_file_with_two_names_is_never_opened_for_writing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "precious").unwrap();
        assert!(open_own(&path("file"), false).is_ok());
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        assert!(open_own(&path("link"), true).is_err());
        std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
        assert!(open_own(&path("dangling"), true).is_err());
        assert!(!path("nowhere").exists());
        std::fs::hard_link(path("file"), path("second")).unwrap();
        assert!(open_own(&path("file"), false).is_err());
    }

    #[test]
    fn only_temporary_files_that_are_not_being_written_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let written = temporary(folder.path()).unwrap();
        let others = [
            ".atlas-backup-abc.tmp",
            ".atlas-backup-abc-ef.tmp",
            ".tmpabcdef",
        ];
        for name in others.iter().chain(&[".atlas-backup-abCDe1.tmp"]) {
            std::fs::write(path(name), "x").unwrap();
        }
        sweep(folder.path());
        assert!(!path(".atlas-backup-abCDe1.tmp").exists());
        assert!(written.path().exists());
        assert!(others.iter().all(|name| path(name).exists()));
    }

    #[test]
    fn an_existing_name_is_not_overwritten_by_either_rename() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for rename in [rename_new, link_new] {
            std::fs::write(path("from"), "new").unwrap();
            std::fs::write(path("to"), "old").unwrap();
            let error = rename(&path("from"), &path("to")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(std::fs::read(path("to")).unwrap(), b"old");
            std::fs::remove_file(path("to")).unwrap();
            rename(&path("from"), &path("to")).unwrap();
            assert_eq!(std::fs::read(path("to")).unwrap(), b"new");
            assert!(!path("from").exists());
            std::fs::remove_file(path("to")).unwrap();
        }
    }
}
