//! A lease on a key, by which several runs share a store without duplicate work. It also records
//! the uploads under the key, so that another run can resume them.
//!
//! It is an object next to the snapshot's, `<key>.part`. It is created only if there is none, and
//! renewed and taken over only if it is unchanged. It is taken over if it was not renewed in time,
//! by the clock of the store, or if its holder was a process of this machine that has ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use atlas_model::SnapshotId;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use object_store::MultipartId;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::claim::Claim;
use super::cleanup::Cleanup;
use super::connection::{Connection, Failed, Text};
use super::holder::Holder;
use super::url;
use crate::error::Error;
use crate::journal::{FORMAT, Head};
use crate::saving::file_parts;
use crate::shards::is_usable;

/// The content of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    format: String,
    /// The source: ids of project and snapshot, and the cluster's name.
    source: String,
    holder: Holder,
    /// How long it lasts after the object was last written.
    seconds: u64,
    /// The open uploads, by the keys of their objects.
    #[serde(default)]
    pub(super) uploads: BTreeMap<String, Begun>,
}

/// An open upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) id: MultipartId,
    /// The uploaded file; `None` if it cannot be resumed.
    pub(super) head: Option<Head>,
    /// The length of each part except the last.
    pub(super) part: u64,
    /// The store's tags of the uploaded parts, by index from 0.
    #[serde(default)]
    pub(super) parts: BTreeMap<usize, String>,
}

/// The longest lease that is read: ten thousand parts with tags of 100 bytes.
const LONGEST: usize = 2 << 20;

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
        let mut lease = Lease {
            format: FORMAT.to_owned(),
            source: self.source.clone(),
            holder: Holder::this(),
            seconds: self.length.as_secs().max(1),
            uploads: BTreeMap::new(),
        };
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
        let Some(lease) = Lease::read(&found.body) else {
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
        let Some(other) = Lease::read(&found.body) else {
            return Ok(());
        };
        let snapshot = other.source.strip_prefix(&self.source);
        let snapshot = snapshot.and_then(|rest| rest.trim_end_matches('/').parse().ok());
        if snapshot.is_none_or(is_needed) || self.left(&other, &found).is_some() {
            return Ok(());
        }
        // Taken first: another run may be taking it now.
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

    /// Takes over the uploads of an expired lease if they belong to the same snapshot; aborts them
    /// otherwise.
    async fn take_up(&self, lease: &mut Lease, other: Lease) {
        if other.source == self.source {
            lease.uploads = other.uploads;
            lease.uploads.retain(|key, _| self.covers(key));
            return;
        }
        self.abort(&other).await;
    }

    /// Aborts the uploads of a lease. A lease can be forged: uploads of keys that it does not cover
    /// are left alone.
    pub(super) async fn abort(&self, other: &Lease) {
        for (key, begun) in &other.uploads {
            if !self.covers(key) {
                tracing::warn!(lease = %self.url, "the lease names an upload of another key; ignored");
                continue;
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

impl Lease {
    fn read(text: &[u8]) -> Option<Self> {
        let lease: Self = serde_json::from_slice(text).ok()?;
        (lease.format == FORMAT).then_some(lease)
    }

    pub(super) fn text(&self) -> Bytes {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text.into()
    }
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
