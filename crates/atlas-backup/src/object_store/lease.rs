//! A lease on a key, by which several runs share a store without duplicate work. It also records
//! the uploads under the key, so that another run can resume them.
//!
//! It is an object next to the snapshot's, `<key>.part`. It is created only if there is none, and
//! renewed and taken over only if it is unchanged. It is taken over if it was not renewed in time,
//! by the clock of the store, or if its holder was a process of this machine that has ended.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::SnapshotId;
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use tokio::time::Instant;

use super::claim::Claim;
use super::cleanup::Cleanup;
use super::connection::{Connection, Failed, Text};
use super::record::{LONGEST, Lease};
use super::url;
use crate::error::Error;
use crate::job_view::MOST_FILES;
use crate::saving::file_parts;
use crate::shards::is_usable;

/// How often an attempt is made while the lease keeps changing.
const TRIES: usize = 5;

/// The location of a lease, and how it is written.
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

/// The result of an attempt to take a lease.
pub(super) enum Taken {
    Ours(Claim),
    /// Another run holds it, for at least this long.
    Held(Duration),
}

impl Leasing {
    /// Takes the lease if it is free.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the object is another program's.
    pub(super) async fn take(&self) -> Result<Taken, Error> {
        let mut lease = Lease::new(self.source.clone(), self.length);
        for _ in 0..TRIES {
            let begun = Instant::now();
            match self.connection.create(&self.key, lease.text()).await {
                Ok(version) => return Ok(Taken::Ours(Claim::new(self, lease, version, begun))),
                Err(failed) if failed.is_taken() => {}
                Err(failed) => return Err(self.failed(failed)),
            }
            let read = self.connection.read(&self.key, LONGEST).await;
            let Some(found) = read.map_err(|failed| self.failed(failed))? else {
                // Released meanwhile.
                continue;
            };
            let Some(other) = self.lease_in(&found) else {
                return Err(Error::Foreign {
                    path: self.url.clone().into(),
                });
            };
            if let Some(left) = self.left(&other, &found) {
                return Ok(Taken::Held(left));
            }
            // Recorded until they are resumed or aborted, which only the run that takes the lease does.
            lease.inherit(other);
            let begun = Instant::now();
            let update = self
                .connection
                .replace(&self.key, lease.text(), &found.version);
            match update.await {
                Ok(version) => return Ok(Taken::Ours(Claim::new(self, lease, version, begun))),
                // Another run was faster.
                Err(failed) if failed.is_taken() || failed.is_not_found() => lease.uploads.clear(),
                Err(failed) => return Err(self.failed(failed)),
            }
        }
        // Others keep taking and releasing it, or the store contradicts itself.
        Ok(Taken::Held(Duration::from_secs(1)))
    }

    /// Removes the lease of a run that was killed after it had stored the snapshot; returns whether
    /// there was one.
    pub(super) async fn clear(&self) -> Result<bool, Error> {
        let read = self.connection.read(&self.key, LONGEST).await;
        let Some(found) = read.map_err(|failed| self.failed(failed))? else {
            return Ok(false);
        };
        let Some(lease) = self.lease_in(&found) else {
            return Ok(false);
        };
        if lease.source != self.source || self.left(&lease, &found).is_some() {
            return Ok(false);
        }
        // Only if no other run has taken it meanwhile.
        let update = self
            .connection
            .replace(&self.key, lease.text(), &found.version);
        if update.await.is_err() {
            return Ok(false);
        }
        let removed = self.connection.delete(&self.key).await;
        removed.map_err(|failed| self.failed(failed))?;
        Ok(true)
    }

    /// Removes an expired lease and aborts its uploads, unless the snapshot still has to be stored.
    pub(super) async fn sweep(&self, is_needed: impl Fn(SnapshotId) -> bool) -> Result<(), Error> {
        let read = self.connection.read(&self.key, LONGEST).await;
        let Some(found) = read.map_err(|failed| self.failed(failed))? else {
            return Ok(());
        };
        let Some(other) = self.lease_in(&found) else {
            return Ok(());
        };
        let snapshot = other.source.strip_prefix(&self.source);
        let snapshot = snapshot.and_then(|rest| rest.trim_end_matches('/').parse().ok());
        if snapshot.is_none_or(is_needed) || self.left(&other, &found).is_some() {
            return Ok(());
        }
        // Taken first: another run may be taking it now.
        let lease = Lease::new(other.source.clone(), self.length);
        let update = self
            .connection
            .replace(&self.key, lease.text(), &found.version);
        if update.await.is_err() {
            return Ok(());
        }
        self.abort(&other).await;
        let removed = self.connection.delete(&self.key).await;
        removed.map_err(|failed| self.failed(failed))
    }

