//! From a picked snapshot to files under their names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use atlas_model::SnapshotUrl;

pub(crate) use crate::asking::{Asking, Renewing};
use crate::backups::Backups;
use crate::disk;
use crate::error::Error;
use crate::fetch::{self, Plan};
use crate::job::Place;
use crate::manifest::Manifest;
pub(crate) use crate::one_file::{Already, OneFile};
use crate::options::DownloadOptions;
use crate::part_lock::PartLock;
use crate::progress::{Event, Progress};
use crate::retries::Retries;
use crate::saved::{self, Existing, Saved, check_output};
use crate::shards::is_usable;
use crate::snapshot::SnapshotView;
use crate::verify::inspect;

impl Backups {
    pub(crate) async fn download_picked(
        &self,
        place: &Place<'_>,
        snapshot: &SnapshotView,
        out: &Path,
        existing: Existing,
        options: &DownloadOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<Saved>, Error> {
        let asking = Asking::new(self.client(), place, snapshot, &options.wait, progress);
        let job = asking.ready().await?;
        // The next job may give a place to another shard. Files get such names only together, and
        // only if each differs: then all shards are there, whichever job each is from.
        let by_place = job.is_by_place();
        let mut files: Vec<Fetched> = Vec::new();
        for (index, link) in job.links.iter().enumerate() {
            let shard = link.shard.as_deref().map(|shard| plain(shard, index));
            let out = match &shard {
                Some(shard) => of_shard(out, shard),
                None => out.to_owned(),
            };
            let saving = Saving {
                file: OneFile::new(place, snapshot, shard, &job),
                out: &out,
                existing,
                anew: by_place && existing != Existing::Refuse,
                options,
                progress,
            };
            let links = asking.links(index);
            let fetched = self.fetch(saving, link.url.clone(), links).await?;
            let distinct = fetched
                .manifest()
                .check_distinct(files.iter().map(Fetched::manifest));
            if let Err(error) = distinct {
                fetched.discard();
                files.iter().for_each(Fetched::discard);
                return Err(error);
            }
            files.push(match fetched {
                Fetched::Whole(whole) if !by_place => Fetched::Saved(whole.complete(progress)?),
                fetched => fetched,
            });
        }
        let saved = files.into_iter().map(|file| match file {
            Fetched::Saved(saved) => Ok(saved),
            Fetched::Whole(whole) => whole.complete(progress),
        });
        saved.collect()
    }

    /// Fetches and verifies a file, unless it is there.
    async fn fetch(
        &self,
        saving: Saving<'_>,
        link: SnapshotUrl,
        mut links: Renewing<'_>,
    ) -> Result<Fetched, Error> {
        let Saving {
            file,
            out,
            existing,
            anew,
            options,
            progress,
        } = saving;
        let mut existing = existing;
        match file.already(out, existing, anew, progress).await? {
            Already::Sound(manifest) => {
                return Ok(Fetched::Saved(Saved {
                    path: out.to_owned(),
                    manifest: *manifest,
                }));
            }
            // Its own manifest says that it is this file and that it has changed.
            Already::Damaged => existing = Existing::Replace,
            Already::Other if existing != Existing::Refuse => existing = Existing::Replace,
            Already::Other | Already::No => check_output(out, existing != Existing::Refuse)?,
        }
        let step_aside = existing != Existing::Refuse;
        let part = PartLock::take(out, &file.source(), step_aside)?;
        let plan = Plan {
            connections: options.connections,
            source: file.source(),
            retries: Retries::new(self.client(), options.patience),
        };
        let client = &self.file_client(plan.connections);
        let fetched = fetch::fetch(client, link, &mut links, part.path(), &plan, progress).await;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                if !can_go_on_after(&error) {
                    part.discard();
                }
                return Err(error);
            }
        };
        progress.tell(Event::Verifying);
        let checksums = fetched.checksums;
        let (part, inspected) = tokio::task::spawn_blocking(move || {
            // Through the descriptor that was open all the time, which is told of every failure to
            // write the file back.
            let inspected = disk::sync(part.file(), part.path())
                .and_then(|()| inspect(part.path(), &checksums));
            (part, inspected)
        })
        .await
        .map_err(|error| Error::file(out, "cannot be read", error.into()))?;
        let found = match inspected {
            Ok(found) if found.bytes == fetched.length => found,
            Ok(found) => {
                part.discard();
                return Err(Error::Length {
                    received: found.bytes,
                    expected: fetched.length,
                });
            }
            Err(error) => {
                if is_spoilt(&error) {
                    part.discard();
                }
                return Err(error);
            }
        };
        Ok(Fetched::Whole(Whole {
            manifest: file.manifest(found.bytes, found.sha256),
            part,
            out: out.to_owned(),
            existing,
        }))
    }
}

