//! Asking for a download, as often as new links are needed.

use std::sync::OnceLock;

use atlas_model::SnapshotUrl;
use atlas_transport::Client;

use crate::error::Error;
use crate::fetch::Links;
use crate::job::{self, Place};
use crate::job_view::JobView;
use crate::options::WaitPolicy;
use crate::progress::Progress;
use crate::snapshot::SnapshotView;
use crate::waiting::Wait;

/// Asks for a download, as often as new links are needed.
pub(crate) struct Asking<'a> {
    client: &'a Client,
    place: &'a Place<'a>,
    snapshot: &'a SnapshotView,
    policy: &'a WaitPolicy,
    progress: Progress<'a>,
    /// The shards of the first job, in its order.
    shards: OnceLock<Vec<Option<String>>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        client: &'a Client,
        place: &'a Place<'a>,
        snapshot: &'a SnapshotView,
        policy: &'a WaitPolicy,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            client,
            place,
            snapshot,
            policy,
            progress,
            shards: OnceLock::new(),
        }
    }

    /// New links to the n-th file.
    pub(crate) fn links(&self, index: usize) -> Renewing<'_> {
        Renewing {
            asking: self,
            index,
        }
    }

    pub(crate) async fn ready(&self) -> Result<JobView, Error> {
        let (client, place) = (self.client, self.place);
        let (retry, progress) = (self.client.retry_policy(), self.progress);
        let wait = &mut Wait::new(self.policy, retry);
        let snapshot = self.snapshot;
        let job = job::request_download(client, place, snapshot.id, wait, progress).await?;
        let waited = job::wait(client, place, job, snapshot.shards, wait, progress);
        let job = waited.await.map_err(|error| self.of_fewer(error))?;
        if job.links.is_empty() {
            return Err(Error::NoLink { job: job.id });
        }
        let links = || job.links.iter().enumerate();
        let equal = links().any(|(at, link)| job.links[..at].iter().any(|it| it.url == link.url));
        if equal {
            return Err(Error::EqualLinks { job: job.id });
        }
        let shards: Vec<_> = job.links.iter().map(|link| link.shard.clone()).collect();
        let known = self.shards.get_or_init(|| shards.clone());
        if sorted(known) != sorted(&shards) {
            return Err(Error::Mismatch {
                what: "list of shards",
                expected: shown(known),
                found: shown(&shards),
            });
        }
        Ok(job)
    }
}

impl Asking<'_> {
    /// A renewed job that has fewer links than the first is for other shards.
    fn of_fewer(&self, error: Error) -> Error {
        match (error, self.shards.get()) {
            (Error::MissingLinks { found, .. }, Some(known)) => Error::Mismatch {
                what: "list of shards",
                expected: shown(known),
                found: format!("{found} shards"),
            },
            (error, _) => error,
        }
    }
}

fn sorted(shards: &[Option<String>]) -> Vec<&Option<String>> {
    let mut shards: Vec<_> = shards.iter().collect();
    shards.sort();
    shards
}

fn shown(shards: &[Option<String>]) -> String {
    let names = shards.iter().map(|shard| shard.as_deref().unwrap_or("-"));
    names.collect::<Vec<_>>().join(", ")
}

/// New links to the n-th file of a download.
pub(crate) struct Renewing<'a> {
    asking: &'a Asking<'a>,
    index: usize,
}

impl Links for Renewing<'_> {
    async fn fresh(&mut self) -> Result<SnapshotUrl, Error> {
        let job = self.asking.ready().await?;
        // The same shard, wherever it stands in the new job.
        let shards = self.asking.shards.get();
        let shard = shards.and_then(|shards| shards.get(self.index));
        let link = shard.and_then(|shard| job.links.iter().find(|link| link.shard == *shard));
        link.map(|link| link.url.clone())
            .ok_or(Error::NoLink { job: job.id })
    }
}