    /// How long another run's lease lasts; `None` if it has expired.
    fn left(&self, other: &Lease, found: &Text) -> Option<Duration> {
        if other.holder.is_gone() {
            return None;
        }
        // Without a date from the store, no lease is known to have expired.
        let now = self.connection.date().unwrap_or(Timestamp::MIN);
        let seconds = i64::try_from(other.seconds).unwrap_or(i64::MAX);
        let end = found
            .modified
            .saturating_add(SignedDuration::from_secs(seconds.min(LONGEST_LEASE)))
            .unwrap_or(Timestamp::MAX);
        let left = end.duration_since(now);
        // The store's clock has a resolution of seconds.
        (left >= SignedDuration::ZERO).then(|| left.unsigned_abs() + Duration::from_secs(1))
    }

    /// The lease in an object, unless another program wrote it. A lease can be forged: uploads of keys
    /// that it does not cover, and more than a run can have, are left alone.
    fn lease_in(&self, found: &Text) -> Option<Lease> {
        let mut lease = Lease::read(&found.body)?;
        let listed = lease.uploads.len();
        lease.uploads.retain(|key, _| self.covers(key));
        lease.limit(MOST_FILES);
        let ignored = listed - lease.uploads.len();
        if ignored > 0 {
            tracing::warn!(
                lease = %self.url,
                ignored,
                "the lease names uploads of other keys, or more than a snapshot has; ignored"
            );
        }
        Some(lease)
    }

    /// Aborts the uploads of a lease that this run holds, for at most the length of a lease: then
    /// another run may hold it.
    pub(super) async fn abort(&self, held: &Lease) {
        let until = Instant::now() + self.length;
        for (key, begun) in &held.uploads {
            if Instant::now() >= until {
                tracing::warn!(lease = %self.url, "uploads of another run are left: aborting takes too long");
                return;
            }
            let Ok(key) = Path::parse(key) else { continue };
            if let Err(failed) = self.connection.abort(&key, &begun.id).await {
                tracing::warn!(failure = %failed.failure, "cannot abort an upload of another run");
            }
        }
    }

    /// Whether an upload's key belongs to the snapshot of this lease: the lease's own key without its
    /// ending, or the key of one of the snapshot's shards.
    fn covers(&self, key: &str) -> bool {
        covers(self.key.as_ref(), key)
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

/// The longest time that a lease is respected: a day.
const LONGEST_LEASE: i64 = 86_400;

/// Whether `key` is the object of a lease, or one of its shards.
fn covers(lease: &str, key: &str) -> bool {
    let Some(object) = url::object_of(lease) else {
        return false;
    };
    let split = |key: &str| match key.rsplit_once('/') {
        Some((folder, file)) => (Some(folder.to_owned()), file.to_owned()),
        None => (None, key.to_owned()),
    };
    let ((folder, file), (other_folder, other)) = (split(object), split(key));
    if folder != other_folder {
        return false;
    }
    // The name that `of_shard` creates, for any safe name of a shard.
    let (stem, ending) = file_parts(&file);
    let shard = other
        .strip_prefix(stem)
        .and_then(|rest| rest.strip_prefix('-'));
    let shard = shard.and_then(|rest| rest.strip_suffix(ending));
    other == file || shard.is_some_and(is_usable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_covers_the_keys_of_its_snapshot_alone() {
        let covered = [
            ("s.tgz.part", "s.tgz"),
            ("s.tgz.part", "s-shard-0.tgz"),
            ("a/s.tar.gz.part", "a/s-Sharded0-shard-1.tar.gz"),
            ("a/s.part", "a/s-0"),
        ];
        for (lease, key) in covered {
            assert!(covers(lease, key), "{lease} {key}");
        }
        let others = [
            ("s.tgz.part", "t.tgz"),
            ("s.tgz.part", "s.tgz.json"),
            ("s.tgz.part", "s-.tgz"),
            ("s.tgz.part", "s-a.b.tgz"),
            ("s.tgz.part", "a/s.tgz"),
            ("s.tgz.part", "s-a/b.tgz"),
            ("a/s.tgz.part", "s.tgz"),
            ("a/s.tgz.part", "b/s.tgz"),
            ("s.tgz", "s.tgz"),
        ];
        for (lease, key) in others {
            assert!(!covers(lease, key), "{lease} {key}");
        }
    }
}
