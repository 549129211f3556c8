//! A lease that this run holds: renews it, and records the uploads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::UpdateVersion;
use object_store::path::Path;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::cleanup::Ended;
use super::failure::StoreFailure;
use super::lease::Leasing;
use super::record::{Begun, Lease};
use super::upload::lock;
use crate::error::Error;

/// How many renewals there are in the length of a lease.
const RENEWALS: u32 = 3;
/// The shortest time between two writes.
const SHORTEST: Duration = Duration::from_millis(100);

/// A lease that this run holds, until it is released; `None` where the store permits no reading or
/// deleting.
#[derive(Default)]
pub(super) struct Claim(Option<Arc<Shared>>);

/// Releases a lease in the background when it is dropped.
pub(super) struct Holding(pub(super) Arc<Claim>);

struct Shared {
    leasing: Leasing,
    state: Mutex<State>,
    /// Held while the lease is being written: the next write needs the new version.
    writing: tokio::sync::Mutex<()>,
    /// Notified when there is a change to write.
    news: Notify,
    /// The number of changes that are in the store.
    written: watch::Sender<u64>,
}

struct State {
    lease: Lease,
    version: UpdateVersion,
    /// Until when no other run takes it, by the local clock.
    until: Instant,
    is_lost: bool,
    /// Why the last renewal failed, unless another run has taken the lease.
    failure: Option<StoreFailure>,
    /// The number of changes.
    changes: u64,
    /// The keys of uploads that another run started and this one has not resumed.
    inherited: BTreeSet<String>,
}

/// Writes the lease after each change, and before it expires.
async fn renew(shared: Arc<Shared>) {
    let Leasing {
        connection,
        key,
        length,
        ..
    } = &shared.leasing;
    // One attempt at a time: the next one writes the state of that time.
    let connection = connection.once();
    loop {
        let begun = Instant::now();
        tokio::select! {
            () = shared.news.notified() => {}
            () = sleep(*length / RENEWALS) => {}
        }
        let writing_lock = shared.writing.lock().await;
        let (text, version, changes) = {
            let state = lock(&shared.state);
            if state.is_lost {
                return;
            }
            (state.lease.text(), state.version.clone(), state.changes)
        };
        let writing = Instant::now();
        let written = connection.replace(key, text, &version).await;
        {
            let mut state = lock(&shared.state);
            match written {
                Ok(version) => {
                    (state.version, state.until) = (version, writing + *length);
                    state.failure = None;
                    shared.written.send_replace(changes);
                }
                Err(failed) if failed.is_taken() || failed.is_not_found() => {
                    (state.is_lost, state.failure) = (true, None);
                }
                Err(failed) => {
                    tracing::info!(failure = %failed.failure, "the lease was not renewed");
                    state.failure = Some(failed.failure);
                    state.is_lost |= Instant::now() >= state.until;
                    shared.news.notify_one();
                }
            }
        }
        drop(writing_lock);
        sleep_until(begun + SHORTEST).await;
    }
}

impl Claim {
    /// Starts to renew a lease that was just written.
    pub(super) fn new(
        leasing: &Leasing,
        lease: Lease,
        version: UpdateVersion,
        begun: Instant,
    ) -> Self {
        let shared = Arc::new(Shared {
            leasing: leasing.clone(),
            state: Mutex::new(State {
                inherited: lease.uploads.keys().cloned().collect(),
                lease,
                version,
                until: begun + leasing.length,
                is_lost: false,
                failure: None,
                changes: 0,
            }),
            writing: tokio::sync::Mutex::default(),
            news: Notify::new(),
            written: watch::channel(0).0,
        });
        tokio::spawn(renew(shared.clone()));
        Self(Some(shared))
    }

