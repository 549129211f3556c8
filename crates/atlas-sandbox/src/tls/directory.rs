//! Certificates in a directory, the only files of this crate.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "certificates outlive a run"
)]

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;

use super::{Certificates, invalid};

const AUTHORITY: &str = "ca.pem";
const SERVER: &str = "server.pem";
const KEY: &str = "server.key";
/// Marks the files as the sandbox's own, which may be replaced. It is locked while they are read or
/// written.
const MARKER: &str = ".atlas-sandbox";
/// A file that each server locks while it runs. While it is locked, the certificates are not
/// replaced.
const USE: &str = ".atlas-sandbox-in-use";

/// Keeps the files of a directory unchanged until it is dropped.
#[derive(Debug)]
pub(crate) struct InUse(#[expect(dead_code, reason = "its lock is what counts")] File);

/// Reads the certificates of a directory. Generates new ones if there are none, if they lack a name
/// or if they expire soon, unless a running server uses them. Other servers that start at the same
/// time wait.
pub(super) fn certificates(
    directory: &Path,
    names: &[String],
    now: Timestamp,
) -> io::Result<(Certificates, InUse)> {
    let failed = |error: io::Error| {
        let shown = directory.display();
        io::Error::new(
            error.kind(),
            format!("cannot keep certificates in {shown}: {error}"),
        )
    };
    kept(directory, names, now).map_err(failed)
}

fn kept(directory: &Path, names: &[String], now: Timestamp) -> io::Result<(Certificates, InUse)> {
    fs::create_dir_all(directory)?;
    let marker = directory.join(MARKER);
    // In this order: the marker exists before the files.
    let found = [AUTHORITY, SERVER, KEY]
        .into_iter()
        .find(|name| directory.join(name).symlink_metadata().is_ok());
    if let Some(name) = found.filter(|_| !marker.exists()) {
        return Err(invalid(format!(
            "{name} was not created by the sandbox; choose another directory"
        )));
    }
    let lock = to_lock(&marker)?;
    lock.lock()?;
    check_mode(directory)?;
    let in_use = to_lock(&directory.join(USE))?;
    let read = |name| fs::read_to_string(directory.join(name)).ok();
    if let (Some(authority), Some(server), Some(key)) = (read(AUTHORITY), read(SERVER), read(KEY)) {
        let certificates = Certificates {
            authority,
            server,
            key,
        };
        if certificates.are_good(names, now) {
            in_use.lock_shared()?;
            return Ok((certificates, InUse(in_use)));
        }
    }
    match in_use.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "a running sandbox uses it, whose clients would have to trust another \
                 ca.pem; choose another directory or the same names",
            ));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let certificates = Certificates::generate(names, now)?;
    // A process killed in between leaves files that do not match; they are generated again.
    write(directory, KEY, &certificates.key, 0o600)?;
    write(directory, SERVER, &certificates.server, 0o644)?;
    write(directory, AUTHORITY, &certificates.authority, 0o644)?;
    // No other process intervenes, since the marker is locked.
    in_use.unlock()?;
    in_use.lock_shared()?;
    Ok((certificates, InUse(in_use)))
}

/// Opens an empty file to be locked.
fn to_lock(path: &Path) -> io::Result<File> {
    // To read, too: Windows locks no file that was opened to append only.
    let mut options = File::options();
    options.create(true).read(true).append(true).open(path)
}

