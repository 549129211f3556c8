//! Spans and journals of files of any length, 2 TiB among them.

use super::*;

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
