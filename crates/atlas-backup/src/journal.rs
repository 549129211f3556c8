//! The journal of a partial file, kept next to it so that a download can be resumed.
//!
//! ```text
//! {"format":"atlas-backup/1","source":"…","etag":"\"…\"","length":1073741824,"piece":8388608}
//! {"piece":0,"bytes":262144}
//! {"piece":1,"bytes":262144}
//! ```
//!
//! A line is added after its bytes were handed to the system. A truncated last line is ignored. A
//! journal that contradicts its partial file is not used.
//!
//! A file has at most 65,536 pieces, and a journal that has grown by 4 MiB is rewritten with one
//! line for each piece. It is therefore never longer than 7 MiB, and uses half a MiB of memory,
//! however long the file and however short the batches are.
//!
//! The journal also identifies the owner of the partial file. A download that cannot be resumed
//! therefore has one as well, with pieces of length 0.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::checksums::Checksums;
use crate::disk::{self, with_ending};
use crate::fetch::{LONGEST_FILE, is_moment, is_strong};

/// The description of the file that a partial file belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// Marks a file of this program. Version 0.1 did not write it.
    #[serde(default = "format")]
    format: String,
    /// The source: ids of project and snapshot, and names. A different source is a different file.
    pub(crate) source: String,
    /// The strong tag of the store; empty if there is none.
    pub(crate) etag: String,
    /// The `Last-Modified` date of the store, if there is no strong tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
    /// The length of the whole file in bytes.
    pub(crate) length: u64,
    /// The length of each piece except the last.
    pub(crate) piece: u64,
    /// The checksums that the store announced for the whole file.
    #[serde(default)]
    pub(crate) checksums: Checksums,
}

/// The mark in files that this program writes next to a snapshot.
pub(crate) const FORMAT: &str = "atlas-backup/1";

fn format() -> String {
    FORMAT.to_owned()
}

/// The length of a file's pieces, for a file of `length` bytes.
pub(crate) fn piece(length: u64) -> u64 {
    const SHORTEST: u64 = 8 << 20;
    SHORTEST.max(length.div_ceil(1 << 16))
}

/// The progress of one piece.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    piece: usize,
    bytes: u64,
}

/// The journal of a partial file.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) head: Head,
    /// The number of bytes of each piece that are present, from its beginning.
    pub(crate) done: Vec<u64>,
    /// The first incomplete piece.
    first: usize,
    file: File,
    /// The partial file of the journal.
    part: PathBuf,
    /// The number of bytes of lines added since the last rewrite.
    added: u64,
}

impl Head {
    /// Describes a file whose parts can be requested, by its strong tag or the date of its last
    /// change.
    pub(crate) fn new(
        length: u64,
        etag: Option<&str>,
        modified: Option<&str>,
        checksums: Checksums,
    ) -> Self {
        Self {
            format: format(),
            source: String::new(),
            etag: etag.unwrap_or_default().to_owned(),
            modified: modified.filter(|_| etag.is_none()).map(str::to_owned),
            length,
            piece: piece(length),
            checksums,
        }
    }

    /// The validator of a request for a part, so that only the same file is returned (`If-Range`,
    /// RFC 9110 section 13.1.5).
    pub(crate) fn validator(&self) -> &str {
        self.modified.as_deref().unwrap_or(&self.etag)
    }

    pub(crate) fn pieces(&self) -> usize {
        usize::try_from(self.length.div_ceil(self.piece.max(1))).unwrap_or(usize::MAX)
    }

    /// The position of a piece.
    pub(crate) fn start(&self, piece: usize) -> u64 {
        self.piece.saturating_mul(piece as u64)
    }

    /// The length of a piece.
    pub(crate) fn size(&self, piece: usize) -> u64 {
        self.piece
            .min(self.length.saturating_sub(self.start(piece)))
    }

    /// Reads the head of a partial file's journal, if this program wrote it.
    pub(crate) fn read(part: &Path) -> Option<Self> {
        let head = first_line(&path_of(part))?;
        let head: Self = serde_json::from_str(&head).ok()?;
        let mut names = head.source.splitn(4, '/');
        let ours = head.format == FORMAT
            && names.next()?.parse::<ProjectId>().is_ok()
            && names.next()?.parse::<ClusterName>().is_ok()
            && names.next()?.parse::<SnapshotId>().is_ok()
            && names.next().is_some();
        ours.then_some(head)
    }

    /// The snapshot, if it belongs to the cluster.
    pub(crate) fn snapshot_of(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Option<SnapshotId> {
        let rest = self.source.strip_prefix(&format!("{project}/{cluster}/"))?;
        rest.split('/').next()?.parse().ok()
    }

    /// Whether a download can be resumed with such a journal.
    pub(crate) fn is_resumable(&self) -> bool {
        let is_known = match &self.modified {
            Some(moment) => is_moment(moment),
            None => is_strong(&self.etag),
        };
        self.piece > 0 && self.length <= LONGEST_FILE && is_known
    }
}

/// The longest first line of a journal.
const LONGEST_HEAD: u64 = 1 << 16;
/// The longest other line.
const LONGEST_LINE: u64 = 128;

/// The first line of a regular file, unless it is too long for a head.
fn first_line(path: &Path) -> Option<String> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    next_line(&mut BufReader::new(File::open(path).ok()?), LONGEST_HEAD)
}

/// The next line, with its line break; `None` at the end, and for one that is unreadable, truncated
/// or longer than `limit` bytes. At most `limit` bytes are held in memory.
fn next_line(reader: &mut impl BufRead, limit: u64) -> Option<String> {
    let mut line = String::new();
    reader.take(limit).read_line(&mut line).ok()?;
    line.ends_with('\n').then_some(line)
}

