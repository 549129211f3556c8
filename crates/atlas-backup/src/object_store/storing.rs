//! Storing a snapshot as objects: check the keys, take the lease, stream each shard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId};
use tokio::time::{Instant, sleep};

use super::claim::{Claim, Holding};
use super::lease::{Leasing, Taken};
use super::streaming::Streaming;
use super::turn::Turn;
use super::{StoreTarget, Stored, url};
use crate::backups::Backups;
use crate::error::Error;
use crate::job;
use crate::job_view::JobView;
use crate::manifest::Manifest;
use crate::options::DownloadOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::retries::Retries;
use crate::saving::{self, Asking, OneFile, plain};
use crate::snapshot::{Pick, SnapshotView};

/// How often another run's lease is checked.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// How a snapshot is stored.
#[derive(Clone, Copy)]
pub(super) struct Storing<'a> {
    pub(super) target: &'a StoreTarget,
    pub(super) options: &'a DownloadOptions,
    pub(super) retries: &'a Retries,
    pub(super) progress: Progress<'a>,
}

impl Backups {
    /// Downloads a snapshot directly to an object store. A sharded cluster produces one object for
    /// each shard.
    ///
    /// Without [`replace`](DownloadOptions::replace), no existing object or manifest (`<key>.json`)
    /// is replaced, except a manifest without its object that an interrupted upload of the same
    /// snapshot left. The manifest is created only if there is none, and S3 completes an object on
    /// the same condition. In Google Cloud Storage and Azure the key is checked before the download
    /// and again before completion; a program that writes the same key in between, without a
    /// manifest, loses its object.
    ///
    /// At most 128 MiB of parts are held in memory, or one part: an object that is longer than 1.2
    /// TiB, or of unknown length and longer than 70 GiB, has larger parts.
    ///
    /// If the call fails or is dropped, the upload is aborted: see [`StoreTarget::settle`].
    ///
    /// Transient failures of either store are retried as described for [`DownloadOptions`]. Before
    /// the download, and for the abort of an upload, only the attempts of the client's policy are
    /// made, without patience.
    ///
    /// # Errors
    /// Any [`Error`]. There is no new object under the key then, unless the error states that this
    /// is unknown. Objects of earlier shards stay.
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
        let (retries, told) = Retries::watched(self.client(), options.patience);
        let how = Storing {
            target,
            options,
            retries: &retries,
            progress,
        };
        let storing = self.store(project, cluster, pick, how);
        told.tell(progress, Box::pin(storing)).await
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
        // Nothing is lost yet: an unreachable store is detected early, before a restore job is
        // created.
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
        let picked = retries.run(|| self.picked(&place, pick)).await?;
        let snapshot = picked.snapshot;
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
        let stored = self
            .store_shards(&place, &snapshot, picked.job, how, &claim)
            .await;
        claim.release().await;
        stored
    }

    /// The object that a killed run completed, if it is of the same snapshot: its lease still
    /// exists.
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

    /// Stores the files of a snapshot under a key whose lease this run holds.
    pub(super) async fn store_shards(
        &self,
        place: &job::Place<'_>,
        snapshot: &SnapshotView,
        existing_job: Option<JobView>,
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
        let asking = Asking::new(
            self.client(),
            place,
            snapshot,
            &options.wait,
            retries,
            progress,
        )
        .existing(existing_job);
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
        let mut there = BTreeMap::new();
        if !options.replace && shards.iter().any(|(shard, _)| shard.is_some()) {
            for (index, (shard, key)) in shards.iter().enumerate() {
                let object = target.place(key, brief);
                let file = OneFile::new(place, snapshot, shard.clone(), &job);
                // An interrupted run has stored it.
                if let Some(manifest) = object.complete_manifest().await?
                    && file.is_described_by(&manifest)
                {
                    there.insert(index, manifest);
                } else if let Some(leftover) = object.refuse_taken().await? {
                    object.refuse(&leftover, |manifest| file.is_of(manifest))?;
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
            let manifest = match there.remove(&index) {
                Some(manifest) => manifest,
                None => streaming.run(link.url.clone(), links, &file).await?,
            };
            stored.push(Stored {
                url: target.url.of(&key),
                key: key.to_string(),
                manifest,
            });
        }
        Ok(stored)
    }
}

impl StoreTarget {
    /// Takes the lease of the key as soon as it is free.
    async fn wait_for_lease(
        &self,
        leasing: &Leasing,
        how: Storing<'_>,
    ) -> Result<Arc<Claim>, Error> {
        let since = Instant::now();
        let mut turn = Turn::default();
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
            turn.tell(&leasing.url, how.progress);
            sleep(wait).await;
            if !how.options.replace {
                // The other run may have stored it meanwhile.
                let place = self.place(&self.url.key, &how.retries.brief());
                place.refuse_taken().await?;
            }
        }
    }
}
