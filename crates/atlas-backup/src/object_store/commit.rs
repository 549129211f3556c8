//! The last step of an upload: an object and its manifest appear so that they never disagree.
//!
//! ```text
//! new key ────► manifest (only if new) ──► object (only if new)     else: manifest removed, abort
//! replaced ───► manifest says incomplete ─► object ─► manifest      else: manifest restored, abort
//! ```

use bytes::Bytes;
use object_store::path::Path;

use super::cleanup::Ended;
use super::connection::Failed;
use super::upload::{Place, Uploaded};
use super::url::manifest;
use crate::error::Error;

/// What is to be completed.
pub(super) struct Commit {
    /// The manifest.
    pub(super) note: Bytes,
    /// How long the object is.
    pub(super) bytes: u64,
    /// Whether what has the key already is replaced.
    pub(super) replace: bool,
}

/// The longest manifest that is put back if the object cannot be replaced.
const LONGEST_MANIFEST: usize = 1 << 20;
/// Stands in for the manifest while an object is replaced.
const INCOMPLETE: &[u8] =
    b"{\"incomplete\": \"this object was being replaced; download the snapshot again\"}\n";
const COMPLETE: &str = "complete";

impl Uploaded {
    /// Completes the object; aborts the upload if that fails.
    pub(super) async fn commit(self, commit: Commit) -> Result<Ended, Error> {
        let committed = if commit.replace {
            self.replace(&commit).await
        } else {
            self.create(&commit).await
        };
        match committed {
            Ok(()) => Ok(Ended::Stored {
                url: self.place.url.clone(),
            }),
            Err(Stopped::Before(error)) => Err(match self.place.abort(&self.id).await {
                Ok(_) => error,
                Err(left) => left.left_after(error),
            }),
            Err(Stopped::After(error)) => Err(error),
        }
    }

    async fn create(&self, commit: &Commit) -> Result<(), Stopped> {
        let Place {
            connection, key, ..
        } = &self.place;
        let beside = manifest(key);
        // For stores without a condition on completion; another writer may still come in between.
        self.place.refuse_taken().await.map_err(Stopped::Before)?;
        let put = connection.put(&beside, commit.note.clone(), true).await;
        put.map_err(|failed| {
            Stopped::Before(if failed.is_taken() {
                self.place.exists(&beside)
            } else {
                self.place.manifest_failed(failed)
            })
        })?;
        let mut completed = connection.complete(key, &self.id, &self.parts, true).await;
        if completed.as_ref().is_err_and(Failed::is_unsupported) {
            completed = connection.complete(key, &self.id, &self.parts, false).await;
        }
        let Err(failed) = completed else {
            return Ok(());
        };
        let mut error = if failed.is_taken() {
            self.place.exists(key)
        } else {
            self.place.failed(COMPLETE, failed.clone())
        };
        if failed.maybe_applied {
            match connection.length(key).await {
                Ok(Some(length)) if length == commit.bytes => return Ok(()),
                Ok(Some(_)) => error = self.place.exists(key),
                Ok(None) => {}
                Err(_) => return Err(Stopped::After(self.place.unknown(failed))),
            }
        }
        // The manifest is ours: it was created above.
        if let Err(failed) = connection.delete(&beside).await {
            error = Error::LeftInStore {
                url: self.place.url_of(&beside),
                what: "a manifest without its object",
                source: failed.failure,
                after: Some(Box::new(error)),
            };
        }
        Err(Stopped::Before(error))
    }

    async fn replace(&self, commit: &Commit) -> Result<(), Stopped> {
        let Place {
            connection, key, ..
        } = &self.place;
        let beside = manifest(key);
        // Credentials that may only write cannot read it; then it is not restored either.
        let old = connection.read(&beside, LONGEST_MANIFEST).await;
        if !matches!(old, Ok(None)) {
            let incomplete = Bytes::from_static(INCOMPLETE);
            let put = connection.put(&beside, incomplete, false).await;
            put.map_err(|failed| Stopped::Before(self.place.manifest_failed(failed)))?;
        }
        let completed = connection.complete(key, &self.id, &self.parts, false).await;
        if let Err(failed) = completed {
            if failed.maybe_applied {
                return Err(Stopped::Before(self.place.unknown(failed)));
            }
            if let Ok(Some(old)) = old
                && let Err(failed) = connection.put(&beside, old, false).await
            {
                tracing::warn!(failure = %failed.failure, "the old manifest cannot be restored");
            }
            return Err(Stopped::Before(self.place.failed(COMPLETE, failed)));
        }
        let put = connection.put(&beside, commit.note.clone(), false).await;
        put.map_err(|failed| {
            const HINT: &str = "the object is complete, but has no manifest; run the command again";
            let error = self
                .place
                .error("write the manifest of", HINT, failed.failure);
            Stopped::After(error)
        })
    }
}

/// Where it stopped: before or after the object may be complete.
enum Stopped {
    Before(Error),
    After(Error),
}

impl Place {
    /// Refuses a key that an object or a manifest has.
    pub(super) async fn refuse_taken(&self) -> Result<(), Error> {
        for key in [self.key.clone(), manifest(&self.key)] {
            match self.connection.length(&key).await {
                Ok(None) => {}
                Ok(Some(_)) => return Err(self.exists(&key)),
                Err(failed) if is_forbidden(&failed) => {
                    return Err(Error::CannotCheck {
                        url: self.url_of(&key),
                        source: failed.failure,
                    });
                }
                Err(failed) => return Err(self.failed("look up", failed)),
            }
        }
        Ok(())
    }

    fn exists(&self, key: &Path) -> Error {
        Error::Exists {
            path: self.url_of(key).into(),
        }
    }

    fn url_of(&self, key: &Path) -> String {
        if *key == self.key {
            self.url.clone()
        } else {
            format!("{}.json", self.url)
        }
    }

    fn manifest_failed(&self, failed: Failed) -> Error {
        self.failed("write the manifest of", failed)
    }

    fn unknown(&self, failed: Failed) -> Error {
        const HINT: &str = "the store may have completed it all the same; check it before retrying";
        self.error(COMPLETE, HINT, failed.failure)
    }
}

fn is_forbidden(failed: &Failed) -> bool {
    let status = failed.failure.status();
    status.is_some_and(|status| matches!(status.as_u16(), 401 | 403))
}
