//! One object: from a link through the check to an upload that is completed only if the file is
//! sound.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use atlas_model::SnapshotUrl;
use bytes::Bytes;
use http::StatusCode;

use super::Stored;
use super::claim::Claim;
use super::commit::Commit;
use super::record::Begun;
use super::upload::{Place, Upload, lock, part_size};
use crate::backups::Backups;
use crate::error::Error;
use crate::fetch::{DownloadJob, Links, Output, Part, Window};
use crate::journal::Head;
use crate::manifest::Manifest;
use crate::one_file::OneFile;
use crate::options::DownloadOptions;
use crate::progress::Progress;
use crate::retries::Retries;

/// The memory for parts, unless one part is larger.
const MEMORY: u32 = 128 << 20;

/// One object that is being written.
pub(super) struct Streaming<'a> {
    pub(super) backups: &'a Backups,
    pub(super) place: Place,
    /// The objects of other shards.
    pub(super) stored: &'a [Stored],
    pub(super) progress: Progress<'a>,
    /// The limits for retries.
    pub(super) retries: &'a Retries,
    pub(super) options: &'a DownloadOptions,
    pub(super) claim: &'a Arc<Claim>,
}

impl Streaming<'_> {
    /// Streams a file to the store; completes the object only if it is sound.
    pub(super) async fn run(
        &self,
        link: SnapshotUrl,
        mut links: impl Links,
        file: &OneFile<'_>,
    ) -> Result<Manifest, Error> {
        let manifest = self.attempt(link.clone(), &mut links, file).await;
        match manifest {
            // The upload of the killed run no longer exists in the store.
            Err(Stopped::Forgotten) => self.attempt(link, &mut links, file).await,
            manifest => manifest,
        }
        .map_err(|stopped| match stopped {
            Stopped::Failed(error) => error,
            Stopped::Forgotten => self.place.lost(),
        })
    }

    async fn attempt(
        &self,
        link: SnapshotUrl,
        links: &mut impl Links,
        file: &OneFile<'_>,
    ) -> Result<Manifest, Stopped> {
        let key = &self.place.key;
        let object = Arc::new(Object {
            place: self.place.clone(),
            claim: self.claim.clone(),
            upload: Mutex::default(),
            origin: Mutex::new(Origin::Unknown),
        });
        let _dropped = AtOnce(object.clone());
        let connections = self.options.connections;
        let mut job = DownloadJob::new(
            self.backups,
            connections,
            self.retries,
            links,
            self.progress,
        );
        let mut window = Window::new(object.clone(), self.place.url.clone(), self.progress);
        let run = job.run(link, &mut window).await;
        drop(window);
        let upload = lock(&object.upload).take();
        let (found, upload) = match (run, upload) {
            (Ok(found), Some(upload)) => (found, upload),
            (Ok(_), None) => return Err(self.place.lost().into()),
            (Err(error), None) => return Err(error.into()),
            (Err(error), Some(upload)) => {
                let is_resumed = *lock(&object.origin) == Origin::Resumed;
                let is_forgotten = is_resumed && is_gone(&error);
                let error = self.abort(upload, error).await;
                return Err(if is_forgotten {
                    Stopped::Forgotten
                } else {
                    Stopped::Failed(error)
                });
            }
        };
        let manifest = file.manifest(found.bytes, found.sha256);
        let others = self.stored.iter().map(|stored| &stored.manifest);
        let may_complete = match manifest.check_distinct(others) {
            Ok(()) => self.claim.completing(key).await,
            unlike => unlike,
        };
        if let Err(error) = may_complete {
            return Err(self.abort(upload, error).await.into());
        }
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        text.push(b'\n');
        let commit = Commit {
            manifest: text.into(),
            bytes: found.bytes,
            replace: self.options.replace,
        };
        upload.commit(|uploaded| uploaded.commit(commit)).await?;
        self.claim.ended(key);
        Ok(manifest)
    }

    async fn abort(&self, upload: Upload, error: Error) -> Error {
        if let Err(lost) = self.claim.confirm().await {
            // Another run resumes it.
            upload.leave();
            return lost;
        }
        let error = upload.abort(error).await;
        self.claim.ended(&self.place.key);
        error
    }
}

