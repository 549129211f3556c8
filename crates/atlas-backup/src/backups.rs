//! The entry point of the crate: from a cluster to a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId, RestoreJobId, SnapshotId};
use atlas_transport::Client;
use atlas_transport::retry::RetryPolicy;
use tokio::sync::Semaphore;

use crate::error::{Accepted, Awaited, Error, no_snapshot, snapshot_failed};
use crate::job::{self, Place};
use crate::job_view::JobView;
use crate::kind::{self, ClusterKind, Known};
use crate::options::{DownloadOptions, WaitPolicy};
use crate::progress::{Event, Progress, Reporter};
use crate::retries::Retries;
use crate::saved::{self, Existing, Saved, check_output};
use crate::saving::How;
use crate::snapshot::{self, Pick, SnapshotView};
use crate::waiting::Wait;

/// The backups of the clusters that a client can access.
///
/// The kind of each cluster is requested once and cached.
#[derive(Debug)]
pub struct Backups {
    client: Client,
    clusters: Mutex<BTreeMap<(ProjectId, ClusterName), Known>>,
    /// One permit for each connection that downloads a file.
    connections: Arc<Semaphore>,
}

/// The default limit of connections for files.
const CONNECTIONS: usize = 128;

impl Backups {
    /// Creates a value that uses `client` for all requests.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            clusters: Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }

    /// Sets the maximum number of connections for files, over all concurrent downloads of this
    /// value; 128 by default, at least 1. Further connections wait.
    #[must_use]
    pub fn connection_limit(mut self, connections: usize) -> Self {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self.connections = Arc::new(Semaphore::new(connections));
        self
    }

    /// The permits for connections to stores. Each request for a file, or for a part of one, holds
    /// a permit from before it is sent until its body has ended or was dropped. No permit is held
    /// during the wait before another attempt.
    pub(crate) fn connections(&self) -> &Arc<Semaphore> {
        &self.connections
    }

