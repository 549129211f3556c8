//! A part that is being filled.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Output;
use super::shared::{Filling, Shared};
use crate::error::Error;
use crate::fetch::Span;
use crate::progress::Progress;

/// How many bytes are received between two progress reports.
const TOLD: u64 = 64 << 10;

/// A part that is being filled; a stream fills one after another.
pub(crate) struct WindowSpan<'a, O: Output> {
    pub(super) output: Arc<O>,
    pub(super) shared: Arc<Shared>,
    pub(super) progress: Progress<'a>,
    pub(super) length: Option<u64>,
    pub(super) is_stream: bool,
    pub(super) index: usize,
    pub(super) filling: Option<Filling>,
    pub(super) missing: Range<u64>,
    /// Received bytes that were not reported yet.
    pub(super) untold: u64,
}

impl<O: Output> Span for WindowSpan<'_, O> {
    fn missing(&self) -> Range<u64> {
        self.missing.clone()
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        self.shared.check()?;
        while !bytes.is_empty() {
            let size = self.output.part_size(self.length, self.index);
            let mut filling = if let Some(filling) = self.filling.take() {
                filling
            } else {
                let room = self.shared.room(size, self.output.memory()).await?;
                self.shared.state().next = self.index.saturating_add(1);
                Filling::new(room)
            };
            let left = usize::try_from(size - filling.gathered.bytes()).unwrap_or(usize::MAX);
            let piece = bytes.split_to(bytes.len().min(left));
            let taken = piece.len() as u64;
            filling.gathered.push(piece);
            self.missing.start = self.missing.start.saturating_add(taken);
            let is_full = filling.gathered.bytes() >= size;
            let is_last = !self.is_stream && self.missing.is_empty();
            {
                let mut state = self.shared.state();
                state.received = state.received.saturating_add(taken);
                if is_full || is_last {
                    let part = filling.complete(self.index, &self.shared);
                    let sent = state
                        .complete
                        .as_ref()
                        .is_some_and(|it| it.send(part).is_ok());
                    drop(state);
                    if !sent {
                        return Err(self.shared.failed());
                    }
                    self.index = self.index.saturating_add(1);
                } else {
                    drop(state);
                    self.filling = Some(filling);
                }
            }
            self.untold = self.untold.saturating_add(taken);
        }
        if self.untold >= TOLD {
            self.progress.received(std::mem::take(&mut self.untold));
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), Error> {
        self.progress.received(std::mem::take(&mut self.untold));
        Ok(())
    }
}

impl<O: Output> Drop for WindowSpan<'_, O> {
    fn drop(&mut self) {
        if let Some(filling) = self.filling.take() {
            self.shared.state().returned.insert(self.index, filling);
        }
    }
}
