//! Spans and journals of files of any length, including 2 TiB.

use std::fs::File;

use fastrand::Rng;

use super::*;
use crate::progress::{Reporter, silent};

/// The spans of a file in the order in which connections take them.
fn spans(length: u64, connections: usize) -> Vec<u64> {
    let piece = journal::piece(length);
    let mut left = usize::try_from(length.div_ceil(piece)).unwrap();
    let mut spans = Vec::new();
    while left > 0 {
        let most = pieces_at_once(spans.len() / connections, left, connections, piece);
        left -= most;
        spans.push(most as u64 * piece);
    }
    spans
}

#[test]
fn spans_are_short_at_both_ends_and_few_in_the_middle() {
    for (gibibytes, connections) in [(1, 4), (1, 8), (20, 4), (2048, 8)] {
        let (length, piece) = (gibibytes << 30, journal::piece(gibibytes << 30));
        let spans = spans(length, connections);
        assert_eq!(spans.iter().sum::<u64>(), length);
        assert!(spans.iter().all(|span| *span <= LONGEST_SPAN.max(piece)));
        assert!(spans[..connections].iter().all(|span| *span == piece));
        let last = &spans[spans.len() - connections..];
        assert!(last.iter().all(|span| *span == piece), "{last:?}");
        let fewest = length.div_ceil(LONGEST_SPAN.max(piece));
        assert!(
            spans.len() as u64 <= 2 * fewest + 16 * connections as u64,
            "{}",
            spans.len()
        );
    }
}

/// 2 TiB. Its content is never created: a gzip file with only two real ends cannot be decompressed,
/// and decompressing a whole one takes hours. The test covers everything that depends on the
/// length.
const LENGTH: u64 = 2 << 40;
/// The maximum length of a journal.
const LONGEST_JOURNAL: u64 = 7 << 20;

const SOURCE: &str = "32b6e34b3d91647abb20e7b8/Cluster0/32b6e34b3d91647abb20e7b9/";

/// A sparse partial file of 2 TiB, and the progress of each of its pieces.
struct Sparse {
    _folder: tempfile::TempDir,
    lock: PartLock,
    done: Vec<u64>,
    /// The piece that was written last, and its progress before that.
    last: Option<(usize, u64)>,
}

impl Sparse {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = PartLock::take(&folder.path().join("s.tgz"), SOURCE, false).unwrap();
        lock.file().set_len(LENGTH).unwrap();
        let mut head = Head::new(LENGTH, Some("\"tag\""), None, Checksums::default());
        head.source = SOURCE.to_owned();
        let journal = Journal::create(lock.path(), head).unwrap();
        Self {
            _folder: folder,
            lock,
            done: vec![0; journal.done.len()],
            last: None,
        }
    }

    /// Another run, which reads the journal, without the check, which would read 2 TiB.
    fn run<'a>(&self, connections: usize, progress: Progress<'a>) -> FileSink<'a> {
        let sink = FileSink::new(&self.lock, SOURCE.to_owned(), connections, progress);
        let journal = Journal::resume(self.lock.path(), SOURCE).unwrap();
        assert_eq!(journal.done, self.done);
        sink.state().journal = Some(journal);
        sink
    }

    /// Records received bytes, each of which must be the next of its piece.
    fn came(&mut self, mut from: u64, bytes: u64) {
        let piece = journal::piece(LENGTH);
        let end = from + bytes;
        while from < end {
            let index = usize::try_from(from / piece).unwrap();
            let start = index as u64 * piece;
            assert_eq!(
                from - start,
                self.done[index],
                "received twice, or after a gap"
            );
            self.last = Some((index, self.done[index]));
            from = end.min(start + piece);
            self.done[index] = from - start;
        }
    }

    /// Cuts off the end of the journal, or all of its last line, as a kill does.
    fn tear(&mut self, random: &mut Rng) {
        let path = journal::path_of(self.lock.path());
        let file = File::options().append(true).open(&path).unwrap();
        let text = std::fs::read(&path).unwrap();
        let lines = text.strip_suffix(b"\n").unwrap();
        let before = lines.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        let (piece, before_last) = self.last.take().unwrap();
        file.set_len(random.u64(before as u64..text.len() as u64))
            .unwrap();
        self.done[piece] = before_last;
    }

    fn journal_size(&self) -> u64 {
        journal::path_of(self.lock.path()).metadata().unwrap().len()
    }
}

/// Lets spans of several connections receive bytes in any order, in batches of any length, up to a
/// number of bytes. Returns whether nothing is missing.
async fn come(sink: &FileSink<'_>, sparse: &mut Sparse, random: &mut Rng, bytes: u64) -> bool {
    let mut spans = Vec::new();
    let mut left = bytes;
    while left > 0 {
        while spans.len() < sink.connections
            && let Some(span) = sink.take().await.unwrap()
        {
            assert!(span.missing.end - span.missing.start <= LONGEST_SPAN);
            spans.push(span);
        }
        if spans.is_empty() {
            return true;
        }
        let index = random.usize(..spans.len());
        let span = &mut spans[index];
        let start = span.missing.start;
        let batch = random.u64(1..=LONGEST_SPAN).min(span.missing.end - start);
        sparse.came(start, batch);
        span.written(batch).unwrap();
        if span.missing.is_empty() {
            spans.swap_remove(index);
        }
        left = left.saturating_sub(batch);
    }
    false
}

#[tokio::test]
async fn each_byte_of_2_tib_is_received_once_however_often_the_run_is_killed() {
    for connections in [1, 8, 128] {
        let mut random = Rng::with_seed(connections as u64);
        let mut sparse = Sparse::new();
        let reporter = Reporter::new(silent);
        let mut kills = 0;
        loop {
            let sink = sparse.run(connections, &reporter);
            let until = random.u64(1..LENGTH / 3);
            let is_complete = come(&sink, &mut sparse, &mut random, until).await;
            assert!(sparse.journal_size() <= LONGEST_JOURNAL);
            if is_complete {
                assert_eq!(sink.received(), LENGTH);
                break;
            }
            drop(sink);
            sparse.tear(&mut random);
            kills += 1;
        }
        assert!(kills >= 3, "{kills}");
        assert_eq!(sparse.done.iter().sum::<u64>(), LENGTH);
    }
}

#[test]
fn a_journal_of_2_tib_stays_small_however_short_the_batches_are() {
    let sparse = Sparse::new();
    let mut journal = Journal::resume(sparse.lock.path(), SOURCE).unwrap();
    assert_eq!(journal.done.len(), 1 << 16);
    // Every piece has its line, and the last piece is received in the shortest possible batches.
    let piece = journal.head.piece;
    for index in 0..journal.done.len() as u64 - 1 {
        journal.note(index * piece, piece).unwrap();
    }
    let (start, mut longest) = (LENGTH - piece, 0);
    for batch in 0..200_000 {
        journal.note(start + batch * 100, 100).unwrap();
        if batch % 1000 == 0 {
            longest = longest.max(sparse.journal_size());
        }
    }
    let expected = 4 << 20..=LONGEST_JOURNAL;
    assert!(expected.contains(&longest), "{longest}");
    assert_eq!(journal.received(), LENGTH - piece + 20_000_000);
    let resumed = Journal::resume(sparse.lock.path(), SOURCE).unwrap();
    assert_eq!(resumed.done, journal.done);
    let memory = resumed.done.capacity() * size_of::<u64>();
    assert_eq!(memory, 512 << 10, "of the journal");
    for connections in [1, 8, 128] {
        let batches = 2 * connections * part_file::batch(LENGTH, connections);
        assert!(batches <= 8 << 20, "of bytes on their way to the file");
    }
}