/// Why an attempt ended.
enum Stopped {
    /// The resumed upload no longer exists.
    Forgotten,
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Whether a store reports that an upload does not exist.
fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Store { source, .. } if source.status() == Some(StatusCode::NOT_FOUND))
}

/// An object as the output of a download.
struct Object {
    place: Place,
    claim: Arc<Claim>,
    upload: Mutex<Option<Upload>>,
    origin: Mutex<Origin>,
}

/// The origin of an upload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Not checked yet.
    Unknown,
    /// An earlier run started it, and it is about to be resumed.
    Found,
    /// It was resumed.
    Resumed,
    /// This run started it.
    Own,
}

/// Drops an upload with its future, so that [`StoreTarget::settle`] includes it even if the object
/// is still referenced elsewhere.
///
/// [`StoreTarget::settle`]: super::StoreTarget::settle
struct AtOnce(Arc<Object>);

impl Drop for AtOnce {
    fn drop(&mut self) {
        let upload = lock(&self.0.upload).take();
        // Otherwise another run may resume it.
        if let (Some(upload), Err(_)) = (upload, self.0.claim.check()) {
            upload.leave();
        }
    }
}

impl Output for Object {
    fn part_size(&self, length: Option<u64>, index: usize) -> u64 {
        part_size(length, index)
    }

    fn memory(&self) -> u32 {
        MEMORY
    }

    async fn resume(&self) -> Result<Option<Head>, Error> {
        if std::mem::replace(&mut *lock(&self.origin), Origin::Own) != Origin::Unknown {
            return Ok(None);
        }
        let Some(begun) = self.claim.begun(&self.place.key) else {
            return Ok(None);
        };
        let is_usable = |head: &&Head| {
            head.is_resumable()
                && begun.part == part_size(Some(head.length), 0)
                && begun.has_only_parts_of(head)
        };
        // Otherwise it is aborted when another one starts.
        let head = begun.head.as_ref().filter(is_usable).cloned();
        let upload = Upload::resume(self.place.clone(), begun.id, begun.parts);
        *lock(&self.upload) = Some(upload);
        if head.is_some() {
            *lock(&self.origin) = Origin::Found;
        }
        Ok(head)
    }

    async fn begin(&self, head: Option<&Head>, length: Option<u64>) -> Result<(), Error> {
        {
            let mut origin = lock(&self.origin);
            if *origin == Origin::Found {
                *origin = Origin::Resumed;
                return Ok(());
            }
            *origin = Origin::Own;
        }
        let begun = lock(&self.upload).take();
        if let Some(begun) = begun {
            self.claim.confirm().await?;
            begun.give_up().await?;
            self.claim.ended(&self.place.key);
        }
        let upload = Upload::start(self.place.clone(), length).await?;
        let begun = upload.id().map(|id| Begun {
            id: id.clone(),
            head: head.cloned(),
            part: part_size(length, 0),
            parts: BTreeMap::new(),
        });
        // From here on it is aborted when the object is dropped.
        *lock(&self.upload) = Some(upload);
        match begun {
            Some(begun) => self.claim.began(&self.place.key, begun).await,
            None => Ok(()),
        }
    }

    fn put(&self, part: Part) -> Result<(), Error> {
        self.claim.check()?;
        match &mut *lock(&self.upload) {
            Some(upload) => upload.put(part, self.claim.notes(&self.place.key)),
            None => Err(self.place.lost()),
        }
    }

    async fn next(&self, _: &Bytes) -> Result<(), Error> {
        Ok(())
    }

    fn can_restart(&self) -> bool {
        true
    }

    async fn settle(&self) -> Result<(), Error> {
        let Some(mut upload) = lock(&self.upload).take() else {
            return Err(self.place.lost());
        };
        let finished = upload.finish().await;
        *lock(&self.upload) = Some(upload);
        finished
    }
}
