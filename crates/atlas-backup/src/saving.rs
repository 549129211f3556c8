//! Saving the files of a picked snapshot under their names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use atlas_model::SnapshotUrl;

pub(crate) use crate::asking::{Asking, Renewing};
use crate::backups::Backups;
use crate::disk;
use crate::error::Error;
use crate::fetch::{DownloadJob, FileSink};
use crate::job::Place;
use crate::job_view::JobView;
use crate::manifest::Manifest;
pub(crate) use crate::one_file::{Already, OneFile};
use crate::options::DownloadOptions;
use crate::part_lock::PartLock;
use crate::progress::Progress;
use crate::retries::Retries;
use crate::saved::{self, Existing, Saved, check_output};
use crate::shards::is_usable;
use crate::snapshot::SnapshotView;

impl Backups {
    pub(crate) async fn download_picked(
        &self,
        place: &Place<'_>,
        snapshot: &SnapshotView,
        existing_job: Option<JobView>,
        out: &Path,
        how: How<'_>,
    ) -> Result<Vec<Saved>, Error> {
        let How {
            existing,
            options,
            retries,
            progress,
        } = how;
        let asking = Asking::new(
            self.client(),
            place,
            snapshot,
            &options.wait,
            retries,
            progress,
        )
        .existing(existing_job);
        let job = asking.ready().await?;
        // The next job may use the same index for another shard. Files get such names only
        // together, and only if all differ: then all shards are present, whichever job each is
        // from.
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
                fresh: by_place && existing != Existing::Refuse,
                how,
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

    /// Downloads and verifies a file, unless it is already present.
    async fn fetch(
        &self,
        saving: Saving<'_>,
        link: SnapshotUrl,
        links: Renewing<'_>,
    ) -> Result<Fetched, Error> {
        let Saving {
            file,
            out,
            fresh,
            how,
        } = saving;
        let How {
            mut existing,
            options,
            retries,
            progress,
        } = how;
        match file.already(out, existing, fresh, retries.teller()).await? {
            Already::Sound(manifest) => {
                return Ok(Fetched::Saved(Saved {
                    path: out.to_owned(),
                    manifest: *manifest,
                }));
            }
            // Its own manifest states that it is this file and has changed.
            Already::Damaged(treated) => existing = treated,
            Already::Other(treated) if existing != Existing::Refuse => existing = treated,
            Already::Other(_) | Already::No => check_output(out, existing != Existing::Refuse)?,
        }
        let step_aside = existing != Existing::Refuse;
        let part = PartLock::take(out, &file.source(), step_aside)?;
        let connections = options.connections;
        let mut job = DownloadJob::new(self, connections, retries, links, progress);
        let mut sink = FileSink::new(&part, file.source(), options.connections, progress);
        let fetched = job.run(link, &mut sink).await;
        let found = match fetched {
            Ok(found) => found,
            Err(error) => {
                if is_spoilt(&error) || !can_go_on_after(&error) || sink.is_unsynced().await {
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

/// A downloaded or already present file.
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

    /// Removes the file, unless it has its final name.
    fn discard(&self) {
        if let Self::Whole(whole) = self {
            whole.part.discard();
        }
    }
}

/// A partial file that is complete, synced and sound.
struct Whole {
    part: PartLock,
    out: PathBuf,
    manifest: Manifest,
    existing: Existing,
}

impl Whole {
    /// Gives the file its final name.
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

/// Whether the partial file is useful after an error: not if it cannot be written to, unless space
/// can be freed.
fn can_go_on_after(error: &Error) -> bool {
    !matches!(error, Error::File { .. }) || error.is_of_full_disk()
}

/// Whether the downloaded data must be discarded after an error: after a failed sync, the next one
/// may succeed although the data never reached the disk.
fn is_spoilt(error: &Error) -> bool {
    match error {
        Error::Unsound { .. } => true,
        Error::File { doing, .. } => *doing == disk::UNSYNCED,
        _ => false,
    }
}

/// A file that is being saved.
struct Saving<'a> {
    file: OneFile<'a>,
    out: &'a Path,
    /// Whether a file of an earlier job is downloaded again.
    fresh: bool,
    how: How<'a>,
}

/// How files are saved.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    /// The treatment of an existing file of the same name.
    pub(crate) existing: Existing,
    pub(crate) options: &'a DownloadOptions,
    pub(crate) retries: &'a Retries,
    pub(crate) progress: Progress<'a>,
}

/// A shard's name for use in a file name: the name of Atlas if it is safe, otherwise the index.
pub(crate) fn plain(shard: &str, index: usize) -> String {
    if is_usable(shard) {
        shard.to_owned()
    } else {
        index.to_string()
    }
}

/// The path of a shard's file: the shard's name is inserted before the ending.
pub(crate) fn of_shard(out: &Path, shard: &str) -> PathBuf {
    let name = out.file_name().map(OsString::from).unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let (stem, ending) = file_parts(&name);
    out.with_file_name(format!("{stem}-{shard}{ending}"))
}

/// A file's name before its first dot, and the ending from that dot on.
pub(crate) fn file_parts(name: &str) -> (&str, &str) {
    match name.find('.').filter(|at| *at > 0) {
        Some(at) => name.split_at(at),
        None => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_keeps_the_received_data() {
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
    fn a_shard_is_inserted_before_the_ending_and_never_leads_elsewhere() {
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
