//! One object: from a link through the check into an upload that is completed only if it is sound.

use std::sync::{Arc, Mutex};

use atlas_model::SnapshotUrl;
use bytes::Bytes;

use super::Stored;
use super::commit::Commit;
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

/// How much of parts is in memory, unless one part alone is larger.
const MEMORY: u32 = 128 << 20;

/// One object that is being written.
pub(super) struct Streaming<'a> {
    pub(super) backups: &'a Backups,
    pub(super) place: Place,
    /// The objects of other shards.
    pub(super) stored: &'a [Stored],
    pub(super) progress: Progress<'a>,
    /// When a request that failed is sent again.
    pub(super) retries: &'a Retries,
    pub(super) options: &'a DownloadOptions,
}

impl Streaming<'_> {
    /// Streams a file into the store; completes the object only if it is sound.
    pub(super) async fn run(
        &self,
        link: SnapshotUrl,
        links: impl Links,
        file: &OneFile<'_>,
    ) -> Result<Manifest, Error> {
        let object = Arc::new(Object {
            place: self.place.clone(),
            upload: Mutex::default(),
        });
        let _dropped = AtOnce(object.clone());
        let mut job = DownloadJob {
            client: &self.backups.file_client(self.options.connections),
            connections: self.options.connections,
            retries: self.retries,
            links,
            progress: self.progress,
        };
        let mut window = Window::new(object.clone(), self.place.url.clone(), self.progress);
        let run = job.run(link, &mut window).await;
        // Whatever still holds a part has ended before the upload does.
        drop(window);
        let upload = lock(&object.upload).take();
        let (found, upload) = match (run, upload) {
            (Ok(found), Some(upload)) => (found, upload),
            (Ok(_), None) => return Err(self.place.lost()),
            (Err(error), None) => return Err(error),
            (Err(error), Some(upload)) => return Err(upload.abort(error).await),
        };
        let manifest = file.manifest(found.bytes, found.sha256);
        let others = self.stored.iter().map(|stored| &stored.manifest);
        if let Err(error) = manifest.check_distinct(others) {
            return Err(upload.abort(error).await);
        }
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        text.push(b'\n');
        let commit = Commit {
            manifest: text.into(),
            bytes: found.bytes,
            replace: self.options.replace,
        };
        upload.commit(|uploaded| uploaded.commit(commit)).await?;
        Ok(manifest)
    }
}

/// An object as the output of a download.
struct Object {
    place: Place,
    upload: Mutex<Option<Upload>>,
}

/// Drops an upload with the future that makes it, so that [`StoreTarget::settle`] knows of it then,
/// whatever else still holds the object.
///
/// [`StoreTarget::settle`]: super::StoreTarget::settle
struct AtOnce(Arc<Object>);

impl Drop for AtOnce {
    fn drop(&mut self) {
        drop(lock(&self.0.upload).take());
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
        Ok(None)
    }

    async fn begin(&self, _: Option<&Head>, length: Option<u64>) -> Result<(), Error> {
        let begun = lock(&self.upload).take();
        if let Some(begun) = begun {
            begun.give_up().await?;
        }
        let upload = Upload::start(self.place.clone(), length).await?;
        *lock(&self.upload) = Some(upload);
        Ok(())
    }

    fn put(&self, part: Part) -> Result<(), Error> {
        match &mut *lock(&self.upload) {
            Some(upload) => upload.put(part, || ()),
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
