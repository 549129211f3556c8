//! Snapshots of every kind of cluster, in one type.

use std::collections::{HashMap, HashSet};
use std::pin::pin;

use atlas_model::cloud_backups::{
    DiskBackupReplicaSet, DiskBackupShardedClusterSnapshot, ListBackupShardedClusters,
    ListBackupSnapshots, SnapshotStatus,
};
use atlas_model::flex_snapshots::{FlexBackupSnapshot, ListFlexBackupSnapshots};
use atlas_model::shared_tier_snapshots::{
    BackupTenantSnapshot, ListClusterBackupSnapshots, RestoreStatus,
};
use atlas_model::{ClusterName, Paged, ProjectId, RestoreJobId, SnapshotId, Timestamp};
use atlas_transport::Client;
use futures_util::TryStreamExt;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::about::{at_most, body};
use crate::error::Error;
use crate::kind::ClusterKind;

/// A snapshot of a cluster of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SnapshotView {
    /// Its id.
    pub id: SnapshotId,
    /// Whether it is complete, so that it can be downloaded.
    pub completed: bool,
    /// Its status, as Atlas reports it.
    pub status: String,
    /// When it was completed, or started if only that is known.
    #[serde(serialize_with = "optional_text")]
    pub taken: Option<jiff::Timestamp>,
    /// When Atlas deletes it.
    #[serde(serialize_with = "optional_text")]
    pub expires: Option<jiff::Timestamp>,
    /// The size of its data in bytes, if Atlas reports it.
    pub bytes: Option<u64>,
    /// The MongoDB version of the cluster.
    pub mongodb_version: Option<String>,
    /// The minimum number of its shards, by its members; 0 if unknown.
    #[serde(skip)]
    pub(crate) shards: usize,
}

impl SnapshotView {
    /// Returns whether it failed, by its [`status`](SnapshotView::status): it never becomes
    /// complete.
    pub fn is_failed(&self) -> bool {
        self.status.eq_ignore_ascii_case("failed")
    }
}

#[allow(clippy::ref_option, reason = "serde hands over the field")]
fn optional_text<S: serde::Serializer>(
    moment: &Option<jiff::Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    moment
        .map(|moment| moment.to_string())
        .serialize(serializer)
}

/// Selects a snapshot. Only complete ones are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pick {
    /// The snapshot with this id.
    Id(SnapshotId),
    /// The newest snapshot.
    Latest,
    /// The newest snapshot that was completed before this time.
    Before(jiff::Timestamp),
    /// The snapshot of an existing download job: one that
    /// [`Backups::request_download`](crate::Backups::request_download), the Atlas web page or
    /// another program created.
    ///
    /// [`download`](crate::Backups::download),
    /// [`download_to_writer`](crate::Backups::download_to_writer) and `download_to_store` wait for
    /// the job and use its links. They request a new job only if it has expired, or when a link
    /// expires ([`Event::LinkRenewed`](crate::Event::LinkRenewed)). All other calls use only the
    /// snapshot of the job. A job that writes to a cluster is
    /// [`Error::NotADownload`](crate::Error::NotADownload), and one that the cluster does not have
    /// is [`Error::NoJob`](crate::Error::NoJob).
    Job(RestoreJobId),
}

impl Pick {
    /// Chooses among snapshots in any order. Returns `None` for a job, since only Atlas knows its
    /// snapshot.
    pub fn choose<'a>(&self, snapshots: &'a [SnapshotView]) -> Option<&'a SnapshotView> {
        let complete = snapshots.iter().filter(|snapshot| snapshot.completed);
        match self {
            Self::Job(_) => None,
            Self::Id(id) => complete.into_iter().find(|snapshot| snapshot.id == *id),
            Self::Latest => complete.max_by_key(|snapshot| snapshot.taken),
            Self::Before(moment) => complete
                .filter(|snapshot| snapshot.taken.is_some_and(|taken| taken < *moment))
                .max_by_key(|snapshot| snapshot.taken),
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Latest => "at all".to_owned(),
            Self::Before(moment) => format!("from before {moment}"),
            Self::Job(job) => format!("of restore job {job}"),
        }
    }
}

