//! Requesting a download, and again whenever new links are needed.

use std::sync::{Mutex, OnceLock, PoisonError};

use atlas_model::SnapshotUrl;
use atlas_transport::Client;

use crate::error::Error;
use crate::fetch::Links;
use crate::job::{self, Place};
use crate::job_view::{JobEnd, JobView};
use crate::options::WaitPolicy;
use crate::progress::{Event, Progress};
use crate::retries::Retries;
use crate::snapshot::SnapshotView;
use crate::waiting::Wait;

/// Requests a download, and again whenever new links are needed.
pub(crate) struct Asking<'a> {
    client: &'a Client,
    place: &'a Place<'a>,
    snapshot: &'a SnapshotView,
    policy: &'a WaitPolicy,
    retries: &'a Retries,
    progress: Progress<'a>,
    /// An existing job, until it is checked.
    existing: Mutex<Option<JobView>>,
    /// The shards of the first job, in its order.
    shards: OnceLock<Vec<Option<String>>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        client: &'a Client,
        place: &'a Place<'a>,
        snapshot: &'a SnapshotView,
        policy: &'a WaitPolicy,
        retries: &'a Retries,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            client,
            place,
            snapshot,
            policy,
            retries,
            progress,
            existing: Mutex::default(),
            shards: OnceLock::new(),
        }
    }

    /// Uses the first links of an existing job, if there is one.
    pub(crate) fn existing(self, job: Option<JobView>) -> Self {
        Self {
            existing: Mutex::new(job),
            ..self
        }
    }

    /// The source of new links to the n-th file.
    pub(crate) fn links(&self, index: usize) -> Renewing<'_> {
        Renewing {
            asking: self,
            index,
        }
    }

    pub(crate) async fn ready(&self) -> Result<JobView, Error> {
        let (client, place) = (self.client, self.place);
        let progress = self.progress;
        let wait = &mut Wait::of_download(self.policy, self.retries, progress);
        let snapshot = self.snapshot;
        let job = if let Some(job) = self.usable(wait).await? {
            job
        } else {
            let job = job::request_download(client, place, snapshot.id, wait, progress).await?;
            let waited = job::wait(client, place, job, snapshot.shards, wait, progress);
            waited.await.map_err(|error| self.of_fewer(error))?
        };
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
    /// The existing job, once it has its links; `None` if there is none, or if its links have
    /// expired.
    async fn usable(&self, wait: &mut Wait<'_>) -> Result<Option<JobView>, Error> {
        let existing = self.existing.lock();
        let existing = existing.unwrap_or_else(PoisonError::into_inner).take();
        let Some(job) = existing else {
            return Ok(None);
        };
        let (client, place, shards) = (self.client, self.place, self.snapshot.shards);
        match job::wait(client, place, job, shards, wait, self.progress).await {
            Ok(job) if !job.links.is_empty() => Ok(Some(job)),
            Ok(_)
            | Err(Error::JobEnded {
                how: JobEnd::Expired,
                ..
            }) => {
                self.progress.tell(Event::LinkRenewed);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A renewed job with fewer links than the first is for other shards.
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

/// The source of new links to the n-th file of a download.
pub(crate) struct Renewing<'a> {
    asking: &'a Asking<'a>,
    index: usize,
}

impl Links for Renewing<'_> {
    async fn fresh(&mut self) -> Result<SnapshotUrl, Error> {
        let job = self.asking.ready().await?;
        // The same shard, wherever it is in the new job.
        let shards = self.asking.shards.get();
        let shard = shards.and_then(|shards| shards.get(self.index));
        let link = shard.and_then(|shard| job.links.iter().find(|link| link.shard == *shard));
        link.map(|link| link.url.clone())
            .ok_or(Error::NoLink { job: job.id })
    }
}