    /// The error of a lease that another run has or may have taken, or of a store that prevented
    /// its renewal.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(shared) = &self.0 else {
            return Ok(());
        };
        let failure = {
            let state = lock(&shared.state);
            if state.is_held() {
                return Ok(());
            }
            state.failure.clone()
        };
        let url = shared.leasing.url.clone();
        Err(match failure {
            Some(source) => Error::Store {
                url,
                doing: "renew the lease",
                hint: shared.leasing.connection.hint(&source),
                source,
            },
            None => Error::Busy { path: url.into() },
        })
    }

    /// Checks with the store that this run holds the lease: after a suspend, the local clock does
    /// not show that another run has resumed its uploads.
    pub(super) async fn confirm(&self) -> Result<(), Error> {
        self.write(|_| ());
        self.flush().await
    }

    /// The upload that another run started for an object.
    pub(super) fn begun(&self, key: &Path) -> Option<Begun> {
        let mut state = lock(&self.0.as_ref()?.state);
        state.inherited.remove(key.as_ref());
        state.lease.uploads.get(key.as_ref()).cloned()
    }

    /// Records an upload, and waits until that is in the store: no part is sent before, so that an
    /// upload that a killed run did not record is empty.
    pub(super) async fn began(&self, key: &Path, begun: Begun) -> Result<(), Error> {
        self.write(|uploads| {
            uploads.insert(key.to_string(), begun);
        });
        self.flush().await
    }

    /// Returns a function that records the parts of an object's upload.
    pub(super) fn notes(&self, key: &Path) -> impl Fn(usize, &str) + Clone + Send + Sync + 'static {
        let shared = self.0.clone();
        let key = key.to_string();
        move |index, tag| {
            let Some(shared) = &shared else { return };
            if let Some(begun) = lock(&shared.state).lease.uploads.get_mut(&key) {
                begun.parts.insert(index, tag.to_owned());
            }
            shared.news.notify_one();
        }
    }

    /// Removes an upload from the record.
    pub(super) fn ended(&self, key: &Path) {
        self.write(|uploads| {
            uploads.remove(key.as_ref());
        });
    }

    /// Records that an upload is about to be completed, and waits until that is in the store: a run
    /// that is killed meanwhile leaves nothing to resume.
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
        let Some(shared) = &self.0 else {
            return Ok(());
        };
        let changes = lock(&shared.state).changes;
        let mut written = shared.written.subscribe();
        let length = shared.leasing.length;
        let _ = timeout(length, written.wait_for(|written| *written >= changes)).await;
        self.check()
    }

    fn write(&self, change: impl FnOnce(&mut BTreeMap<String, Begun>)) {
        if let Some(shared) = &self.0 {
            let mut state = lock(&shared.state);
            change(&mut state.lease.uploads);
            state.changes += 1;
            shared.news.notify_one();
        }
    }

    /// Releases the lease.
    pub(super) async fn release(&self) {
        if let Some(shared) = &self.0 {
            shared.remove().await;
        }
    }
}

impl State {
    fn is_held(&self) -> bool {
        !self.is_lost && Instant::now() < self.until
    }
}

impl Shared {
    /// Releases the lease, if this run still holds it; no renewal follows.
    async fn remove(&self) {
        // A renewal in progress ends first: its version is the one to compare.
        let _writing = self.writing.lock().await;
        {
            let mut state = lock(&self.state);
            let is_held = state.is_held();
            state.is_lost = true;
            self.news.notify_one();
            if !is_held {
                return;
            }
        }
        let Leasing {
            connection, key, ..
        } = &self.leasing;
        let (mut lease, mut version) = {
            let state = lock(&self.state);
            let mut lease = state.lease.clone();
            lease.uploads.retain(|key, _| state.inherited.contains(key));
            (lease, state.version.clone())
        };
        let connection = connection.once();
        if !lease.uploads.is_empty() {
            // Only if this run still holds it: otherwise another run may resume them.
            match connection.replace(key, lease.text(), &version).await {
                Ok(written) => version = written,
                Err(failed) => {
                    tracing::info!(failure = %failed.failure, "the lease was not released");
                    return;
                }
            }
            self.leasing.abort(&lease).await;
            lease.uploads.clear();
        }
        // The same here: deletion cannot be conditional.
        if let Err(failed) = connection.replace(key, lease.text(), &version).await {
            tracing::info!(failure = %failed.failure, "the lease was not released");
            return;
        }
        if let Err(failed) = connection.delete(key).await {
            tracing::warn!(failure = %failed.failure, "the lease was not deleted; it will expire");
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let Some(shared) = self.0.0.clone() else {
            return;
        };
        if lock(&shared.state).is_lost {
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
