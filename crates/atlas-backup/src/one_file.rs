//! One file of a snapshot: its manifest, and whether it is already present.

use std::path::Path;

use jiff::Timestamp;

use crate::disk;
use crate::error::Error;
use crate::job::Place;
use crate::job_view::JobView;
use crate::manifest::{Format, Manifest};
use crate::progress::Event;
use crate::saved::{self, Existing};
use crate::snapshot::SnapshotView;
use crate::teller::Teller;

/// One file of a snapshot.
pub(crate) struct OneFile<'a> {
    place: &'a Place<'a>,
    snapshot: &'a SnapshotView,
    shard: Option<String>,
    /// The names that the job uses for all shards of the snapshot, in its order.
    shards: Vec<String>,
    files: u16,
}

/// The result of looking for an existing file.
pub(crate) enum Already {
    /// The file is present and sound.
    Sound(Box<Manifest>),
    /// The file is present but has changed, and how it is treated.
    Damaged(Existing),
    /// A file of this snapshot that may be another shard's: from a job with other names for its
    /// shards, or with none; and how it is treated, if files may be replaced.
    Other(Existing),
    /// No file, or an unrelated one.
    No,
}

/// Whether a version is short enough for a manifest.
#[allow(clippy::ptr_arg, reason = "the signature of a filter")]
fn is_version(version: &String) -> bool {
    version.len() <= 100
}

impl<'a> OneFile<'a> {
    pub(crate) fn new(
        place: &'a Place<'a>,
        snapshot: &'a SnapshotView,
        shard: Option<String>,
        job: &JobView,
    ) -> Self {
        Self {
            place,
            snapshot,
            shard,
            shards: job.shards(),
            files: u16::try_from(job.links.len()).unwrap_or(u16::MAX),
        }
    }

    /// The source of the file, for the journal.
    pub(crate) fn source(&self) -> String {
        let Place {
            project, cluster, ..
        } = self.place;
        let shard = self.shard.as_deref().unwrap_or_default();
        format!("{project}/{cluster}/{}/{shard}", self.snapshot.id)
    }

    /// Whether the file of a shard was completed by an earlier run, before another shard failed.
    /// With `fresh`, an existing file of the snapshot is never accepted.
    pub(crate) async fn already(
        &self,
        out: &Path,
        existing: Existing,
        fresh: bool,
        teller: &Teller,
    ) -> Result<Already, Error> {
        let found = disk::look(out)?;
        let Some(found) = found.filter(|_| self.shard.is_some()) else {
            return Ok(Already::No);
        };
        saved::settle(out)?;
        let Some(mut manifest) = Manifest::read(out)
            .ok()
            .filter(|manifest| self.is_of(manifest))
        else {
            return Ok(Already::No);
        };
        // A file of another length may be the user's, who put it there after the shard was lost.
        let treated = if manifest.may_be_of(found.len()) {
            Existing::Replace
        } else {
            Existing::SetAside
        };
        // Version 0.1 did not record them.
        let is_old = manifest.shards.is_empty() && existing == Existing::Refuse;
        let same_shards = is_old || manifest.shards == self.shards;
        if fresh || manifest.files != self.files || !same_shards {
            return Ok(Already::Other(treated));
        }
        let (path, telling) = (out.to_owned(), teller.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let checked = saved::recheck(&path, &mut manifest, false, &telling);
            checked.map(|()| manifest)
        });
        match checked.await {
            Ok(Ok(manifest)) => Ok(Already::Sound(Box::new(manifest))),
            Ok(Err(Error::Unsound { .. })) => {
                let path = out.to_owned();
                teller.tell(Event::Damaged { path });
                Ok(Already::Damaged(treated))
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(Error::file(out, "cannot be read", error.into())),
        }
    }

    /// Whether a manifest describes this file: the same shard among the same shards.
    #[cfg(feature = "object-store")]
    pub(crate) fn is_described_by(&self, manifest: &Manifest) -> bool {
        self.is_of(manifest) && manifest.shards == self.shards && manifest.files == self.files
    }

    /// Whether a manifest is of this snapshot and names the same shard.
    pub(crate) fn is_of(&self, manifest: &Manifest) -> bool {
        manifest.snapshot == self.snapshot.id
            && manifest.shard == self.shard
            && manifest.project == self.place.project
            && manifest.cluster == *self.place.cluster
    }

    pub(crate) fn manifest(&self, bytes: u64, sha256: String) -> Manifest {
        Manifest {
            format: Format::One,
            snapshot: self.snapshot.id,
            cluster: self.place.cluster.clone(),
            cluster_id: self.place.cluster_id,
            project: self.place.project,
            kind: self.place.kind,
            shard: self.shard.clone(),
            shards: self.shards.clone(),
            files: self.files,
            taken: self.snapshot.taken.map(|taken| taken.to_string()),
            downloaded: Timestamp::now().to_string(),
            bytes,
            sha256,
            mongodb_version: self.snapshot.mongodb_version.clone().filter(is_version),
            modified: None,
            inode: None,
        }
    }
}
