//! Access tokens between runs, so that a job that starts each minute does not ask the token
//! endpoint each time.
//!
//! One file a service account and base URL, named by a hash of both, in a folder that only its
//! owner can look into. What cannot be read, written or trusted is as if it were not there.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use atlas_transport::{CachedToken, TokenCache, TokenKey};
use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The tokens in the user's cache folder.
#[derive(Debug)]
pub(crate) struct TokenFiles {
    folder: PathBuf,
}

impl TokenFiles {
    /// The folder of this user; `None` if the machine has none.
    pub(crate) fn of_user() -> Option<Self> {
        let folders = choose_native_strategy().ok()?;
        let folder = folders.cache_dir().join("atlas-rs").join("tokens");
        Some(Self { folder })
    }

    fn path(&self, key: &TokenKey) -> PathBuf {
        self.folder.join(format!("{}.json", key.as_str()))
    }
}

/// More than any token needs.
const LIMIT: u64 = 1 << 20;

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    access_token: T,
    obtained: u64,
    expires: u64,
}

impl TokenCache for TokenFiles {
    fn load(&self, key: &TokenKey) -> Option<CachedToken> {
        let mut text = Vec::new();
        open_private(&self.path(key))?
            .take(LIMIT)
            .read_to_end(&mut text)
            .ok()?;
        let stored: Stored<SecretString> = serde_json::from_slice(&text).ok()?;
        Some(CachedToken {
            access_token: stored.access_token,
            obtained: stored.obtained,
            expires: stored.expires,
        })
    }

    fn store(&self, key: &TokenKey, token: &CachedToken) {
        let stored = Stored {
            access_token: token.access_token.expose_secret(),
            obtained: token.obtained,
            expires: token.expires,
        };
        if let Err(error) = write(&self.folder, &self.path(key), &stored) {
            tracing::debug!(%error, "the token is not kept");
        }
    }

    fn remove(&self, key: &TokenKey) {
        let _ = std::fs::remove_file(self.path(key));
    }
}

/// Opens a file that belongs to this user and that only this user can read. The checks are made on
/// the open file, so that it cannot be exchanged in between; a link or a pipe is not opened.
fn open_private(path: &Path) -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

        use rustix::fs::OFlags;

        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().try_into().ok()?)
            .open(path)
            .ok()?;
        let metadata = file.metadata().ok()?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        // No permission for the group or for others: the six lowest bits.
        let private = metadata.mode().trailing_zeros() >= 6;
        let alone = metadata.nlink() == 1;
        (metadata.is_file() && ours && private && alone).then_some(file)
    }
    #[cfg(not(unix))]
    File::open(path).ok()
}

fn write(folder: &Path, path: &Path, stored: &Stored<&str>) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.recursive(true).create(folder)?;
    // A temporary file is its owner's alone (0600), and stays so under its final name.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(stored)?)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
