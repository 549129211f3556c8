//! The last step of an upload: an object and its manifest appear so that they never contradict each
//! other.
//!
//! ```text
//! new key ────► manifest (only if new) ──► object (only if new)     else: manifest removed, abort
//! left over ──► manifest (only that one) ► object (only if new)     else: manifest restored, abort
//! replaced ───► incomplete manifest    ─► object ─► manifest      else: manifest restored, abort
//! ```

use bytes::Bytes;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::cleanup::Ended;
use super::connection::{Failed, Text};
use super::upload::{Place, Uploaded};
use super::url::manifest_key;
use crate::error::Error;
use crate::manifest::Manifest;

/// An object that is to be completed.
pub(super) struct Commit {
    /// The manifest.
    pub(super) manifest: Bytes,
    /// The length of the object in bytes.
    pub(super) bytes: u64,
    /// Whether an existing object is replaced.
    pub(super) replace: bool,
}

/// The longest manifest that is restored if the object cannot be replaced.
const LONGEST_MANIFEST: usize = 1 << 20;
/// The manifest while an object is being replaced.
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
        let beside = manifest_key(key);
        // For stores without conditional completion; another writer may still interfere.
        let leftover = self.place.refuse_taken().await.map_err(Stopped::Before)?;
        if let Some(leftover) = &leftover {
            let of_this = |manifest: &Manifest| commit.is_of(manifest);
            let refused = self.place.refuse(leftover, of_this);
            refused.map_err(Stopped::Before)?;
        }
        let _completing = self.place.cleanup.completing(self.place.url_of(&beside));
        let put = match &leftover {
            None => connection.create(&beside, commit.manifest.clone()).await,
            Some(leftover) => {
                let version = &leftover.found.version;
                connection
                    .replace(&beside, commit.manifest.clone(), version)
                    .await
            }
        };
        let written = put.map_err(|failed| {
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
            match self.after_all().await {
                Ok(Some(found)) if found.size == commit.bytes => return Ok(()),
                Ok(Some(_)) => error = self.place.exists(key),
                Ok(None) => {}
                Err(_) => return Err(Stopped::After(self.place.unknown(failed))),
            }
        }
        // Only if the manifest is still the one written above: another run may have taken over the
        // lease and stored its own.
        let (before, is_new) = match leftover {
            None => (Bytes::from_static(INCOMPLETE), true),
            Some(leftover) => (leftover.found.body, false),
        };
        let undone = match connection.replace(&beside, before, &written).await {
            Ok(_) if is_new => connection.delete(&beside).await,
            Ok(_) => Ok(()),
            Err(failed) if failed.is_taken() || failed.is_not_found() => Ok(()),
            Err(failed) => Err(failed),
        };
        if let Err(failed) = undone {
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
        let beside = manifest_key(key);
        // Credentials with write permission only cannot read it; then it is not restored either.
        let old = connection.read(&beside, LONGEST_MANIFEST).await;
        let old_object = connection.head(key).await;
        let _completing = self.place.cleanup.completing(self.place.url_of(&beside));
        let mut written = None;
        if !matches!(old, Ok(None)) {
            let incomplete = Bytes::from_static(INCOMPLETE);
            let put = connection.overwrite(&beside, incomplete).await;
            let put = put.map_err(|failed| Stopped::Before(self.place.manifest_failed(failed)))?;
            written = Some(put);
        }
        let completed = connection.complete(key, &self.id, &self.parts, false).await;
        if let Err(failed) = completed
            && !self.was_replaced(&failed, old_object, commit).await?
        {
            if let (Ok(Some(old)), Some(written)) = (old, written)
                && let Err(failed) = connection.replace(&beside, old.body, &written).await
            {
                tracing::warn!(failure = %failed.failure, "the old manifest cannot be restored");
            }
            return Err(Stopped::Before(self.place.failed(COMPLETE, failed)));
        }
        let put = connection.overwrite(&beside, commit.manifest.clone()).await;
        put.map(drop).map_err(|failed| {
            const HINT: &str = "the object is complete, but has no manifest; run the command again";
            let error = self
                .place
                .error("write the manifest of", HINT, failed.failure);
            Stopped::After(error)
        })
    }

    /// Whether an object was replaced although its completion failed.
    async fn was_replaced(
        &self,
        failed: &Failed,
        old: Result<Option<ObjectMeta>, Failed>,
        commit: &Commit,
    ) -> Result<bool, Stopped> {
        if !failed.maybe_applied {
            return Ok(false);
        }
        let unknown = || Stopped::Before(self.place.unknown(failed.clone()));
        let (Ok(old), Ok(new)) = (old, self.after_all().await) else {
            return Err(unknown());
        };
        let told = |meta: Option<&ObjectMeta>| {
            meta.map(|meta| (meta.size, meta.e_tag.clone(), meta.last_modified))
        };
        if told(old.as_ref()) == told(new.as_ref()) {
            return Ok(false);
        }
        match new {
            Some(new) if new.size == commit.bytes => Ok(true),
            _ => Err(unknown()),
        }
    }

    /// The object at the key once the completion can no longer be applied: the upload is aborted
    /// first, which has no effect if it is complete.
    async fn after_all(&self) -> Result<Option<ObjectMeta>, Failed> {
        let Place {
            connection, key, ..
        } = &self.place;
        connection.abort(key, &self.id).await?;
        connection.head(key).await
    }
}

