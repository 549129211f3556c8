//! A lease on a key, so that several runs share a store without doing the same twice, and the
//! journal of the uploads under it, so that a run goes on where another was killed.
//!
//! It is an object beside the snapshot's, `<key>.part`. It is created only if there is none, renewed
//! only if it is still the same, and taken over only if it is still the same and has not been renewed
//! for as long as it says, by the clock of the store, or if its holder was a process of this machine
//! that runs no more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_model::SnapshotId;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use object_store::{MultipartId, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::cleanup::{Cleanup, Ended};
use super::connection::{Connection, Failed, Text};
use super::holder::Holder;
use super::upload::lock;
use crate::error::Error;
use crate::journal::{FORMAT, Head};

/// What such an object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    format: String,
    /// What is stored: ids of project and snapshot, and the cluster's name.
    source: String,
    holder: Holder,
    /// How long it lasts from the moment that the object was last written.
    seconds: u64,
    /// The uploads that are open, by the keys of their objects.
    #[serde(default)]
    uploads: BTreeMap<String, Begun>,
}

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) id: MultipartId,
    /// The file that is uploaded; `None` if it cannot be resumed.
    pub(super) head: Option<Head>,
    /// How long each part is, but for the last.
    pub(super) part: u64,
    /// The store's tags of the parts that are there, by their places from 0.
    #[serde(default)]
    pub(super) parts: BTreeMap<usize, String>,
}

/// The longest lease that is read: ten thousand parts with tags of 100 bytes.
const LONGEST: usize = 2 << 20;
/// How often a lease is renewed before it ends.
const RENEWALS: u32 = 3;
/// Nothing is written more often.
const SHORTEST: Duration = Duration::from_millis(100);

/// Where a lease is, and how it is written.
#[derive(Clone)]
pub(super) struct Leasing {
    pub(super) connection: Connection,
    pub(super) cleanup: Arc<Cleanup>,
    pub(super) key: Path,
    /// The object's URL, for errors.
    pub(super) url: String,
    pub(super) source: String,
    pub(super) length: Duration,
}

/// What became of an attempt to take a lease.
pub(super) enum Taken {
    Ours(Claim),
    /// Another run has it, for so long at least.
    Held(Duration),
}

/// A lease that this run holds, until it is given back; none, where the store lets nothing be read
/// or deleted.
#[derive(Default)]
pub(super) struct Claim(Option<Held>);

struct Held {
    shared: Arc<Shared>,
    renewing: JoinHandle<()>,
}

/// Gives a lease back, in the background, when it is dropped.
pub(super) struct Holding(pub(super) Arc<Claim>);

struct Shared {
    leasing: Leasing,
    state: Mutex<State>,
    /// Told that there is something to be written.
    news: Notify,
    /// How many changes are in the store.
    written: watch::Sender<u64>,
}

struct State {
    lease: Lease,
    version: UpdateVersion,
    /// Until when no other run takes it, by the clock of this machine.
    until: Instant,
    is_lost: bool,
    /// How many changes there were.
    changes: u64,
}

impl Leasing {
    /// Takes the lease if nobody holds it.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the object is another program's.
    pub(super) async fn take(&self) -> Result<Taken, Error> {
        let mut lease = Lease {
            format: FORMAT.to_owned(),
            source: self.source.clone(),
            holder: Holder::this(),
            seconds: self.length.as_secs().max(1),
            uploads: BTreeMap::new(),
        };
        loop {
            let begun = Instant::now();
            match self.connection.create(&self.key, lease.text()).await {
                Ok(version) => return Ok(Taken::Ours(self.hold(lease, version, begun))),
                Err(failed) if failed.is_taken() => {}
                Err(failed) => return Err(self.failed(failed)),
            }
            let read = self.connection.read(&self.key, LONGEST).await;
            let Some(found) = read.map_err(|failed| self.failed(failed))? else {
                // Given back meanwhile.
                continue;
            };
            let Some(other) = Lease::read(&found.body) else {
                return Err(Error::Foreign {
                    path: self.url.clone().into(),
                });
            };
            if let Some(left) = self.left(&other, &found) {
                return Ok(Taken::Held(left));
            }
            self.take_up(&mut lease, other).await;
            let begun = Instant::now();
            let update = self
                .connection
                .replace(&self.key, lease.text(), &found.version);
            match update.await {
                Ok(version) => return Ok(Taken::Ours(self.hold(lease, version, begun))),
                // Another run was faster.
                Err(failed) if failed.is_taken() || failed.is_not_found() => lease.uploads.clear(),
                Err(failed) => return Err(self.failed(failed)),
            }
        }
    }

