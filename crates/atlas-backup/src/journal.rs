//! What a partial file holds, kept beside it, so that a download goes on where it was killed.
//!
//! ```text
//! {"format":"atlas-backup/1","source":"…","etag":"\"…\"","length":1073741824,"piece":8388608}
//! {"piece":0,"bytes":262144}
//! {"piece":1,"bytes":262144}
//! ```
//!
//! A line is added after the bytes it speaks of were handed to the system. A last line that is cut
//! off is ignored; a journal that contradicts the file beside it is not used.
//!
//! The journal also tells whose the partial file is. A download that cannot be resumed therefore has
//! one as well, whose pieces have the length 0.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::checksums::Checksums;
use crate::disk::{self, with_ending};
use crate::fetch::{LONGEST_FILE, is_moment, is_strong};

/// What a partial file is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// What marks a file as one of this program. Version 0.1 did not write it.
    #[serde(default = "format")]
    format: String,
    /// What is downloaded: ids of project and snapshot, and names. Another one is another file.
    pub(crate) source: String,
    /// The store's strong tag; empty if it gave none.
    pub(crate) etag: String,
    /// When the store says that the file was last changed, where there is no strong tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
    /// How long the whole file is.
    pub(crate) length: u64,
    /// How long each piece is, but for the last.
    pub(crate) piece: u64,
    /// What the store announced of the whole file.
    #[serde(default)]
    pub(crate) checksums: Checksums,
}

/// The mark of what this program writes beside a file.
pub(crate) const FORMAT: &str = "atlas-backup/1";

fn format() -> String {
    FORMAT.to_owned()
}

/// How long a piece of a file is; of 0 bytes, the shortest there is.
pub(crate) fn piece(length: u64) -> u64 {
    const SHORTEST: u64 = 8 << 20;
    SHORTEST.max(length.div_ceil(1 << 16))
}

/// How far one piece is.
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
    /// How many bytes of each piece are there, from its beginning.
    pub(crate) done: Vec<u64>,
    /// The first piece that is not whole.
    first: usize,
    file: File,
}

impl Head {
    /// A file whose parts can be asked for, by its strong tag or the moment of its last change.
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

    /// What a request for a part is sent with, so that it is answered by the same file only
    /// (`If-Range`, RFC 9110 section 13.1.5).
    pub(crate) fn validator(&self) -> &str {
        self.modified.as_deref().unwrap_or(&self.etag)
    }

    pub(crate) fn pieces(&self) -> usize {
        usize::try_from(self.length.div_ceil(self.piece.max(1))).unwrap_or(usize::MAX)
    }

    /// Where a piece begins.
    pub(crate) fn start(&self, piece: usize) -> u64 {
        self.piece.saturating_mul(piece as u64)
    }

    /// How long a piece is.
    pub(crate) fn size(&self, piece: usize) -> u64 {
        self.piece
            .min(self.length.saturating_sub(self.start(piece)))
    }

    /// Reads the head of the journal beside a partial file, if this program wrote it.
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

    /// The snapshot, if it is of a cluster.
    pub(crate) fn snapshot_of(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
    ) -> Option<SnapshotId> {
        let rest = self.source.strip_prefix(&format!("{project}/{cluster}/"))?;
        rest.split('/').next()?.parse().ok()
    }

    /// Whether a download can go on from what such a journal says.
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

/// The next line, with its line break; `None` at the end, and for one that cannot be read, is cut off
/// or longer than `limit` bytes. No more than that is held in memory.
fn next_line(reader: &mut impl BufRead, limit: u64) -> Option<String> {
    let mut line = String::new();
    reader.take(limit).read_line(&mut line).ok()?;
    line.ends_with('\n').then_some(line)
}

/// Where the journal of a file is.
pub(crate) fn path_of(part: &Path) -> PathBuf {
    with_ending(part, ".json")
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
    // On the disk before the partial file is: without it, that would be anybody's.
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
    /// Begins a journal, in place of any other. Fails for more pieces than a journal can have.
    pub(crate) fn create(part: &Path, head: Head) -> io::Result<Self> {
        if head.pieces() > MAX_PIECES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let done = vec![0; head.pieces()];
        Self::create_at(part, head, done)
    }

    /// Begins a journal that says how far each piece is. At no moment is it there half-written.
    fn create_at(part: &Path, head: Head, done: Vec<u64>) -> io::Result<Self> {
        let path = path_of(part);
        let mut file = disk::temporary(disk::folder(&path))?;
        let mut text = line(&head);
        for (piece, bytes) in done.iter().copied().enumerate() {
            if bytes > 0 {
                text.push_str(&line(&Line { piece, bytes }));
            }
        }
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        let file = file.persist(&path).map_err(|error| error.error)?;
        let first = 0;
        Ok(Self {
            head,
            done,
            first,
            file,
        })
    }

    /// Takes up a journal of the same source, if it is sound and fits the partial file.
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
        // The first line that cannot be read is the one that was being written.
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
        // Written anew, so that what is cut off does not stay in the middle.
        Self::create_at(part, head, done).ok()
    }

    /// Notes that so many bytes are there behind those that were there from the beginning of a piece.
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
        self.file.write_all(text.as_bytes())
    }

    /// Up to where the file is there without a gap.
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

    /// How many bytes are there.
    pub(crate) fn received(&self) -> u64 {
        self.done.iter().sum()
    }
}

