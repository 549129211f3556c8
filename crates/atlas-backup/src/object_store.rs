//! A snapshot into an object store, without a copy on this machine.
//!
//! The stream from Atlas's store goes straight into a multipart upload, and is looked at on the way:
//! only a sound snapshot is completed under its key. After an interruption the stream goes on where
//! it was, with the same upload; a process that ends gives the upload up.

use std::io::{self, Read};
use std::sync::Arc;

use atlas_model::{ClusterName, ProjectId, SnapshotUrl};
use atlas_transport::{ByteRange, Download};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::sync::mpsc;
use url::Url;

use crate::backups::{Backups, DownloadOptions};
use crate::checksums::Checksums;
use crate::error::Error;
use crate::fetch::{Links, PATIENCE, may_pass, pause};
use crate::job::Place;
use crate::note::Note;
use crate::progress::{Event, Progress};
use crate::saving::{self, Asking, OneFile, plain};
use crate::snapshot::Pick;
use crate::verify::{Found, inspect_reader};

/// A snapshot that is complete and sound in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// What it is; the same stands in the object `<key>.json` beside it.
    pub note: Note,
}

/// A key in an object store.
#[derive(Debug, Clone)]
pub struct StoreTarget {
    store: Arc<dyn ObjectStore>,
    key: Path,
}

impl StoreTarget {
    /// Whether an output is meant for an object store: `s3://…`, `gs://…`, `az://…` and their kin.
    pub fn is_meant(out: &str) -> bool {
        out.contains("://")
    }

    /// `s3://bucket/key`, `gs://bucket/key` or `az://container/key`, with the credentials and the
    /// endpoint of the environment, under the names that the store's own tools use
    /// (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `GOOGLE_SERVICE_ACCOUNT`,
    /// `AZURE_STORAGE_ACCOUNT_NAME` and so on).
    ///
    /// # Errors
    /// [`Error::Usage`] if it is no such URL, or a setting makes no sense.
    pub fn from_env(out: &str) -> Result<Self, Error> {
        Self::new(out, std::env::vars().collect())
    }

    /// The same with settings of one's own, by the same names in any case; others are passed over.
    ///
    /// # Errors
    /// As [`from_env`](StoreTarget::from_env).
    pub fn new(out: &str, settings: Vec<(String, String)>) -> Result<Self, Error> {
        let unusable = |why: String| Error::Usage {
            what: format!("{out} cannot be written to: {why}; one is s3://bucket/key"),
        };
        let url = Url::parse(out).map_err(|error| unusable(error.to_string()))?;
        let settings = settings
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let opened = object_store::parse_url_opts(&url, settings);
        let (store, key) = opened.map_err(|error| unusable(error.to_string()))?;
        if key.as_ref().is_empty() || url.scheme() == "file" || url.scheme() == "memory" {
            return Err(unusable("it names no key of a store".to_owned()));
        }
        Ok(Self {
            store: store.into(),
            key,
        })
    }
}

/// How much is handed to the upload at a time.
const PART: usize = 8 << 20;
/// How many parts of the upload are under way at once.
const UPLOADS: usize = 2;
/// How many pieces may wait to be looked at.
const WAITING: usize = 16;

impl Backups {
    /// Downloads a snapshot straight into an object store. A sharded cluster gives one object for
    /// each shard.
    ///
    /// # Errors
    /// Any [`Error`]; no object is there under its key then.
    pub async fn download_to_store(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        target: &StoreTarget,
        options: &DownloadOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<Stored>, Error> {
        let StoreTarget { store, key } = target;
        refuse_taken(&**store, key, options.replace).await?;
        let place = Place {
            kind: self.kind(project, cluster).await?,
            project,
            cluster,
        };
        let snapshot = self.pick(project, cluster, pick).await?;
        let asking = Asking::new(self.client(), &place, snapshot.id, &options.wait, progress);
        let job = asking.ready().await?;
        let mut stored = Vec::new();
        for (index, link) in job.links.iter().enumerate() {
            let shard = link.shard.as_deref().map(|shard| plain(shard, index));
            let key = match &shard {
                Some(shard) => of_shard(key, shard),
                None => key.clone(),
            };
            refuse_taken(&**store, &key, options.replace).await?;
            let found = Streaming {
                backups: self,
                store: store.clone(),
                key: &key,
                progress,
            }
            .run(link.url.clone(), asking.links(index))
            .await?;
            let files = u16::try_from(job.links.len()).unwrap_or(u16::MAX);
            let file = OneFile::new(&place, &snapshot, shard, files);
            let note = file.note(found.bytes, found.sha256);
            let text = serde_json::to_vec_pretty(&note).unwrap_or_default();
            let beside = Path::from(format!("{key}.json"));
            let put = store.put(&beside, PutPayload::from(text)).await;
            put.map_err(|error| failed(&key, error))?;
            stored.push(Stored {
                key: key.to_string(),
                note,
            });
        }
        Ok(stored)
    }
}

async fn refuse_taken(store: &dyn ObjectStore, key: &Path, replace: bool) -> Result<(), Error> {
    if replace {
        return Ok(());
    }
    match store.head(key).await {
        Ok(_) => Err(Error::Exists {
            path: key.as_ref().into(),
        }),
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(failed(key, error)),
    }
}

fn failed(key: &Path, error: object_store::Error) -> Error {
    Error::Store {
        key: key.to_string(),
        source: Box::new(error),
    }
}

/// The key of one shard: its name before the ending.
fn of_shard(key: &Path, shard: &str) -> Path {
    let local = saving::of_shard(std::path::Path::new(key.as_ref()), shard);
    Path::from(local.to_string_lossy().replace('\\', "/"))
}

/// One object that is being written.
struct Streaming<'a> {
    backups: &'a Backups,
    store: Arc<dyn ObjectStore>,
    key: &'a Path,
    progress: Progress<'a>,
}