/// Refuses a key that others can read. Windows has no modes: the permissions of the folder count.
fn check_mode(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = directory.join(KEY);
        let mode = fs::metadata(&key).map_or(0, |it| it.permissions().mode());
        if mode & 0o077 != 0 {
            let problem = format!(
                "{KEY} is accessible to other users; run chmod 600 {}",
                key.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
    }
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Writes a file under a temporary name, and renames it when it is complete.
fn write(directory: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    // Readable by its owner only.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(permissions)?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.as_file().sync_all()?;
    file.persist(directory.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn read(directory: &Path) -> Vec<String> {
        let files = [AUTHORITY, SERVER, KEY].into_iter();
        files
            .map(|name| fs::read_to_string(directory.join(name)).unwrap())
            .collect()
    }

    #[test]
    fn certificates_are_kept_until_they_expire_or_lack_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("new/tls");
        let now: Timestamp = "2026-05-04T09:42:00Z".parse().unwrap();
        let day = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
        let both = names(&["atlas", "localhost"]);
        certificates(&directory, &both, now).unwrap();
        let first = read(&directory);
        for (names, time) in [(&both, day(792)), (&names(&["atlas"]), now)] {
            certificates(&directory, names, time).unwrap();
            assert_eq!(read(&directory), first);
        }
        certificates(&directory, &both, day(794)).unwrap();
        let renewed = read(&directory);
        assert!(renewed.iter().zip(&first).all(|(one, other)| one != other));
        certificates(&directory, &names(&["atlas", "127.0.0.1"]), day(794)).unwrap();
        assert_ne!(read(&directory), renewed);
    }

    #[test]
    fn files_that_do_not_match_are_generated_again() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-05-04T09:42:00Z".parse().unwrap();
        let names = names(&["localhost"]);
        certificates(folder.path(), &names, now).unwrap();
        for name in [AUTHORITY, SERVER, KEY] {
            let other = Certificates::generate(&names, now).unwrap();
            let other = match name {
                AUTHORITY => other.authority,
                SERVER => other.server,
                _ => other.key,
            };
            for text in [other.as_str(), "", "-----BEGIN CERTIFICATE-----\n"] {
                fs::write(folder.path().join(name), text).unwrap();
                let (made, _) = certificates(folder.path(), &names, now).unwrap();
                assert!(made.are_good(&names, now), "{name}");
                assert_eq!(read(folder.path()), [made.authority, made.server, made.key]);
            }
        }
    }

    #[test]
    fn files_of_other_programs_are_not_replaced() {
        for name in [AUTHORITY, SERVER, KEY] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), "mine").unwrap();
            let now = "2026-05-04T09:42:00Z".parse().unwrap();
            let result = certificates(folder.path(), &names(&["localhost"]), now);
            let problem = result.err().unwrap().to_string();
            assert!(problem.contains(name) && problem.contains("was not created by the sandbox"));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-05-04T09:42:00Z".parse().unwrap();
        certificates(folder.path(), &names(&["localhost"]), now).unwrap();
        for (name, mode) in [(KEY, 0o600), (SERVER, 0o644), (AUTHORITY, 0o644)] {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
        let mode = |mode| fs::Permissions::from_mode(mode);
        for odd in [0o640, 0o604, 0o620] {
            fs::set_permissions(folder.path().join(KEY), mode(odd)).unwrap();
            let result = certificates(folder.path(), &names(&["localhost"]), now);
            let problem = result.err().unwrap().to_string();
            assert!(
                problem.contains("chmod 600 ") && !problem.contains('\n'),
                "{problem}"
            );
        }
        fs::set_permissions(folder.path().join(KEY), mode(0o400)).unwrap();
        certificates(folder.path(), &names(&["localhost"]), now).unwrap();
    }

    #[test]
    fn certificates_are_not_replaced_while_a_server_runs_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-05-04T09:42:00Z".parse().unwrap();
        let one = names(&["localhost"]);
        let start = |_: i32| {
            let (folder, one) = (folder.path().to_owned(), one.clone());
            std::thread::spawn(move || certificates(&folder, &one, now).unwrap())
        };
        // Several at once, none of which found certificates when it started.
        let starting: Vec<_> = (0..4).map(start).collect();
        let running: Vec<_> = starting.into_iter().map(|it| it.join().unwrap()).collect();
        let first = read(folder.path());
        assert!(running.iter().all(|(it, _)| it.authority == first[0]));
        let both = names(&["foo.example", "localhost"]);
        let problem = certificates(folder.path(), &both, now).err().unwrap();
        let problem = problem.to_string();
        assert!(problem.contains("a running sandbox uses it"), "{problem}");
        assert!(!problem.contains('\n'), "{problem}");
        assert_eq!(read(folder.path()), first);
        certificates(folder.path(), &one, now).unwrap();
        drop(running);
        certificates(folder.path(), &both, now).unwrap();
        assert_ne!(read(folder.path()), first);
    }
}
