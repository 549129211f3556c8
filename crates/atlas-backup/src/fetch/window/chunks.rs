//! Reading bytes from a channel on a blocking thread.

use std::io::{self, Read};

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

/// A reader of the bytes of a channel.
pub(crate) struct Chunks {
    receiver: Receiver<Bytes>,
    left: Bytes,
}

impl Chunks {
    pub(crate) fn new(receiver: Receiver<Bytes>) -> Self {
        Self {
            receiver,
            left: Bytes::new(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.left = chunk,
                None => return Ok(0),
            }
        }
        let length = self.left.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.left.split_to(length));
        Ok(length)
    }
}