/// Whether a snapshot is dated in the future.
pub(crate) fn is_future(taken: Option<jiff::Timestamp>, now: jiff::Timestamp) -> bool {
    // The maximum skew between two clocks of Atlas.
    const SKEW: SignedDuration = SignedDuration::from_hours(1);
    taken.is_some_and(|taken| taken.duration_since(now) > SKEW)
}

/// A list of snapshots from Atlas.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) snapshots: Vec<SnapshotView>,
    /// When the last page was created, by the server's clock.
    pub(crate) date: Option<jiff::Timestamp>,
    /// Whether everything in the list has a readable id.
    pub(crate) is_whole: bool,
}

/// Lists the snapshots of a cluster.
pub(crate) async fn list(
    client: &Client,
    kind: ClusterKind,
    project: ProjectId,
    cluster: &ClusterName,
) -> Result<Listing, Error> {
    let cluster = cluster.clone();
    let (views, date, total) = match kind {
        ClusterKind::Tenant => {
            let list = ListClusterBackupSnapshots::new(project, cluster);
            pages(client, list, tenant).await?
        }
        ClusterKind::Flex => {
            let list = ListFlexBackupSnapshots::new(project, cluster);
            pages(client, list, flex).await?
        }
        ClusterKind::Dedicated => {
            let list = ListBackupSnapshots::new(project, cluster);
            pages(client, list, dedicated).await?
        }
        ClusterKind::Sharded => {
            let list = ListBackupShardedClusters::new(project, cluster);
            pages(client, list, sharded).await?
        }
    };
    let views: Vec<Option<SnapshotView>> = views;
    // A list that reports more items than it has is incomplete.
    let is_whole = views.iter().all(Option::is_some) && total <= views.len() as u64;
    // A snapshot without a valid id cannot be requested.
    let mut snapshots: Vec<SnapshotView> = Vec::new();
    let mut known = HashSet::new();
    for snapshot in views.into_iter().flatten() {
        if known.insert(snapshot.id) {
            snapshots.push(snapshot);
        }
    }
    Ok(Listing {
        snapshots,
        date,
        is_whole,
    })
}

/// The maximum number of snapshots in a list: eleven years of hourly ones. All are held in memory,
/// and the server decides how many there are.
const MOST: usize = 100_000;

/// All pages of a list, the date of the last one, and the reported total number of items.
async fn pages<O>(
    client: &Client,
    list: O,
    view: fn(&O::Item) -> Option<SnapshotView>,
) -> Result<(Vec<Option<SnapshotView>>, Option<jiff::Timestamp>, u64), Error>
where
    O: Paged + Send + Sync,
    O::Item: Send,
{
    let mut pages = pin!(client.pages(list));
    let (mut views, mut date, mut total) = (Vec::new(), None, 0);
    while let Some(page) = pages.try_next().await? {
        let mut seen: Vec<_> = page.value.items().iter().map(view).collect();
        if !page.deviations.is_empty() {
            let counted = shards_in(&body(&page)?);
            for snapshot in seen.iter_mut().flatten() {
                let more = counted.get(&snapshot.id.to_string());
                snapshot.shards = snapshot.shards.max(more.copied().unwrap_or(0));
            }
        }
        at_most("snapshots", views.len().saturating_add(seen.len()), MOST)?;
        views.extend(seen);
        // Items that are not even objects are left out of the page, but were listed.
        let left_out = page.deviations.iter().filter(|it| it.path().ends_with(']'));
        views.extend(left_out.map(|_| None));
        date = page.meta.date;
        total = body(&page)?["totalCount"].as_u64().unwrap_or(0);
    }
    Ok((views, date, total))
}

/// The number of shards of each snapshot of a page by its body, in which unreadable members still
/// count as members.
fn shards_in(page: &Value) -> HashMap<String, usize> {
    let mut counted: HashMap<String, usize> = HashMap::new();
    for snapshot in page["results"].as_array().into_iter().flatten() {
        let Some(id) = snapshot["id"].as_str() else {
            continue;
        };
        let count = |field: &str| snapshot[field].as_array().map_or(0, Vec::len);
        let members = snapshot["members"].as_array();
        let has_invalid = members.is_some_and(|it| !it.iter().all(Value::is_object));
        let members = if has_invalid { count("members") } else { 0 };
        let shards = count("snapshotIds").max(members);
        let known = counted.entry(id.to_owned()).or_default();
        *known = shards.max(*known);
    }
    counted
}