/// The path of a partial file's journal.
pub(crate) fn path_of(part: &Path) -> PathBuf {
    with_ending(part, ".json")
}

/// Removes the journal of a partial file, unless a file of another program has its name.
pub(crate) fn remove(part: &Path) -> io::Result<()> {
    match Head::read(part) {
        Some(_) => std::fs::remove_file(path_of(part)),
        None => Ok(()),
    }
}

/// Marks a partial file as one of this program that cannot be resumed.
pub(crate) fn claim(part: &Path, source: &str) -> io::Result<()> {
    Journal::create(part, unresumable(source)).map(|_| ())
}

/// The same for a file that does not exist yet; fails with `AlreadyExists` if there is a journal.
pub(crate) fn claim_new(part: &Path, source: &str) -> io::Result<()> {
    let path = path_of(part);
    let mut file = disk::temporary(disk::folder(&path))?;
    file.write_all(line(&unresumable(source)).as_bytes())?;
    // Written to disk before the partial file: without it, the owner of that file would be unknown.
    file.as_file().sync_all()?;
    let temporary = file.into_temp_path();
    disk::rename_new(&temporary, &path)?;
    disk::sync_folder(&path).map_err(|error| {
        let _ = std::fs::remove_file(&path);
        io::Error::other(error)
    })
}

fn unresumable(source: &str) -> Head {
    Head {
        source: source.to_owned(),
        piece: 0,
        ..Head::new(0, None, None, Checksums::default())
    }
}

impl Journal {
    /// Creates a journal, in place of any other. Fails for more pieces than a journal can have.
    pub(crate) fn create(part: &Path, head: Head) -> io::Result<Self> {
        if head.pieces() > MAX_PIECES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let done = vec![0; head.pieces()];
        Self::create_at(part, head, done)
    }

    /// Creates a journal with the progress of each piece. It never exists half-written.
    fn create_at(part: &Path, head: Head, done: Vec<u64>) -> io::Result<Self> {
        let path = path_of(part);
        if path.symlink_metadata().is_ok() && Head::read(part).is_none() {
            let error = "a file of another program has the name of its journal";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, error));
        }
        let mut file = disk::temporary(disk::folder(&path))?;
        let mut text = line(&head);
        for (piece, bytes) in done.iter().copied().enumerate() {
            if bytes > 0 {
                text.push_str(&line(&Line { piece, bytes }));
            }
        }
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        let file = disk::persist(file, &path)?;
        Ok(Self {
            head,
            done,
            first: 0,
            file,
            part: part.to_owned(),
            added: 0,
        })
    }

    /// Resumes a journal of the same source, if it is valid and fits the partial file.
    pub(crate) fn resume(part: &Path, source: &str) -> Option<Self> {
        let path = path_of(part);
        let mut reader = BufReader::new(File::open(&path).ok()?);
        let head = next_line(&mut reader, LONGEST_HEAD)?;
        let head: Head = serde_json::from_str(&head).ok()?;
        let fits = head.format == FORMAT && head.source == source && head.is_resumable();
        if !fits || std::fs::metadata(part).ok()?.len() != head.length {
            return None;
        }
        if head.pieces() > MAX_PIECES {
            return None;
        }
        let mut done = vec![0; head.pieces()];
        // The first unreadable line is the one that was being written.
        while let Some(line) = next_line(&mut reader, LONGEST_LINE) {
            let Ok(line) = serde_json::from_str::<Line>(&line) else {
                break;
            };
            let known = done.get_mut(line.piece)?;
            if line.bytes > head.size(line.piece) {
                return None;
            }
            *known = line.bytes.max(*known);
        }
        drop(reader);
        // Rewritten, so that a truncated line does not stay in the middle.
        Self::create_at(part, head, done).ok()
    }

    /// Records `bytes` present bytes after position `from`.
    pub(crate) fn note(&mut self, from: u64, bytes: u64) -> io::Result<()> {
        let end = from.saturating_add(bytes).min(self.head.length);
        let mut text = String::new();
        let mut position = from;
        while position < end && self.head.piece > 0 {
            let piece = usize::try_from(position / self.head.piece).unwrap_or(usize::MAX);
            let start = self.head.start(piece);
            let reached = end.min(start.saturating_add(self.head.piece));
            let Some(known) = self.done.get_mut(piece) else {
                break;
            };
            *known = reached - start;
            text.push_str(&line(&Line {
                piece,
                bytes: *known,
            }));
            position = reached;
        }
        self.file.write_all(text.as_bytes())?;
        self.added = self.added.saturating_add(text.len() as u64);
        if self.added < LONGEST_TAIL {
            return Ok(());
        }
        *self = Self::create_at(&self.part, self.head.clone(), self.done.clone())?;
        Ok(())
    }

    /// The position up to which the file has no gap.
    pub(crate) fn reached(&mut self) -> u64 {
        let is_whole = |piece: usize| self.done[piece] >= self.head.size(piece);
        while self.first < self.done.len() && is_whole(self.first) {
            self.first += 1;
        }
        match self.done.get(self.first) {
            Some(done) => self.head.start(self.first).saturating_add(*done),
            None => self.head.length,
        }
    }

    /// The number of present bytes.
    pub(crate) fn received(&self) -> u64 {
        self.done.iter().sum()
    }
}

/// How much is added to a journal before it is rewritten.
const LONGEST_TAIL: u64 = 4 << 20;
/// The maximum number of pieces of a file.
pub(crate) const MAX_PIECES: usize = 1 << 20;

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests;
