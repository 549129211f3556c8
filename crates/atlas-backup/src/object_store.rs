//! A snapshot into an object store, without a copy on this machine.
//!
//! The stream from Atlas's store goes straight into a multipart upload and is verified on the way:
//! only a sound snapshot is completed under its key. After an interruption of the stream it goes on
//! with the same upload. A download that fails or is dropped aborts its upload; no later one resumes
//! it.

mod cleanup;
mod commit;
mod connect;
mod connection;
mod failure;
mod settings;
mod upload;
mod url;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read};
use std::sync::Arc;

use atlas_model::{ClusterName, ProjectId, SnapshotUrl};
use atlas_transport::{ByteRange, Download};
use bytes::Bytes;
use object_store::path::Path;
use tokio::sync::mpsc;

use crate::backups::{Backups, DownloadOptions};
use crate::checksums::Checksums;
use crate::error::Error;
use crate::fetch::{Links, PATIENCE, may_pass, pause};
use crate::job;
use crate::note::Note;
use crate::progress::{Event, Progress};
use crate::saving::{self, Asking, OneFile, plain};
use crate::snapshot::Pick;
use crate::verify::{Found, inspect_reader};

use cleanup::Cleanup;
use commit::Commit;
use connection::Connection;
use settings::Settings;
use upload::{Place, Upload};
use url::StoreUrl;

pub use cleanup::Settled;
pub use failure::StoreFailure;

/// A snapshot that is complete and sound in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its whole URL.
    pub url: String,
    /// What it is; the same stands in the object `<key>.json` beside it.
    pub note: Note,
}

/// A key in an object store, and how the store is reached.
#[derive(Clone)]
pub struct StoreTarget {
    url: StoreUrl,
    connection: Arc<Connection>,
    cleanup: Arc<Cleanup>,
}

impl std::fmt::Debug for StoreTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.of(&self.url.key);
        f.debug_struct("StoreTarget")
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

impl StoreTarget {
    /// Whether an output is meant for an object store: `s3://…`, `gs://…`, `az://…`, or a scheme
    /// that is not supported.
    pub fn is_meant(out: &str) -> bool {
        url::is_meant(out)
    }

    /// `s3://bucket/key`, `gs://bucket/key`, `az://container/key` or
    /// `abfss://container@account.host/key`, with the credentials and the endpoint of the
    /// environment. The key is taken literally; nothing in it is decoded.
    ///
    /// S3 is configured by `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL` and other `AWS_` variables, Google Cloud Storage by
    /// `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SERVICE_ACCOUNT` and other `GOOGLE_` variables,
    /// Azure by `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`,
    /// `AZURE_STORAGE_SAS_TOKEN` and other `AZURE_` variables. No store reads those of another, and
    /// no other variable has an effect, but for those of HTTP proxies. `AWS_PROFILE` and the files
    /// in `~/.aws` are not read.
    ///
    /// # Errors
    /// [`Error::Usage`] if the URL is invalid or a variable cannot be used; it names the variable
    /// and does not show its value.
    pub fn from_env(out: &str) -> Result<Self, Error> {
        Self::open(out, std::env::vars_os(), |given, name| given == name)
    }

    /// The same with settings of the caller's, by the same names in any case; others are ignored.
    ///
    /// # Errors
    /// As [`from_env`](StoreTarget::from_env).
    pub fn new(out: &str, settings: Vec<(String, String)>) -> Result<Self, Error> {
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        Self::open(out, settings, str::eq_ignore_ascii_case)
    }

    fn open(
        out: &str,
        given: impl IntoIterator<Item = (OsString, OsString)>,
        is_named: impl Fn(&str, &str) -> bool,
    ) -> Result<Self, Error> {
        let url = StoreUrl::parse(out)?;
        let settings = Settings::new(url.kind, given, is_named)?;
        let connection = Connection::new(&url, &settings)?;
        Ok(Self {
            url,
            connection: Arc::new(connection),
            cleanup: Arc::default(),
        })
    }

    /// Waits until the uploads of downloads that were dropped are aborted.
    ///
    /// A download to a store aborts its upload also when its future is dropped, but in the
    /// background. A program that ends then calls this first, or the upload may stay open. An object
    /// that was just being completed is completed.
    pub async fn settle(&self) -> Settled {
        self.cleanup.settle().await
    }

    fn place(&self, key: &Path) -> Place {
        Place {
            connection: self.connection.clone(),
            cleanup: self.cleanup.clone(),
            key: key.clone(),
            url: self.url.of(key),
        }
    }
}

/// How many pieces may wait to be verified.
const WAITING: usize = 16;

