//! Valid and invalid journals.

use proptest::prelude::*;

use super::*;

const SOURCE: &str = "32b6e34b3d91647abb20e7b8/Cluster0/32b6e34b3d91647abb20e7b9/";

fn head() -> Head {
    Head {
        source: SOURCE.to_owned(),
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
fn a_journal_is_resumed_at_its_end_whatever_its_last_line_is() {
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
    let resumed = Journal::resume(&part, SOURCE).unwrap();
    assert_eq!(resumed.done, [100, 20, 50]);
    assert_eq!(resumed.received(), 170);
    let again = Journal::resume(&part, SOURCE).unwrap();
    assert_eq!(again.done, resumed.done);
}

#[test]
fn a_journal_that_no_longer_fits_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let part = part(&folder);
    assert!(Journal::resume(&part, SOURCE).is_none(), "there is none");
    Journal::create(&part, head()).unwrap();
    assert!(Journal::resume(&part, "other").is_none());
    for line in [
        "{\"piece\":3,\"bytes\":1}\n",
        "{\"piece\":2,\"bytes\":51}\n",
    ] {
        let mut journal = Journal::create(&part, head()).unwrap();
        journal.file.write_all(line.as_bytes()).unwrap();
        assert!(Journal::resume(&part, SOURCE).is_none(), "{line}");
    }
    for text in ["", "{}", &line(&Head { piece: 0, ..head() })] {
        std::fs::write(path_of(&part), text).unwrap();
        assert!(Journal::resume(&part, SOURCE).is_none(), "{text}");
    }
    std::fs::remove_file(path_of(&part)).unwrap();
    Journal::create(&part, head()).unwrap();
    File::create(&part).unwrap().set_len(249).unwrap();
    assert!(Journal::resume(&part, SOURCE).is_none(), "the file was cut");
}

#[test]
fn a_journal_never_replaces_or_removes_a_file_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let part = part(&folder);
    Journal::create(&part, head()).unwrap();
    Journal::create(&part, head()).unwrap();
    std::fs::write(path_of(&part), "precious").unwrap();
    let error = Journal::create(&part, head()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    remove(&part).unwrap();
    assert_eq!(std::fs::read(path_of(&part)).unwrap(), b"precious");
}

#[test]
fn no_number_of_a_journal_is_used_before_it_is_checked() {
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
        assert!(Journal::resume(&part, SOURCE).is_none(), "{length} {piece}");
    }
    // A sparse file may be as long.
    (odd.length, odd.piece) = ((1 << 20) + 1, 1);
    File::create(&part).unwrap().set_len(odd.length).unwrap();
    std::fs::write(path_of(&part), line(&odd)).unwrap();
    assert!(Journal::resume(&part, SOURCE).is_none());
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
    assert_eq!(Journal::resume(&part, SOURCE).unwrap().received(), 50);
    let text = line(&head()).replace('{', &format!("{{{}", " ".repeat(1 << 16)));
    std::fs::write(path_of(&part), text).unwrap();
    assert!(Journal::resume(&part, SOURCE).is_none());
}

/// Such a tag could not be sent, so no run could ever resume.
#[test]
fn a_journal_whose_tag_cannot_be_sent_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let part = part(&folder);
    for etag in ["", "\"\"", "W/\"e\"", "\"a\nb\"", "\"é\"", "\"e"] {
        let etag = etag.to_owned();
        Journal::create(&part, Head { etag, ..head() }).unwrap();
        assert!(Journal::resume(&part, SOURCE).is_none());
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
    fn no_journal_makes_resuming_panic_or_accept_more_than_the_file_has(
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
        if let Some(journal) = Journal::resume(&part, SOURCE) {
            prop_assert!(journal.received() <= 250);
        }
    }
}