    /// Removes the lease of a run that has stored the snapshot and was killed then; says whether there
    /// was one.
    pub(super) async fn clear(&self) -> Result<bool, Error> {
        let read = self.connection.read(&self.key, LONGEST).await;
        let Some(found) = read.map_err(|failed| self.failed(failed))? else {
            return Ok(false);
        };
        let Some(lease) = Lease::read(&found.body) else {
            return Ok(false);
        };
        if lease.source != self.source || self.left(&lease, &found).is_some() {
            return Ok(false);
        }
        let removed = self.connection.delete(&self.key).await;
        removed.map_err(|failed| self.failed(failed))?;
        Ok(true)
    }

    /// Removes a lease that has ended and what its run has left, unless the snapshot is still to be
    /// stored.
    pub(super) async fn sweep(&self, is_needed: impl Fn(SnapshotId) -> bool) -> Result<(), Error> {
        let read = self.connection.read(&self.key, LONGEST).await;
        let Some(found) = read.map_err(|failed| self.failed(failed))? else {
            return Ok(());
        };
        let Some(other) = Lease::read(&found.body) else {
            return Ok(());
        };
        let snapshot = other.source.strip_prefix(&self.source);
        let snapshot = snapshot.and_then(|rest| rest.trim_end_matches('/').parse().ok());
        if snapshot.is_none_or(is_needed) || self.left(&other, &found).is_some() {
            return Ok(());
        }
        // Taken first: another run may take it at this moment.
        let mut lease = Lease {
            holder: Holder::this(),
            uploads: BTreeMap::new(),
            ..other.clone()
        };
        lease.seconds = self.length.as_secs().max(1);
        let update = self
            .connection
            .replace(&self.key, lease.text(), &found.version);
        if update.await.is_err() {
            return Ok(());
        }
        self.abort(other).await;
        let removed = self.connection.delete(&self.key).await;
        removed.map_err(|failed| self.failed(failed))
    }

    /// How long another's lease lasts; `None` if it has ended.
    fn left(&self, other: &Lease, found: &Text) -> Option<Duration> {
        if other.holder.is_gone() {
            return None;
        }
        // Whoever stops the clock of a store keeps its leases.
        let now = self.connection.date().unwrap_or(Timestamp::MIN);
        let seconds = i64::try_from(other.seconds).unwrap_or(i64::MAX);
        let end = found
            .modified
            .saturating_add(SignedDuration::from_secs(seconds.min(LONGEST_LEASE)))
            .unwrap_or(Timestamp::MAX);
        let left = end.duration_since(now);
        // The store's clock counts seconds.
        (left >= SignedDuration::ZERO).then(|| left.unsigned_abs() + Duration::from_secs(1))
    }

    /// Takes up the uploads of a lease that has ended, if they are of the same snapshot.
    async fn take_up(&self, lease: &mut Lease, other: Lease) {
        if other.source == self.source {
            lease.uploads = other.uploads;
            return;
        }
        self.abort(other).await;
    }

    async fn abort(&self, other: Lease) {
        for (key, begun) in other.uploads {
            let Ok(key) = Path::parse(&key) else { continue };
            if let Err(failed) = self.connection.abort(&key, &begun.id).await {
                tracing::warn!(failure = %failed.failure, "an upload of another run stays open");
            }
        }
    }

    fn hold(&self, lease: Lease, version: UpdateVersion, begun: Instant) -> Claim {
        let shared = Arc::new(Shared {
            leasing: self.clone(),
            state: Mutex::new(State {
                lease,
                version,
                until: begun + self.length,
                is_lost: false,
                changes: 0,
            }),
            news: Notify::new(),
            written: watch::channel(0).0,
        });
        Claim(Some(Held {
            renewing: tokio::spawn(renew(shared.clone())),
            shared,
        }))
    }

    fn failed(&self, failed: Failed) -> Error {
        let hint = self.connection.hint(&failed.failure);
        Error::Store {
            url: self.url.clone(),
            doing: "take the lease",
            hint,
            source: failed.failure,
        }
    }
}

/// No lease is believed to last longer: a day.
const LONGEST_LEASE: i64 = 86_400;

impl Lease {
    fn read(text: &[u8]) -> Option<Self> {
        let lease: Self = serde_json::from_slice(text).ok()?;
        (lease.format == FORMAT).then_some(lease)
    }

    fn text(&self) -> Bytes {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text.into()
    }
}