impl Backups {
    /// Downloads a snapshot straight into an object store. A sharded cluster gives one object for
    /// each shard.
    ///
    /// Without [`replace`](DownloadOptions::replace), nothing that exists is replaced, neither an
    /// object nor a manifest (`<key>.json`). The manifest is created on condition that there is
    /// none, and S3 completes an object on the same condition. Google Cloud Storage and Azure are
    /// asked before the download and again before completion; a program that writes the same key in
    /// between, without writing a manifest, loses its object.
    ///
    /// Up to 128 MiB of parts are held in memory, or one part: an object that is longer than 1.2 TiB,
    /// or of unknown length and longer than 70 GiB, has parts that are larger.
    ///
    /// If it fails or is dropped, the upload is aborted: see [`StoreTarget::settle`].
    ///
    /// # Errors
    /// Any [`Error`]; no new object is there under its key then, unless the error says that this is
    /// unknown. Objects of earlier shards stay.
    pub async fn download_to_store(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        target: &StoreTarget,
        options: &DownloadOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<Stored>, Error> {
        if !options.replace {
            target.place(&target.url.key).refuse_taken().await?;
        }
        let place = job::Place {
            kind: self.kind(project, cluster).await?,
            project,
            cluster,
        };
        let snapshot = self.pick(project, cluster, pick).await?;
        let asking = Asking::new(self.client(), &place, snapshot.id, &options.wait, progress);
        let job = asking.ready().await?;
        let mut shards = Vec::new();
        for (index, link) in job.links.iter().enumerate() {
            let shard = link.shard.as_deref().map(|shard| plain(shard, index));
            let key = match &shard {
                Some(shard) => target.url.shard(|file| {
                    let file = saving::of_shard(std::path::Path::new(file), shard);
                    file.to_string_lossy().into_owned()
                })?,
                None => target.url.key.clone(),
            };
            shards.push((shard, key));
        }
        let keys: BTreeSet<_> = shards.iter().map(|(_, key)| key).collect();
        if keys.len() < shards.len() {
            return Err(url::usage(
                "the shards of the snapshot have the same names, so that their objects would \
                 replace each other; download to files"
                    .to_owned(),
            ));
        }
        if !options.replace && shards.iter().any(|(shard, _)| shard.is_some()) {
            for (_, key) in &shards {
                target.place(key).refuse_taken().await?;
            }
        }
        let files = u16::try_from(job.links.len()).unwrap_or(u16::MAX);
        let mut stored = Vec::new();
        for (index, (link, (shard, key))) in job.links.iter().zip(shards).enumerate() {
            let streaming = Streaming {
                backups: self,
                place: target.place(&key),
                progress,
            };
            let file = OneFile::new(&place, &snapshot, shard, files);
            let links = asking.links(index);
            let note = streaming.run(link.url.clone(), links, &file, options.replace);
            stored.push(Stored {
                url: target.url.of(&key),
                key: key.to_string(),
                note: note.await?,
            });
        }
        Ok(stored)
    }
}

/// One object that is being written.
struct Streaming<'a> {
    backups: &'a Backups,
    place: Place,
    progress: Progress<'a>,
}

impl Streaming<'_> {
    /// Streams a file into the store; completes the object only if it is sound.
    async fn run(
        &self,
        link: SnapshotUrl,
        links: impl Links,
        file: &OneFile<'_>,
        replace: bool,
    ) -> Result<Note, Error> {
        let first = self.backups.client().download(&link).await?;
        let mut upload = Upload::start(self.place.clone(), first.length()).await?;
        let found = match self.copy(first, link, links, &mut upload).await {
            Ok(found) => found,
            Err(error) => return Err(upload.abort(error).await),
        };
        let note = file.note(found.bytes, found.sha256);
        let mut text = serde_json::to_vec_pretty(&note).unwrap_or_default();
        text.push(b'\n');
        let commit = Commit {
            note: text.into(),
            bytes: found.bytes,
            replace,
        };
        upload.commit(|uploaded| uploaded.commit(commit)).await?;
        Ok(note)
    }

    async fn copy(
        &self,
        first: Download,
        mut link: SnapshotUrl,
        mut links: impl Links,
        upload: &mut Upload,
    ) -> Result<Found, Error> {
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
        let verifying =
            tokio::task::spawn_blocking(move || inspect_reader(Pieces::new(pieces), &checksums));
        let (mut received, mut failures) = (0, 0);
        let mut opened = Some(first);
        loop {
            let before = received;
            let error = match opened.take() {
                Some(download) => match self
                    .pour(download, announced, upload, &sender, &mut received)
                    .await
                {
                    Ok(()) if announced.is_none_or(|length| length == received) => break,
                    Ok(()) => Error::Length {
                        received,
                        expected: announced.unwrap_or(received),
                    },
                    Err(error) => error,
                },
                // Only a strong tag tells that what follows belongs to the same file.
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
        upload.finish().await?;
        (self.progress)(Event::Verifying);
        let verified = verifying.await.map_err(io::Error::from);
        verified.map_err(|error| {
            Error::file(
                std::path::Path::new(&self.place.url),
                "cannot be verified",
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

    /// Hands what comes to the upload and to the thread that verifies it.
    async fn pour(
        &self,
        mut download: Download,
        announced: Option<u64>,
        upload: &mut Upload,
        verified: &mpsc::Sender<Bytes>,
        received: &mut u64,
    ) -> Result<(), Error> {
        while let Some(chunk) = download.chunk().await? {
            let bytes = chunk.len() as u64;
            if let Some(expected) = announced.filter(|length| *received + bytes > *length) {
                return Err(Error::Length {
                    received: *received + bytes,
                    expected,
                });
            }
            // A thread that has found a fault has ended; the fault is reported in the end.
            let _ = verified.send(chunk.clone()).await;
            upload.write(chunk).await?;
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