/// A file that was fetched, or was there.
enum Fetched {
    Saved(Saved),
    Whole(Whole),
}

impl Fetched {
    fn manifest(&self) -> &Manifest {
        match self {
            Self::Saved(saved) => &saved.manifest,
            Self::Whole(whole) => &whole.manifest,
        }
    }

    /// Removes it, unless it has its name.
    fn discard(&self) {
        if let Self::Whole(whole) = self {
            whole.part.discard();
        }
    }
}

/// A partial file that is whole, synced and sound.
struct Whole {
    part: PartLock,
    out: PathBuf,
    manifest: Manifest,
    existing: Existing,
}

impl Whole {
    /// Gives it its name.
    fn complete(self, progress: Progress<'_>) -> Result<Saved, Error> {
        let Self {
            part,
            out,
            manifest,
            existing,
        } = self;
        match saved::complete(&part, &out, manifest, existing, progress) {
            Ok(manifest) => Ok(Saved {
                path: out,
                manifest,
            }),
            Err(error) => {
                if is_spoilt(&error) {
                    part.discard();
                }
                Err(error)
            }
        }
    }
}

/// Whether what is there of a file is of use after an error: not if it cannot be written to, unless
/// room can be made.
fn can_go_on_after(error: &Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        Error::File { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
        _ => true,
    }
}

/// Whether what was downloaded is not to be trusted after an error: after a sync that failed, the
/// next one may succeed though the data never reached the disk.
fn is_spoilt(error: &Error) -> bool {
    match error {
        Error::Unsound { .. } => true,
        Error::File { doing, .. } => *doing == disk::UNSYNCED,
        _ => false,
    }
}

/// One file that is being saved.
struct Saving<'a> {
    file: OneFile<'a>,
    out: &'a Path,
    existing: Existing,
    /// Whether a file of an earlier job is not taken for this one.
    anew: bool,
    options: &'a DownloadOptions,
    progress: Progress<'a>,
}

/// A shard's name as it may stand in a file's: what Atlas says of it names no folder.
pub(crate) fn plain(shard: &str, index: usize) -> String {
    if is_usable(shard) {
        shard.to_owned()
    } else {
        index.to_string()
    }
}

/// The file of one shard: its name before the ending.
pub(crate) fn of_shard(out: &Path, shard: &str) -> PathBuf {
    let name = out.file_name().map(OsString::from).unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let (stem, ending) = match name.find('.').filter(|at| *at > 0) {
        Some(at) => name.split_at(at),
        None => (name.as_str(), ""),
    };
    out.with_file_name(format!("{stem}-{shard}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_costs_nothing_that_was_received() {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull};
        for (kind, goes_on) in [
            (StorageFull, true),
            (QuotaExceeded, true),
            (PermissionDenied, false),
        ] {
            let error = Error::file(Path::new("s.part"), "cannot be written", kind.into());
            assert_eq!(can_go_on_after(&error), goes_on, "{kind}");
            assert!(!error.is_transient(), "{kind}");
        }
    }

    #[test]
    fn a_shard_stands_before_the_ending_and_never_leads_elsewhere() {
        let named = |out: &str, shard: &str| {
            let path = of_shard(Path::new(out), &plain(shard, 3));
            path.display().to_string()
        };
        assert_eq!(named("a/b.tgz", "shard-0"), "a/b-shard-0.tgz");
        assert_eq!(named("b.tar.gz", "s"), "b-s.tar.gz");
        assert_eq!(named("b", "s"), "b-s");
        assert_eq!(named(".b", "s"), ".b-s");
        for odd in ["../x", "/etc/passwd", "", "a/b", "\0", "a.b", "ä"] {
            assert_eq!(named("a/b.tgz", odd), "a/b-3.tgz", "{odd}");
        }
    }
}
