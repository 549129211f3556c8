//! From a picked snapshot to files under their names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use atlas_model::{SnapshotId, SnapshotUrl};
use atlas_transport::Client;
use jiff::Timestamp;

use crate::backups::{Backups, DownloadOptions};
use crate::disk;
use crate::error::Error;
use crate::fetch::{self, Links, Plan};
use crate::job::{self, Place, WaitPolicy};
use crate::job_view::JobView;
use crate::note::Note;
use crate::part_lock::PartLock;
use crate::progress::{Event, Progress};
use crate::saved::{self, Existing, Saved, check_output};
use crate::shards::is_usable;
use crate::snapshot::SnapshotView;
use crate::verify::inspect;
use crate::waiting::Wait;

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
        let asking = Asking::new(self.client(), place, snapshot.id, &options.wait, progress);
        let job = asking.ready().await?;
        let mut saved = Vec::new();
        for (index, link) in job.links.iter().enumerate() {
            let shard = link.shard.as_deref().map(|shard| plain(shard, index));
            let out = match &shard {
                Some(shard) => of_shard(out, shard),
                None => out.to_owned(),
            };
            let files = u16::try_from(job.links.len()).unwrap_or(u16::MAX);
            let file = OneFile::new(place, snapshot, shard, files);
            let saving = Saving {
                file,
                out: &out,
                existing,
                options,
                progress,
            };
            let links = asking.links(index);
            saved.push(self.save(saving, link.url.clone(), links).await?);
        }
        if saved.is_empty() {
            return Err(Error::NoLink { job: job.id });
        }
        Ok(saved)
    }

    async fn save(
        &self,
        saving: Saving<'_>,
        link: SnapshotUrl,
        mut links: Renewing<'_>,
    ) -> Result<Saved, Error> {
        let Saving {
            file,
            out,
            existing,
            options,
            progress,
        } = saving;
        let mut existing = existing;
        match file.already(out, progress).await? {
            Already::Sound(note) => {
                return Ok(Saved {
                    path: out.to_owned(),
                    note: *note,
                });
            }
            // Its own note says that it is this file and that it has changed.
            Already::Damaged => existing = Existing::Replace,
            Already::No => check_output(out, existing != Existing::Refuse)?,
        }
        let step_aside = existing != Existing::Refuse;
        let part = PartLock::take(out, &file.source(), step_aside)?;
        let plan = Plan {
            connections: options.connections,
            source: file.source(),
        };
        let client = self.client();
        let fetched = fetch::fetch(client, link, &mut links, part.path(), &plan, progress).await;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                // A disk that is full or forbidden is not helped by what is left on it.
                if matches!(error, Error::File { .. }) {
                    part.discard();
                }
                return Err(error);
            }
        };
        progress(Event::Verifying);
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
        let note = file.note(found.bytes, found.sha256);
        match saved::complete(&part, out, note, existing, progress) {
            Ok(note) => Ok(Saved {
                path: out.to_owned(),
                note,
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

/// Whether what was downloaded is not to be trusted after an error: after a sync that failed, the
/// next one may succeed though the data never reached the disk.
fn is_spoilt(error: &Error) -> bool {
    match error {
        Error::Unsound { .. } => true,
        Error::File { doing, .. } => *doing == disk::UNSYNCED,
        _ => false,
    }
}

/// One file of a snapshot.
pub(crate) struct OneFile<'a> {
    place: &'a Place<'a>,
    snapshot: &'a SnapshotView,
    shard: Option<String>,
    files: u16,
}

/// One file that is being saved.
struct Saving<'a> {
    file: OneFile<'a>,
    out: &'a Path,
    existing: Existing,
    options: &'a DownloadOptions,
    progress: Progress<'a>,
}

/// What there is under a file's name.
enum Already {
    /// The file.
    Sound(Box<Note>),
    /// A file that was this one and has changed.
    Damaged,
    /// Nothing, or anything else.
    No,
}

impl<'a> OneFile<'a> {
    pub(crate) fn new(
        place: &'a Place<'a>,
        snapshot: &'a SnapshotView,
        shard: Option<String>,
        files: u16,
    ) -> Self {
        Self {
            place,
            snapshot,
            shard,
            files,
        }
    }

    /// What is fetched, for the journal.
    fn source(&self) -> String {
        let Place {
            project, cluster, ..
        } = self.place;
        let shard = self.shard.as_deref().unwrap_or_default();
        format!("{project}/{cluster}/{}/{shard}", self.snapshot.id)
    }

    /// Whether the file of a shard was completed by an earlier run, before another shard failed.
    async fn already(&self, out: &Path, progress: Progress<'_>) -> Result<Already, Error> {
        if self.shard.is_none() || disk::look(out)?.is_none() {
            return Ok(Already::No);
        }
        saved::settle(out)?;
        let Some(mut note) = Note::read(out).ok().filter(|note| self.is_of(note)) else {
            return Ok(Already::No);
        };
        let path = out.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            let checked = saved::recheck(&path, &mut note, false);
            checked.map(|()| note)
        });
        match checked.await {
            Ok(Ok(note)) => Ok(Already::Sound(Box::new(note))),
            Ok(Err(Error::Unsound { .. })) => {
                let path = out.to_owned();
                progress(Event::Damaged { path });
                Ok(Already::Damaged)
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(Error::file(out, "cannot be read", error.into())),
        }
    }

    /// Whether a note is the one of this file.
    fn is_of(&self, note: &Note) -> bool {
        note.snapshot == self.snapshot.id
            && note.shard == self.shard
            && note.files == self.files
            && note.project == self.place.project
            && note.cluster == *self.place.cluster
    }

    pub(crate) fn note(&self, bytes: u64, sha256: String) -> Note {
        Note {
            snapshot: self.snapshot.id,
            cluster: self.place.cluster.clone(),
            project: self.place.project,
            kind: self.place.kind,
            shard: self.shard.clone(),
            files: self.files,
            taken: self.snapshot.taken.map(|taken| taken.to_string()),
            downloaded: Timestamp::now().to_string(),
            bytes,
            sha256,
            mongodb_version: self.snapshot.mongodb_version.clone(),
            modified: None,
            inode: None,
        }
    }
}

/// Asks for a download, as often as new links are needed.
pub(crate) struct Asking<'a> {
    client: &'a Client,
    place: &'a Place<'a>,
    snapshot: SnapshotId,
    policy: &'a WaitPolicy,
    progress: Progress<'a>,
    /// The shards of the first job, in its order.
    shards: OnceLock<Vec<Option<String>>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        client: &'a Client,
        place: &'a Place<'a>,
        snapshot: SnapshotId,
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
        let (wait, progress) = (&mut Wait::new(self.policy), self.progress);
        let job = job::request_download(client, place, self.snapshot, wait, progress).await?;
        let job = job::wait(client, place, job, wait, progress).await?;
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