impl Commit {
    /// Whether a manifest describes the same file.
    fn is_of(&self, manifest: &Manifest) -> bool {
        serde_json::from_slice::<Manifest>(&self.manifest).is_ok_and(|ours| {
            let of =
                |manifest: &Manifest| (manifest.project, manifest.snapshot, manifest.shard.clone());
            of(&ours) == of(manifest) && ours.cluster == manifest.cluster
        })
    }
}

/// A manifest without its object that an interrupted upload left.
pub(super) struct Leftover {
    found: Text,
    /// `None` if it only marks an object that was being replaced.
    manifest: Option<Manifest>,
}

/// Whether it stopped before or after the object may be complete.
enum Stopped {
    Before(Error),
    After(Error),
}

impl Place {
    /// Refuses a key with an object or a manifest. A manifest of this program without its object is
    /// returned, to be checked by [`refuse`](Self::refuse).
    pub(super) async fn refuse_taken(&self) -> Result<Option<Leftover>, Error> {
        if self.look_up(&self.key).await?.is_some() {
            return Err(self.exists(&self.key));
        }
        let beside = manifest_key(&self.key);
        if self.look_up(&beside).await?.is_none() {
            return Ok(None);
        }
        let read = self.connection.read(&beside, LONGEST_MANIFEST).await;
        let Ok(Some(found)) = read else {
            return Err(self.exists(&beside));
        };
        let manifest = serde_json::from_slice(&found.body).ok();
        if manifest.is_none() && found.body != INCOMPLETE {
            return Err(self.exists(&beside));
        }
        Ok(Some(Leftover { found, manifest }))
    }

    /// The manifest of an existing object of the length in the manifest.
    pub(super) async fn complete_manifest(&self) -> Result<Option<Manifest>, Error> {
        let Some(object) = self.look_up(&self.key).await? else {
            return Ok(None);
        };
        let beside = manifest_key(&self.key);
        let read = self.connection.read(&beside, LONGEST_MANIFEST).await;
        let found = read.map_err(|failed| self.failed("look up", failed))?;
        let manifest = found.and_then(|found| serde_json::from_slice::<Manifest>(&found.body).ok());
        Ok(manifest.filter(|manifest| manifest.bytes == object.size))
    }

    /// Refuses a manifest without its object unless it belongs to the file to be stored.
    pub(super) fn refuse(
        &self,
        leftover: &Leftover,
        is_of_this: impl Fn(&Manifest) -> bool,
    ) -> Result<(), Error> {
        match &leftover.manifest {
            Some(manifest) if !is_of_this(manifest) => Err(self.exists(&manifest_key(&self.key))),
            _ => Ok(()),
        }
    }

    /// Checks that the store responds; returns whether keys can be looked up, which credentials
    /// with write permission only cannot do.
    pub(super) async fn reach(&self) -> Result<bool, Error> {
        match self.connection.head(&self.key).await {
            Err(failed) if failed.failure.status().is_none() => Err(self.failed("look up", failed)),
            Err(failed) => Ok(!is_forbidden(&failed)),
            Ok(_) => Ok(true),
        }
    }

    async fn look_up(&self, key: &Path) -> Result<Option<ObjectMeta>, Error> {
        self.connection.head(key).await.map_err(|failed| {
            if is_forbidden(&failed) {
                return Error::CannotCheck {
                    url: self.url_of(key),
                    source: failed.failure,
                };
            }
            self.failed("look up", failed)
        })
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
        const HINT: &str = "the store may have completed it anyway; check it before retrying";
        self.error(COMPLETE, HINT, failed.failure)
    }
}

fn is_forbidden(failed: &Failed) -> bool {
    let status = failed.failure.status();
    status.is_some_and(|status| matches!(status.as_u16(), 401 | 403))
}