    /// Returns the kind of a cluster, as Atlas reports it.
    ///
    /// # Errors
    /// [`Error::Call`], for instance if the cluster does not exist.
    pub async fn kind(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Result<ClusterKind, Error> {
        Ok(self.cluster(project, cluster).await?.kind)
    }

    /// Does the same as [`kind`](Backups::kind), and retries transient failures for at most
    /// `patience`, unless the client's policy has a single attempt.
    ///
    /// # Errors
    /// [`Error::Call`]
    pub async fn kind_with_retries(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        patience: Duration,
        progress: impl FnMut(Event) + Send,
    ) -> Result<ClusterKind, Error> {
        let (retries, told) = Retries::watched(&self.client, patience);
        let asking = retries.run(|| self.kind(project, cluster));
        told.tell(&Reporter::new(progress), Box::pin(asking)).await
    }

    async fn cluster(&self, project: ProjectId, cluster: &ClusterName) -> Result<Known, Error> {
        let key = (project, cluster.clone());
        if let Some(known) = self.known().get(&key) {
            return Ok(*known);
        }
        let known = kind::ask(&self.client, project, cluster).await?;
        tracing::debug!(%cluster, kind = %known.kind, "the cluster's kind is known");
        self.known().insert(key, known);
        Ok(known)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(ProjectId, ClusterName), Known>> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client for files. This crate retries failures itself.
    pub(crate) fn file_client(&self) -> Client {
        self.client.with_retry(RetryPolicy::none())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn place<'a>(
        &self,
        project: ProjectId,
        cluster: &'a ClusterName,
    ) -> Result<Place<'a>, Error> {
        let known = self.cluster(project, cluster).await?;
        Ok(Place {
            kind: known.kind,
            project,
            cluster,
            cluster_id: known.id,
        })
    }

    /// Lists the snapshots of a cluster.
    ///
    /// # Errors
    /// [`Error::Call`]
    pub async fn snapshots(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Result<Vec<SnapshotView>, Error> {
        let kind = self.kind(project, cluster).await?;
        let listing = snapshot::list(&self.client, kind, project, cluster).await?;
        Ok(listing.snapshots)
    }

    /// Returns a snapshot, complete or not.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::Call`]
    pub async fn snapshot(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        id: SnapshotId,
    ) -> Result<SnapshotView, Error> {
        let snapshots = self.snapshots(project, cluster).await?;
        let found = snapshots.into_iter().find(|snapshot| snapshot.id == id);
        found.ok_or_else(|| no_snapshot(cluster, id))
    }

    /// Waits until a snapshot is complete. Outages of Atlas are waited out and reported by
    /// [`Event::Retrying`]. Ends at the deadline of `policy`, or at most a second later: a call in
    /// progress is then dropped.
    ///
    /// # Errors
    /// [`Error::SnapshotFailed`] if it failed, [`Error::NoSnapshot`] if it does not exist,
    /// [`Error::Deadline`], [`Error::Call`]
    pub async fn watch_snapshot(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        id: SnapshotId,
        policy: &WaitPolicy,
        progress: impl FnMut(Event) + Send,
    ) -> Result<SnapshotView, Error> {
        let progress: Progress<'_> = &Reporter::new(progress);
        let retry = self.client.retry_policy();
        let mut wait = Wait::new(policy, retry, Awaited::Snapshot(id), progress);
        loop {
            let asked = wait.look(|| self.snapshot(project, cluster, id));
            let snapshot = asked.await?;
            if snapshot.completed {
                return Ok(snapshot);
            }
            if snapshot.is_failed() {
                return Err(snapshot_failed(cluster, id));
            }
            progress.tell(Event::Preparing {
                job: None,
                status: snapshot.status,
                restore: false,
            });
            wait.pause().await?;
        }
    }

    /// Requests a download of a snapshot, and returns without waiting for it. Writes to no cluster
    /// of any kind.
    ///
    /// A transient failure is waited out up to the deadline of `policy`, unless the client's own
    /// policy has a single attempt; [`Event::Retrying`] reports it. Read requests end at the
    /// deadline, or at most a second later. The download request itself is never dropped, since it
    /// may have been applied: if it is in progress at the deadline, it ends within the client's
    /// [`total_timeout`](atlas_transport::ClientBuilder::total_timeout), 90 s by default. A second
    /// download does no harm, so the request may be repeated.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::SnapshotFailed`], [`Error::Call`], [`Error::Deadline`] if
    /// other downloads of the cluster did not end in time, [`Error::AcceptedUnreadable`] if Atlas
    /// accepted the request but its response contains no readable id.
    pub async fn request_download(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        policy: &WaitPolicy,
        progress: impl FnMut(Event) + Send,
    ) -> Result<JobView, Error> {
        let progress = &Reporter::new(progress);
        let retry = self.client.retry_policy();
        let wait = &mut Wait::new(policy, retry, Awaited::Download, progress);
        let place = wait.read(|| self.place(project, cluster)).await?;
        let picked = wait.read(|| self.picked(&place, pick)).await?;
        let snapshot = picked.snapshot.id;
        let asking = job::request_download(&self.client, &place, snapshot, wait, progress);
        let job = asking.await?;
        if job.id.is_none() {
            return Err(Accepted::Download.unreadable(None));
        }
        Ok(job)
    }

    /// Lists the restore jobs of a cluster, including downloads.
    ///
    /// # Errors
    /// [`Error::Call`]
    pub async fn jobs(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Result<Vec<JobView>, Error> {
        let place = self.place(project, cluster).await?;
        job::list(&self.client, &place).await
    }

    /// Returns a restore job.
    ///
    /// # Errors
    /// [`Error::Call`]
    pub async fn job(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        id: RestoreJobId,
    ) -> Result<JobView, Error> {
        let place = self.place(project, cluster).await?;
        job::get(&self.client, &place, id).await
    }

    /// Waits until a restore job ends. Outages of Atlas are waited out and reported by
    /// [`Event::Retrying`]. Ends at the deadline of `policy`, or at most a second later: a call in
    /// progress is then dropped.
    ///
    /// # Errors
    /// [`Error::JobEnded`] if it ends without a result, [`Error::UnreadableLinks`] if it is a
    /// download with unreadable links, [`Error::Deadline`], [`Error::Call`]
    pub async fn watch_job(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        id: RestoreJobId,
        policy: &WaitPolicy,
        progress: impl FnMut(Event) + Send,
    ) -> Result<JobView, Error> {
        let progress = &Reporter::new(progress);
        let retry = self.client.retry_policy();
        let wait = &mut Wait::new(policy, retry, Awaited::Job(id), progress);
        let place = wait.look(|| self.place(project, cluster)).await?;
        let job = wait.look(|| job::get(&self.client, &place, id));
        let job = job.await?;
        job::wait(&self.client, &place, job, 0, wait, progress).await
    }

    /// Downloads a snapshot to a file, which gets its name when it is complete and sound.
    ///
    /// During the download the file is `<out>.part`, with a journal next to it: after any
    /// interruption, the same call resumes the download. A sharded cluster produces one file for
    /// each shard, named `<out>` with the shard's name before the ending.
    ///
    /// Only `<out>` is ever replaced, and only if `options` allow it. A file of another program in
    /// the place of the manifest or the partial file is an error; if replacing is allowed, that
    /// file is renamed ([`Event::SetAside`]).
    ///
    /// [`Pick::Job`] uses the link of an existing download job, of this program or another, and
    /// requests a new one only when that link cannot be used any more.
    ///
    /// `progress` receives the events; see [`Event`] for how often and on which thread.
    ///
    /// ```no_run
    /// # use atlas_backup::{Backups, DownloadOptions, Error, Event, Pick};
    /// # use atlas_model::{ClusterName, ProjectId};
    /// # async fn run(backups: Backups, project: ProjectId, cluster: ClusterName) -> Result<(), Error> {
    /// let mut percent = 0;
    /// let show = |event: Event| {
    ///     // Totals include resumed bytes and all connections: one event draws the bar.
    ///     if let Event::Received { received, length: Some(length) } = event {
    ///         let now = u128::from(received) * 100 / u128::from(length.max(1));
    ///         if now != percent {
    ///             percent = now;
    ///             eprintln!("{percent} %");
    ///         }
    ///     }
    /// };
    /// let options = DownloadOptions::default().connections(8);
    /// let out = std::path::Path::new("snapshot.tgz");
    /// backups.download(project, &cluster, &Pick::Latest, out, &options, show).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Any [`Error`]. There is no file under the final name then, and everything that a later call
    /// can resume is kept.
    pub async fn download(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        out: &Path,
        options: &DownloadOptions,
        progress: impl FnMut(Event) + Send,
    ) -> Result<Vec<Saved>, Error> {
        let progress = &Reporter::new(progress);
        check_output(out, options.replace)?;
        let existing = if options.replace {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        let (retries, told) = Retries::watched(&self.client, options.patience);
        let downloading = async {
            let place = retries.run(|| self.place(project, cluster)).await?;
            let picked = retries.run(|| self.picked(&place, pick)).await?;
            let snapshot = &picked.snapshot;
            if let Some(saved) = saved::finished(out, &place, snapshot.id, retries.teller()).await?
            {
                return Ok(vec![saved]);
            }
            let how = How {
                existing,
                options,
                retries: &retries,
                progress,
            };
            self.download_picked(&place, snapshot, picked.job, out, how)
                .await
        };
        told.tell(progress, Box::pin(downloading)).await
    }
}
