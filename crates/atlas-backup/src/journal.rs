//! What a partial file holds, kept beside it, so that a download goes on where it was killed.
//!
//! ```text
//! {"snapshot":"…","etag":"\"…\"","length":1073741824,"piece":16777216}
//! {"piece":0,"bytes":262144}
//! {"piece":1,"bytes":262144}
//! ```
//!
//! A line is added after the bytes it speaks of were handed to the system. A last line that is cut
//! off is as if it were not there; a journal that contradicts the file beside it is none.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checksums::Checksums;

/// What a partial file is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// What is downloaded, in the caller's words; another one is another file.
    pub(crate) source: String,
    /// The store's strong tag.
    pub(crate) etag: String,
    /// How long the whole file is.
    pub(crate) length: u64,
    /// How long each piece is, but for the last.
    pub(crate) piece: u64,
    /// What the store announced of the whole file.
    #[serde(default)]
    pub(crate) checksums: Checksums,
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
    file: File,
}

impl Head {
    pub(crate) fn pieces(&self) -> usize {
        usize::try_from(self.length.div_ceil(self.piece.max(1))).unwrap_or(0)
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
}

/// Where the journal of a file is.
pub(crate) fn path_of(part: &Path) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

impl Journal {
    /// Begins a journal, in place of any other.
    pub(crate) fn create(part: &Path, head: Head) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        private(&mut options);
        let mut file = options.open(path_of(part))?;
        file.write_all(line(&head).as_bytes())?;
        let done = vec![0; head.pieces()];
        Ok(Self { head, done, file })
    }

    /// Takes up a journal of the same source, if it is sound and fits the partial file.
    pub(crate) fn resume(part: &Path, source: &str) -> Option<Self> {
        let path = path_of(part);
        let mut lines = BufReader::new(File::open(&path).ok()?).lines();
        let head: Head = serde_json::from_str(&lines.next()?.ok()?).ok()?;
        let fits = head.source == source && head.piece > 0 && head.pieces() <= MAX_PIECES;
        if !fits || std::fs::metadata(part).ok()?.len() != head.length {
            return None;
        }
        let mut done = vec![0; head.pieces()];
        // The first line that cannot be read is the one that was being written.
        for line in lines.map_while(Result::ok) {
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
        let mut journal = Self::create(part, head).ok()?;
        for (piece, bytes) in done.into_iter().enumerate() {
            if bytes > 0 {
                journal.note(piece, bytes).ok()?;
            }
        }
        Some(journal)
    }

    /// Notes how far a piece is.
    pub(crate) fn note(&mut self, piece: usize, bytes: u64) -> io::Result<()> {
        self.file
            .write_all(line(&Line { piece, bytes }).as_bytes())?;
        if let Some(known) = self.done.get_mut(piece) {
            *known = bytes;
        }
        Ok(())
    }

    /// How many bytes are there.
    pub(crate) fn received(&self) -> u64 {
        self.done.iter().sum()
    }

    /// Whether every piece is whole.
    pub(crate) fn is_complete(&self) -> bool {
        self.received() == self.head.length
    }
}

/// A file of more pieces is none of ours.
pub(crate) const MAX_PIECES: usize = 1 << 20;

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// Lets only the owner read a file that is made.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            source: "s".to_owned(),
            etag: "\"e\"".to_owned(),
            length: 250,
            piece: 100,
            checksums: Checksums::default(),
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
        journal.note(2, 50).unwrap();
        journal.note(0, 100).unwrap();
        journal.file.write_all(b"{\"piece\":1,\"by").unwrap();
        let resumed = Journal::resume(&part, "s").unwrap();
        assert_eq!(resumed.done, [100, 0, 50]);
        assert_eq!(resumed.received(), 150);
        assert!(!resumed.is_complete());
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
}