/// No file of this program has more pieces.
pub(crate) const MAX_PIECES: usize = 1 << 20;

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> Head {
        Head {
            source: "s".to_owned(),
            piece: 100,
            ..Head::new(250, Some("\"e\""), None, Checksums::default())
        }
    }

    fn part(folder: &tempfile::TempDir) -> PathBuf {
        let part = folder.path().join("f.part");
        File::create(&part).unwrap().set_len(250).unwrap();
        part
    }

    #[test]
    fn a_journal_is_taken_up_where_it_ended_whatever_its_last_line_is() {
        let folder = tempfile::tempdir().unwrap();
        let part = part(&folder);
        let mut journal = Journal::create(&part, head()).unwrap();
        journal.note(0, 50).unwrap();
        journal.note(200, 50).unwrap();
        assert_eq!(journal.reached(), 50);
        journal.note(50, 70).unwrap();
        assert_eq!(
            (journal.reached(), &*journal.done),
            (120, &[100, 20, 50][..])
        );
        journal.file.write_all(b"{\"piece\":1,\"by").unwrap();
        let resumed = Journal::resume(&part, "s").unwrap();
        assert_eq!(resumed.done, [100, 20, 50]);
        assert_eq!(resumed.received(), 170);
        let again = Journal::resume(&part, "s").unwrap();
        assert_eq!(again.done, resumed.done);
    }

    #[test]
    fn a_journal_that_fits_no_more_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let part = part(&folder);
        assert!(Journal::resume(&part, "s").is_none(), "there is none");
        Journal::create(&part, head()).unwrap();
        assert!(Journal::resume(&part, "other").is_none());
        for line in [
            "{\"piece\":3,\"bytes\":1}\n",
            "{\"piece\":2,\"bytes\":51}\n",
        ] {
            let mut journal = Journal::create(&part, head()).unwrap();
            journal.file.write_all(line.as_bytes()).unwrap();
            assert!(Journal::resume(&part, "s").is_none(), "{line}");
        }
        for text in [
            "",
            "{}",
            "{\"source\":\"s\",\"etag\":\"e\",\"length\":250,\"piece\":0}",
        ] {
            std::fs::write(path_of(&part), text).unwrap();
            assert!(Journal::resume(&part, "s").is_none(), "{text}");
        }
        Journal::create(&part, head()).unwrap();
        File::create(&part).unwrap().set_len(249).unwrap();
        assert!(Journal::resume(&part, "s").is_none(), "the file was cut");
    }

    #[test]
    fn no_number_of_a_journal_is_believed_before_it_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let part = part(&folder);
        let mut odd = head();
        for (length, piece) in [
            (u64::MAX, 1),
            (u64::MAX, u64::MAX),
            (1 << 60, 1 << 20),
            (250, 0),
        ] {
            (odd.length, odd.piece) = (length, piece);
            std::fs::write(path_of(&part), line(&odd)).unwrap();
            assert!(Journal::resume(&part, "s").is_none(), "{length} {piece}");
        }
        // A file may be as long without a block on the disk.
        (odd.length, odd.piece) = ((1 << 20) + 1, 1);
        File::create(&part).unwrap().set_len(odd.length).unwrap();
        std::fs::write(path_of(&part), line(&odd)).unwrap();
        assert!(Journal::resume(&part, "s").is_none());
        assert!(Journal::create(&part, odd).is_err(), "too many pieces");
    }

    #[test]
    fn no_line_of_a_journal_is_read_beyond_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let part = part(&folder);
        let mut journal = Journal::create(&part, head()).unwrap();
        journal.note(0, 50).unwrap();
        let spaces = " ".repeat(200);
        let long = format!("{{\"piece\":0,{spaces}\"bytes\":60}}\n");
        journal.file.write_all(long.as_bytes()).unwrap();
        assert_eq!(Journal::resume(&part, "s").unwrap().received(), 50);
        let text = line(&head()).replace('{', &format!("{{{}", " ".repeat(1 << 16)));
        std::fs::write(path_of(&part), text).unwrap();
        assert!(Journal::resume(&part, "s").is_none());
    }

    /// Such a tag could not be sent, so that no run would ever go on.
    #[test]
    fn a_journal_whose_tag_cannot_be_sent_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let part = part(&folder);
        for etag in ["", "\"\"", "W/\"e\"", "\"a\nb\"", "\"é\"", "\"e"] {
            let etag = etag.to_owned();
            Journal::create(&part, Head { etag, ..head() }).unwrap();
            assert!(Journal::resume(&part, "s").is_none());
        }
    }

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..1000_u64,
            any::<u64>(),
            Just(u64::MAX),
            (0..64_u32).prop_map(|bits| 1 << bits),
        ]
    }

    proptest! {
        #[test]
        fn pieces_of_any_head_cover_its_file_and_no_number_overflows(
            length in number(), piece in number(), index in any::<usize>(),
        ) {
            let head = Head { length, piece, ..head() };
            let end = head.start(index).saturating_add(head.size(index));
            prop_assert!(end <= length || head.size(index) == 0);
            let pieces = head.pieces();
            if pieces > 0 && pieces <= 1000 && piece > 0 {
                let sum: u64 = (0..pieces).map(|piece| head.size(piece)).sum();
                prop_assert_eq!(sum, length);
            }
        }

        #[test]
        fn no_journal_makes_resuming_panic_or_believe_more_than_the_file_holds(
            length in number(), piece in number(),
            lines in proptest::collection::vec((number(), number()), 0..8),
            tail in ".{0,40}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let part = part(&folder);
            let length = if length % 2 == 0 { 250 } else { length };
            let mut text = line(&Head { length, piece, ..head() });
            for (piece, bytes) in lines {
                text += &serde_json::json!({"piece": piece, "bytes": bytes}).to_string();
                text.push('\n');
            }
            std::fs::write(path_of(&part), text + &tail).unwrap();
            if let Some(journal) = Journal::resume(&part, "s") {
                prop_assert!(journal.received() <= 250);
            }
        }
    }
}
