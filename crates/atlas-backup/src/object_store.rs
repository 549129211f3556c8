//! A snapshot into an object store, without a copy on this machine.
//!
//! The stream from Atlas's store goes straight into a multipart upload and is verified on the way:
//! only a sound snapshot is completed under its key. After an interruption of the stream it goes on
//! with the same upload. A download that fails or is dropped aborts its upload; no later one resumes
//! it.

mod claim;
mod cleanup;
mod commit;
mod connect;
mod connection;
mod failure;
mod holder;
mod open;
mod settings;
mod streaming;
mod upload;
mod url;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use object_store::path::Path;
use tokio::time::{Instant, sleep};

use crate::backups::Backups;
use crate::error::Error;
use crate::job;
use crate::manifest::Manifest;
use crate::options::DownloadOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::retries::Retries;
use crate::saving::{self, Asking, OneFile, plain};
use crate::snapshot::{Pick, SnapshotView};

use claim::{Claim, Holding, Leasing, Taken};
use cleanup::Cleanup;
use connection::Connection;
use settings::Settings;
use streaming::Streaming;
use upload::Place;
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
    pub manifest: Manifest,
}

/// A key in an object store, and how the store is reached.
#[derive(Clone)]
pub struct StoreTarget {
    url: StoreUrl,
    connection: Connection,
    cleanup: Arc<Cleanup>,
    lease: Duration,
}

/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(60);
/// How often another's lease is looked at.
const LOOK: Duration = Duration::from_secs(5);

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
    /// no other variable has an effect, but for those of proxies and of certificate roots.
    /// `AWS_PROFILE` and the files in `~/.aws` are not read.
    ///
    /// Without credentials among them, the metadata service of this machine is asked for those of
    /// its role, such as that of an EC2 instance: directly, once, and for 2 s at most.
    ///
    /// `https` goes through the proxy of `HTTPS_PROXY` or `ALL_PROXY`, except to the hosts in
    /// `NO_PROXY`, as it does for [`atlas_transport::Client`]: an address that cannot be used is an
    /// error, never a direct connection. Plain `http`, which has to be allowed, never goes through a
    /// proxy; `HTTP_PROXY` is not read. `SSL_CERT_FILE` and `SSL_CERT_DIR` count as they do there.
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
            connection,
            cleanup: Arc::default(),
            lease: LEASE,
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

    /// The URLs of manifests whose object is being completed or replaced at this moment: a program
    /// that ends now may leave them without it. [`Backups::download_to_store`] takes them over.
    pub fn incomplete(&self) -> Vec<String> {
        self.cleanup.incomplete()
    }

    /// Sets how long a lease lasts that is not renewed; 60 s by default, and 1 s at least.
    ///
    /// A run that works on a key holds a lease: the object `<key>.part`, which it renews three times as
    /// often. It also tells which parts are uploaded. A run that was killed holds its lease for so
    /// long; then another takes it over and goes on with the upload.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.max(Duration::from_secs(1));
        self
    }

    fn leasing(
        &self,
        (project, cluster): (ProjectId, &ClusterName),
        snapshot: SnapshotId,
        retries: &Retries,
    ) -> Leasing {
        Leasing {
            connection: self.connection.with(retries.clone()),
            cleanup: self.cleanup.clone(),
            key: url::part_key(&self.url.key),
            url: self.url.of(&url::part_key(&self.url.key)),
            source: format!("{project}/{cluster}/{snapshot}/"),
            length: self.lease,
        }
    }

    /// Takes the lease of the key, as soon as nobody else has it.
    async fn wait_for_lease(
        &self,
        leasing: &Leasing,
        how: Storing<'_>,
    ) -> Result<Arc<Claim>, Error> {
        let since = Instant::now();
        loop {
            let left = match leasing.take().await? {
                Taken::Ours(claim) => return Ok(Arc::new(claim)),
                Taken::Held(left) => left,
            };
            let busy = Error::Busy {
                path: leasing.url.clone().into(),
            };
            let waited = since.elapsed();
            if how.retries.attempts() == 1 || waited >= how.options.patience {
                return Err(busy);
            }
            let wait = left
                .min(LOOK)
                .min(how.options.patience.saturating_sub(waited));
            how.progress.tell(Event::Retrying {
                reason: atlas_model::error_line(&busy),
                since: waited,
                wait,
            });
            sleep(wait).await;
            if !how.options.replace {
                // The other run may have stored it meanwhile.
                let place = self.place(&self.url.key, &how.retries.brief());
                place.refuse_taken().await?;
            }
        }
    }

    fn place(&self, key: &Path, retries: &Retries) -> Place {
        Place {
            connection: self.connection.with(retries.clone()),
            cleanup: self.cleanup.clone(),
            key: key.clone(),
            url: self.url.of(key),
        }
    }
}

/// How a snapshot is stored.
#[derive(Clone, Copy)]
struct Storing<'a> {
    target: &'a StoreTarget,
    options: &'a DownloadOptions,
    retries: &'a Retries,
    progress: Progress<'a>,
}