/// Writes the lease whenever there is news, and before it ends.
async fn renew(shared: Arc<Shared>) {
    let Leasing {
        connection,
        key,
        length,
        ..
    } = &shared.leasing;
    // One attempt at a time: the next one writes what is true then.
    let connection = connection.once();
    loop {
        let begun = Instant::now();
        tokio::select! {
            () = shared.news.notified() => {}
            () = sleep(*length / RENEWALS) => {}
        }
        let (text, version, changes) = {
            let state = lock(&shared.state);
            (state.lease.text(), state.version.clone(), state.changes)
        };
        let writing = Instant::now();
        let written = connection.replace(key, text, &version).await;
        {
            let mut state = lock(&shared.state);
            match written {
                Ok(version) => {
                    (state.version, state.until) = (version, writing + *length);
                    shared.written.send_replace(changes);
                }
                Err(failed) if failed.is_taken() || failed.is_not_found() => state.is_lost = true,
                Err(failed) => {
                    tracing::info!(failure = %failed.failure, "the lease was not renewed");
                    state.is_lost |= Instant::now() >= state.until;
                    shared.news.notify_one();
                }
            }
            if state.is_lost {
                return;
            }
        }
        sleep_until(begun + SHORTEST).await;
    }
}

impl Claim {
    /// The error of a lease that another run may have by now.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(Held { shared, .. }) = &self.0 else {
            return Ok(());
        };
        if lock(&shared.state).is_held() {
            return Ok(());
        }
        Err(Error::Busy {
            path: shared.leasing.url.clone().into(),
        })
    }

    /// Whether this run holds the lease by the word of the store, not only by its own clock: a machine
    /// that slept does not know that another run has gone on with its uploads.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        self.write(|_| ());
        self.flush().await
    }

    /// The upload that another run began for an object.
    pub(super) fn begun(&self, key: &Path) -> Option<Begun> {
        let state = lock(&self.0.as_ref()?.shared.state);
        state.lease.uploads.get(key.as_ref()).cloned()
    }

    /// Notes an upload, and waits until that is in the store: no part is sent before, so that what a
    /// kill leaves unnoted is empty.
    pub(super) async fn began(&self, key: &Path, begun: Begun) -> Result<(), Error> {
        self.write(|uploads| {
            uploads.insert(key.to_string(), begun);
        });
        self.flush().await
    }

    /// What notes a part of an object's upload.
    pub(super) fn notes(&self, key: &Path) -> impl Fn(usize, &str) + Clone + Send + Sync + 'static {
        let shared = self.0.as_ref().map(|held| held.shared.clone());
        let key = key.to_string();
        move |index, tag| {
            let Some(shared) = &shared else { return };
            if let Some(begun) = lock(&shared.state).lease.uploads.get_mut(&key) {
                begun.parts.insert(index, tag.to_owned());
            }
            shared.news.notify_one();
        }
    }

    /// An upload is no more.
    pub(super) fn ended(&self, key: &Path) {
        self.write(|uploads| {
            uploads.remove(key.as_ref());
        });
    }

    /// Notes that an upload is about to be completed, and waits until that is in the store: a run that
    /// is killed meanwhile leaves nothing that could be resumed.
    pub(super) async fn completing(&self, key: &Path) -> Result<(), Error> {
        self.write(|uploads| {
            if let Some(begun) = uploads.get_mut(key.as_ref()) {
                begun.head = None;
            }
        });
        self.flush().await
    }

    /// Waits until all changes are in the store.
    async fn flush(&self) -> Result<(), Error> {
        let Some(Held { shared, .. }) = &self.0 else {
            return Ok(());
        };
        let changes = lock(&shared.state).changes;
        let mut written = shared.written.subscribe();
        let length = shared.leasing.length;
        let _ = timeout(length, written.wait_for(|written| *written >= changes)).await;
        self.check()
    }

    fn write(&self, change: impl FnOnce(&mut BTreeMap<String, Begun>)) {
        if let Some(Held { shared, .. }) = &self.0 {
            let mut state = lock(&shared.state);
            change(&mut state.lease.uploads);
            state.changes += 1;
            shared.news.notify_one();
        }
    }

    /// Gives the lease back.
    pub(super) async fn release(&self) {
        if let Some(held) = &self.0 {
            held.renewing.abort();
            held.shared.remove().await;
        }
    }
}

impl State {
    fn is_held(&self) -> bool {
        !self.is_lost && Instant::now() < self.until
    }
}

impl Shared {
    async fn remove(&self) {
        {
            let mut state = lock(&self.state);
            let is_held = state.is_held();
            state.is_lost = true;
            if !is_held {
                return;
            }
        }
        let Leasing {
            connection, key, ..
        } = &self.leasing;
        if let Err(failed) = connection.once().delete(key).await {
            tracing::warn!(failure = %failed.failure, "the lease could not be given back; it ends by itself");
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let Some(held) = &self.0.0 else { return };
        held.renewing.abort();
        let shared = held.shared.clone();
        if !lock(&shared.state).is_held() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let cleanup = shared.leasing.cleanup.clone();
            cleanup.add(runtime.spawn(async move {
                shared.remove().await;
                Ok(Ended::Released)
            }));
        }
    }
}
