//! A folder with the access tokens of one user, and their locks.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::auth::{CachedToken, LockAttempt, TokenCache, TokenKey, TokenLock};

/// A [`TokenCache`] in a folder, with two files for each service account and base URL: the token, and a
/// file that is locked while a token is fetched, so that only one of many processes requests a token.
///
/// Needs the feature `token-directory`, which is on by default. Files that cannot be read, written,
/// locked or trusted are treated as missing; `tracing` logs the reason at level debug.
///
/// # Files
///
/// `KEY.json` contains the token and its lifetime; `KEY.lock` is empty and is never removed. `KEY` is
/// [`TokenKey::as_str`], which reveals neither client nor secret. A token is written under another name
/// and renamed, so that a reader never sees a part of it. Missing folders are created with mode 0700, and
/// files with 0600.
///
/// On Unix the folder must belong to the effective user of the process, root included, and no
/// other user may write to it (mode `go-w`). A file in it is used only if it belongs to the same
/// user, grants no permission to other users, and is a regular file with one name: not a symbolic link,
/// pipe or hard link. Both checks use the opened folder or file. On Windows, only links and files that are not
/// regular are refused, and folder and files inherit the permissions of the folder that contains them: keep it
/// inside the user's profile, which Windows protects from other users.
///
/// # Locks
///
/// They are advisory locks of the operating system ([`File::try_lock`]: `flock` on Unix,
/// `LockFileEx` on Windows), which end with their process, even on `SIGKILL`. An existing lock file does
/// not mean that it is locked. Where locks are not available, for instance in a read-only folder, on a
/// full disk or on some network file systems, each process fetches its own token.
///
/// ```
/// use std::sync::Arc;
///
/// use atlas_transport::{BaseUrl, Client, Credentials, TokenDirectory};
///
/// let credentials = Credentials::service_account("mdb_sa_id_…", "mdb_sa_sk_…");
/// let mut builder = Client::builder(BaseUrl::cloud(), &credentials);
/// if let Some(tokens) = TokenDirectory::of_user() {
///     builder = builder.token_cache(Arc::new(tokens));
/// }
/// let client = builder.build()?;
/// # Ok::<(), atlas_transport::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDirectory {
    folder: PathBuf,
}

impl TokenDirectory {
    /// Uses the given folder. It is created when the first token is fetched.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Returns the folder that the `atlas` command uses: `atlas-rs/tokens` in the user's cache folder,
    /// which is `$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches` on macOS, and
    /// `%LOCALAPPDATA%` on Windows. `None` if the user has no home folder.
    pub fn of_user() -> Option<Self> {
        let folders = choose_native_strategy().ok()?;
        Some(Self::new(
            folders.cache_dir().join("atlas-rs").join("tokens"),
        ))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn token_path(&self, key: &TokenKey) -> PathBuf {
        self.folder.join(format!("{}.json", key.as_str()))
    }

    fn lock_path(&self, key: &TokenKey) -> PathBuf {
        self.folder.join(format!("{}.lock", key.as_str()))
    }

    fn try_load(&self, key: &TokenKey) -> io::Result<CachedToken> {
        check_folder(&self.folder)?;
        let mut text = Vec::new();
        let mut options = File::options();
        open_private(&self.token_path(key), options.read(true))?
            .take(MAX_FILE)
            .read_to_end(&mut text)?;
        let stored: Stored<SecretString> =
            // The parser's message may quote the token.
            serde_json::from_slice(&text).map_err(|_| refused("the token file is not valid JSON"))?;
        Ok(CachedToken {
            access_token: stored.access_token,
            obtained: stored.obtained,
            expires: stored.expires,
        })
    }

    fn try_store(&self, key: &TokenKey, token: &CachedToken) -> io::Result<()> {
        make_folder(&self.folder)?;
        let stored = Stored {
            access_token: token.access_token.expose_secret(),
            obtained: token.obtained,
            expires: token.expires,
        };
        // A temporary file has mode 0600, and keeps it when it is renamed.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(&stored)?)?;
        file.persist(self.token_path(key))?;
        Ok(())
    }

    fn open_lock(&self, key: &TokenKey) -> io::Result<File> {
        make_folder(&self.folder)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        open_private(&self.lock_path(key), &mut options)
    }
}

/// The content of a token file.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    access_token: T,
    obtained: u64,
    expires: u64,
}

/// The maximum number of bytes read from a file; more than any token needs.
const MAX_FILE: u64 = 1 << 20;

impl TokenCache for TokenDirectory {
    fn load(&self, key: &TokenKey) -> Option<CachedToken> {
        match self.try_load(key) {
            Ok(token) => Some(token),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(%error, "ignoring the token file");
                }
                None
            }
        }
    }

    fn store(&self, key: &TokenKey, token: &CachedToken) {
        if let Err(error) = self.try_store(key, token) {
            tracing::debug!(%error, "cannot store the token");
        }
    }

    fn remove(&self, key: &TokenKey) {
        // Nothing is removed from a folder that fails the checks.
        if check_folder(&self.folder).is_ok() {
            let _ = std::fs::remove_file(self.token_path(key));
        }
    }

    fn try_lock(&self, key: &TokenKey) -> LockAttempt {
        let file = match self.open_lock(key) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(%error, "fetching the token without a lock");
                return LockAttempt::Unsupported;
            }
        };
        match file.try_lock() {
            // Closing the file releases the lock.
            Ok(()) => LockAttempt::Acquired(TokenLock::new(file)),
            Err(TryLockError::WouldBlock) => LockAttempt::Busy,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "fetching the token without a lock");
                LockAttempt::Unsupported
            }
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    check_folder(folder)
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// Checks that a folder belongs to this user and that no other user can write to it.
#[cfg(unix)]
fn check_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    use rustix::fs::OFlags;

    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let metadata = File::options()
        .read(true)
        .custom_flags(custom(flags)?)
        .open(folder)?
        .metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("the folder belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(refused("other users can write to the folder"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a regular file that belongs to this user and that only this user can access. The checks use
/// the open file, so that it cannot be replaced in between.
#[cfg(unix)]
fn open_private(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    use rustix::fs::OFlags;

    // Do not follow a symbolic link or wait for the other end of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options
        .mode(0o600)
        .custom_flags(custom(flags)?)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refused("it is not a regular file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(refused("other users have permissions for it"));
    }
    if metadata.nlink() != 1 {
        return Err(refused("it has more than one hard link"));
    }
    Ok(file)
}

/// Opens a regular file. Windows has no modes: the permissions of the folder count.
#[cfg(not(unix))]
fn open_private(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    if path.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused("it is not a regular file"));
    }
    Ok(file)
}

#[cfg(unix)]
fn custom(flags: rustix::fs::OFlags) -> io::Result<i32> {
    let flags = flags.bits().try_into();
    flags.map_err(|_| io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