/// Each kind of snapshot has the same data under other names.
macro_rules! view {
    ($function:ident, $snapshot:ty, $completed:expr, $taken:ident $(or $begun:ident)?,
     $expires:ident, $version:ident $(, $bytes:ident $(, $shards:ident)?)?) => {
        fn $function(snapshot: &$snapshot) -> Option<SnapshotView> {
            let taken = snapshot.$taken.as_ref();
            $( let taken = taken.or(snapshot.$begun.as_ref()); )?
            let bytes: Option<i64> = None;
            let shards = 0_usize;
            $( let bytes = bytes.or(snapshot.$bytes); $( let shards = shards.max($shards(snapshot)); )? )?
            Some(SnapshotView {
                id: snapshot.id?,
                completed: snapshot.status == Some($completed),
                status: or_unknown(snapshot.status.as_ref()),
                taken: moment(taken),
                expires: moment(snapshot.$expires.as_ref()),
                bytes: bytes.and_then(|bytes| bytes.try_into().ok()),
                mongodb_version: snapshot.$version.as_ref().map(ToString::to_string),
                shards,
            })
        }
    };
}

view!(tenant, BackupTenantSnapshot, RestoreStatus::Completed, finish_time or start_time, expiration,
    mongodb_version);
view!(flex, FlexBackupSnapshot, RestoreStatus::Completed, finish_time or start_time, expiration,
    mongodb_version);
view!(
    dedicated,
    DiskBackupReplicaSet,
    SnapshotStatus::Completed,
    created_at,
    expires_at,
    mongod_version,
    storage_size_bytes
);
view!(
    sharded,
    DiskBackupShardedClusterSnapshot,
    SnapshotStatus::Completed,
    created_at,
    expires_at,
    mongod_version,
    storage_size_bytes,
    shards
);

/// The minimum number of files of a sharded snapshot. Config servers are members too, but whether a
/// download has a link for them is not documented.
fn shards(snapshot: &DiskBackupShardedClusterSnapshot) -> usize {
    let members = snapshot.members.as_deref().unwrap_or_default();
    let ids = snapshot.snapshot_ids.as_ref().map_or(0, Vec::len);
    let is_config = |name: &str| name.to_ascii_lowercase().contains("config");
    let names = members
        .iter()
        .filter_map(|it| it.replica_set_name.as_deref());
    let configs = names.filter(|name| is_config(name)).count();
    members.len().max(ids).saturating_sub(configs)
}

fn or_unknown(status: Option<&impl ToString>) -> String {
    status.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

fn moment(timestamp: Option<&Timestamp>) -> Option<jiff::Timestamp> {
    timestamp?.instant().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(number: u8, completed: bool, taken: Option<i64>) -> SnapshotView {
        SnapshotView {
            id: SnapshotId::from_bytes([number; 12]),
            completed,
            status: String::new(),
            taken: taken.map(|taken| jiff::Timestamp::from_second(taken).unwrap()),
            expires: None,
            bytes: None,
            mongodb_version: None,
            shards: 0,
        }
    }

    #[test]
    fn only_complete_snapshots_are_picked_and_the_newest_first() {
        let snapshots = [
            view(1, true, Some(100)),
            view(2, true, Some(300)),
            view(3, false, Some(400)),
            view(4, true, None),
        ];
        let picked = |pick: Pick| {
            let picked = pick.choose(&snapshots)?;
            Some(picked.id.to_bytes()[0])
        };
        assert_eq!(picked(Pick::Latest), Some(2));
        let at = |seconds| jiff::Timestamp::from_second(seconds).unwrap();
        assert_eq!(picked(Pick::Before(at(300))), Some(1));
        assert_eq!(picked(Pick::Before(at(100))), None);
        assert_eq!(picked(Pick::Id(SnapshotId::from_bytes([1; 12]))), Some(1));
        assert_eq!(picked(Pick::Id(SnapshotId::from_bytes([3; 12]))), None);
    }
}