impl Backups {
    /// Downloads a snapshot straight into an object store. A sharded cluster gives one object for
    /// each shard.
    ///
    /// Without [`replace`](DownloadOptions::replace), nothing that exists is replaced, neither an
    /// object nor a manifest (`<key>.json`), but for a manifest without its object that an interrupted
    /// upload of the same snapshot left. The manifest is created on condition that there is none, and
    /// S3 completes an object on the same condition. Google Cloud Storage and Azure are
    /// asked before the download and again before completion; a program that writes the same key in
    /// between, without writing a manifest, loses its object.
    ///
    /// Up to 128 MiB of parts are held in memory, or one part: an object that is longer than 1.2 TiB,
    /// or of unknown length and longer than 70 GiB, has parts that are larger.
    ///
    /// If it fails or is dropped, the upload is aborted: see [`StoreTarget::settle`].
    ///
    /// A transient failure of either store is retried as [`DownloadOptions`] says.
    /// Before the download, and for the abort of an upload, there are the attempts of the client's
    /// policy, and no patience beyond them.
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
        progress: impl FnMut(Event) + Send,
    ) -> Result<Vec<Stored>, Error> {
        let progress = &Reporter::new(progress);
        let (retries, outages) = Retries::watched(self.client(), options.patience);
        let how = Storing {
            target,
            options,
            retries: &retries,
            progress,
        };
        let storing = self.store(project, cluster, pick, how);
        outages.tell(progress, Box::pin(storing)).await
    }

    async fn store(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        how: Storing<'_>,
    ) -> Result<Vec<Stored>, Error> {
        let Storing {
            target,
            options,
            retries,
            ..
        } = how;
        // Nothing is lost yet: a store that cannot be reached is found soon, and before a restore job
        // is made.
        let brief = &retries.brief();
        let (mut leftover, mut is_readable) = (None, true);
        let first = target.place(&target.url.key, brief);
        if options.replace {
            is_readable = first.reach().await?;
        } else {
            let refused = first.refuse_taken().await;
            if matches!(refused, Err(Error::Exists { .. })) {
                let finished = self.finished(project, cluster, pick, how);
                return match finished.await? {
                    Some(stored) => Ok(vec![stored]),
                    None => refused.map(|_| Vec::new()),
                };
            }
            leftover = refused?;
        }
        let place = retries.run(|| self.place(project, cluster)).await?;
        let snapshot = retries.run(|| self.pick(project, cluster, pick)).await?;
        if let Some(leftover) = leftover {
            let of_this = |manifest: &Manifest| manifest.snapshot == snapshot.id;
            let place = target.place(&target.url.key, brief);
            place.refuse(&leftover, of_this)?;
        }
        let leasing = target.leasing((project, cluster), snapshot.id, brief);
        let claim = if is_readable {
            target.wait_for_lease(&leasing, how).await?
        } else {
            Arc::default()
        };
        let _holding = Holding(claim.clone());
        let stored = self.store_shards(&place, &snapshot, how, &claim).await;
        claim.release().await;
        stored
    }

    /// The object that a run completed before it was killed, if it is of the same snapshot: its lease
    /// is still there.
    async fn finished(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        how: Storing<'_>,
    ) -> Result<Option<Stored>, Error> {
        let (target, brief) = (how.target, how.retries.brief());
        let object = target.place(&target.url.key, &brief);
        let Some(manifest) = object.complete_manifest().await? else {
            return Ok(None);
        };
        if manifest.project != project || manifest.cluster != *cluster {
            return Ok(None);
        }
        let leasing = target.leasing((project, cluster), manifest.snapshot, &brief);
        let is_picked = async || {
            let picked = self.pick(project, cluster, pick).await?;
            Ok::<_, Error>(picked.id == manifest.snapshot)
        };
        if !leasing.clear().await? || !is_picked().await? {
            return Ok(None);
        }
        Ok(Some(Stored {
            url: target.url.of(&target.url.key),
            key: target.url.key.to_string(),
            manifest,
        }))
    }

    async fn store_shards(
        &self,
        place: &job::Place<'_>,
        snapshot: &SnapshotView,
        how: Storing<'_>,
        claim: &Arc<Claim>,
    ) -> Result<Vec<Stored>, Error> {
        let Storing {
            target,
            options,
            retries,
            progress,
        } = how;
        let brief = &retries.brief();
        let asking = Asking::new(self.client(), place, snapshot, &options.wait, progress);
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
            for (shard, key) in &shards {
                let place = target.place(key, brief);
                if let Some(leftover) = place.refuse_taken().await? {
                    let of_this = |manifest: &Manifest| {
                        manifest.snapshot == snapshot.id && manifest.shard == *shard
                    };
                    place.refuse(&leftover, of_this)?;
                }
            }
        }
        let mut stored: Vec<Stored> = Vec::new();
        for (index, (link, (shard, key))) in job.links.iter().zip(shards).enumerate() {
            let streaming = Streaming {
                backups: self,
                place: target.place(&key, retries),
                retries,
                options,
                claim,
                stored: &stored,
                progress,
            };
            let file = OneFile::new(place, snapshot, shard, &job);
            let links = asking.links(index);
            let manifest = streaming.run(link.url.clone(), links, &file);
            let manifest = manifest.await?;
            stored.push(Stored {
                url: target.url.of(&key),
                key: key.to_string(),
                manifest,
            });
        }
        Ok(stored)
    }
}
