//! Access tokens and their locks in a folder of one user.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::auth::{CachedToken, LockAttempt, TokenCache, TokenKey, TokenLock};

/// A [`TokenCache`] in a folder: one file for each service account and base URL, and one beside it
/// that is locked while a token is fetched, so that of many processes only one asks the token
/// endpoint.
///
/// Needs the feature `token-directory`, which is on by default. What cannot be read, written,
/// locked or trusted is as if it were not there; `tracing` has it at level debug.
///
/// # Files
///
/// `KEY.json` has the token and its life, `KEY.lock` is empty and stays; `KEY` is
/// [`TokenKey::as_str`], which tells neither client nor secret. A token is written under another
/// name and renamed, so that no reader meets half of it. Missing folders are made, for their owner
/// alone (0700), and files too (0600).
///
/// On Unix the folder must belong to the effective user of the process, root included, and no
/// other user may write to it (mode `go-w`). A file in it is used only if it belongs to the same
/// user, has no permission for anyone else, and is a regular file with one name: no symbolic link,
/// pipe or hard link. Both checks are made on what was opened. On other systems nothing is
/// checked: keep the folder inside the user's profile, which Windows closes to other users.
///
/// # Locks
///
/// They are advisory locks of the operating system ([`File::try_lock`]: `flock` on Unix,
/// `LockFileEx` on Windows), which end with the process that has them, also by `SIGKILL`. A file
/// that is there is no lock. Where there are none, such as in a folder that cannot be written to,
/// on a full disk or on some network file systems, each process fetches a token of its own.
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
    /// A folder of the caller's choice. It is made when the first token is fetched.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder that the `atlas` command uses: `atlas-rs/tokens` in the user's cache folder,
    /// which is `$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches` on macOS, and
    /// `%LOCALAPPDATA%` on Windows. `None` if the user has no home.
    pub fn of_user() -> Option<Self> {
        let folders = choose_native_strategy().ok()?;
        Some(Self::new(
            folders.cache_dir().join("atlas-rs").join("tokens"),
        ))
    }

    /// Where the folder is.
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
            // The parser's own words may quote the token.
            serde_json::from_slice(&text).map_err(|_| refused("the token file is not JSON"))?;
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
        // A temporary file is its owner's alone (0600), and stays so under its final name.
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

/// What a file of a token holds.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    access_token: T,
    obtained: u64,
    expires: u64,
}

/// How many bytes of a file are read; more than any token needs.
const MAX_FILE: u64 = 1 << 20;

impl TokenCache for TokenDirectory {
    fn load(&self, key: &TokenKey) -> Option<CachedToken> {
        match self.try_load(key) {
            Ok(token) => Some(token),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(%error, "the token file is not used");
                }
                None
            }
        }
    }

    fn store(&self, key: &TokenKey, token: &CachedToken) {
        if let Err(error) = self.try_store(key, token) {
            tracing::debug!(%error, "the token is not kept");
        }
    }

    fn remove(&self, key: &TokenKey) {
        // Nothing is removed from a folder of someone else.
        if check_folder(&self.folder).is_ok() {
            let _ = std::fs::remove_file(self.token_path(key));
        }
    }

    fn try_lock(&self, key: &TokenKey) -> LockAttempt {
        let file = match self.open_lock(key) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(%error, "the token is fetched without a lock");
                return LockAttempt::Unsupported;
            }
        };
        match file.try_lock() {
            // Closing the file releases the lock.
            Ok(()) => LockAttempt::Acquired(TokenLock::new(file)),
            Err(TryLockError::WouldBlock) => LockAttempt::Busy,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "the token is fetched without a lock");
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

/// Checks that a folder is this user's and that no other user can write to it.
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

/// Opens a regular file that belongs to this user and that only this user can read. The checks are
/// made on the open file, so that it cannot be exchanged in between.
#[cfg(unix)]
fn open_private(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    use rustix::fs::OFlags;

    // Neither follows a link nor waits for the other end of a pipe.
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
        return Err(refused("it has a second name"));
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open_private(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    options.open(path)
}

#[cfg(unix)]
fn custom(flags: rustix::fs::OFlags) -> io::Result<i32> {
    let flags = flags.bits().try_into();
    flags.map_err(|_| io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