impl Streaming<'_> {
    /// Streams a file into the store; completes the object only if it is sound.
    async fn run(&self, link: SnapshotUrl, links: impl Links) -> Result<Found, Error> {
        let upload = self.store.put_multipart(self.key).await;
        let upload = upload.map_err(|error| failed(self.key, error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let ended = self.copy(link, links, &mut upload).await;
        match ended {
            Ok(found) => {
                let finished = upload.finish().await;
                finished.map_err(|error| failed(self.key, error))?;
                Ok(found)
            }
            Err(error) => {
                if let Err(problem) = upload.abort().await {
                    tracing::warn!(error = %problem, "the upload could not be given up");
                }
                Err(error)
            }
        }
    }

    async fn copy(
        &self,
        mut link: SnapshotUrl,
        mut links: impl Links,
        upload: &mut WriteMultipart,
    ) -> Result<Found, Error> {
        let client = self.backups.client();
        let first = client.download(&link).await?;
        let announced = first.length();
        let checksums = Checksums::announced(&first);
        let etag = first
            .etag()
            .filter(|tag| tag.starts_with('"'))
            .map(str::to_owned);
        (self.progress)(Event::Started {
            length: announced,
            resumed: 0,
        });
        let (sender, pieces) = mpsc::channel(WAITING);
        let looking =
            tokio::task::spawn_blocking(move || inspect_reader(Pieces::new(pieces), &checksums));
        let (mut received, mut failures) = (0, 0);
        let mut opened = Some(first);
        loop {
            let before = received;
            let error = match opened.take() {
                Some(download) => match self.pour(download, upload, &sender, &mut received).await {
                    Ok(()) if announced.is_none_or(|length| length == received) => break,
                    Ok(()) => Error::Length {
                        received,
                        expected: announced.unwrap_or(received),
                    },
                    Err(error) => error,
                },
                // Only a strong tag tells that what follows is of the same file.
                None => match self.open_at(&link, received, etag.as_deref()).await {
                    Ok(download) => {
                        opened = Some(download);
                        continue;
                    }
                    Err(error) => error,
                },
            };
            failures = if received > before { 1 } else { failures + 1 };
            if failures >= PATIENCE {
                return Err(error);
            }
            if error.link_expired() {
                link = links.fresh().await?;
                (self.progress)(Event::LinkRenewed);
            } else if may_pass(&error) && etag.is_some() {
                tracing::info!(failures, %error, "the stream broke; it goes on");
                pause(failures).await;
            } else {
                return Err(error);
            }
        }
        drop(sender);
        (self.progress)(Event::Verifying);
        let looked = looking.await.map_err(io::Error::from);
        looked.map_err(|error| {
            Error::file(
                std::path::Path::new(self.key.as_ref()),
                "cannot be looked at",
                error,
            )
        })?
    }

    /// Opens the rest of the file.
    async fn open_at(
        &self,
        link: &SnapshotUrl,
        first: u64,
        etag: Option<&str>,
    ) -> Result<Download, Error> {
        let range = ByteRange {
            first,
            last: None,
            if_range: etag.map(str::to_owned),
        };
        let download = self.backups.client().download_part(link, &range).await?;
        if download.part().is_none() || download.etag().is_some_and(|tag| Some(tag) != etag) {
            return Err(Error::Changed);
        }
        Ok(download)
    }

    /// Hands what comes to the upload and to whoever looks at it.
    async fn pour(
        &self,
        mut download: Download,
        upload: &mut WriteMultipart,
        looked_at: &mpsc::Sender<Bytes>,
        received: &mut u64,
    ) -> Result<(), Error> {
        while let Some(chunk) = download.chunk().await? {
            let capacity = upload.wait_for_capacity(UPLOADS).await;
            capacity.map_err(|error| failed(self.key, error))?;
            let bytes = chunk.len() as u64;
            // One who has seen enough has gone; what it found is told in the end.
            let _ = looked_at.send(chunk.clone()).await;
            upload.put(chunk);
            *received += bytes;
            (self.progress)(Event::Received { bytes });
        }
        Ok(())
    }
}

/// What comes through a channel, as a reader.
struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    left: Bytes,
}

impl Pieces {
    fn new(receiver: mpsc::Receiver<Bytes>) -> Self {
        Self {
            receiver,
            left: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.left = piece,
                None => return Ok(0),
            }
        }
        let length = self.left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.left.split_to(length));
        Ok(length)
    }
}
