//! Collecting bytes without overhead for each small piece.

use bytes::{Bytes, BytesMut};

/// Pieces in order. Small ones are merged: a server that sends single bytes would otherwise cause
/// forty times their size to be held in memory.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pieces: Vec<Bytes>,
    small: BytesMut,
    bytes: u64,
}

/// Shorter pieces are copied.
const SMALL: usize = 4 << 10;
/// How many bytes of small pieces are merged.
const TOGETHER: usize = 64 << 10;

impl Gathered {
    /// The number of collected bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if piece.len() < SMALL {
            self.small.extend_from_slice(&piece);
            if self.small.len() >= TOGETHER {
                self.put_together();
            }
            return;
        }
        self.put_together();
        self.pieces.push(piece);
    }

    /// Returns the collected pieces, and starts again.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        self.put_together();
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn put_together(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_bytes_are_merged_in_order() {
        let mut gathered = Gathered::default();
        let mut expected = Vec::new();
        for number in 0..300_000_u32 {
            let byte = number.to_le_bytes()[0];
            expected.push(byte);
            gathered.push(vec![byte].into());
            if number % 100_000 == 50_000 {
                expected.extend_from_slice(&[7; 10_000]);
                gathered.push(vec![7; 10_000].into());
            }
        }
        assert_eq!(gathered.bytes(), expected.len() as u64);
        let pieces = gathered.take();
        assert!(pieces.len() < 20, "{}", pieces.len());
        assert!(pieces.concat() == expected);
        assert_eq!((gathered.bytes(), gathered.take().len()), (0, 0));
    }
}
