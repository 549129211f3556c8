//! Reading a file while it is written, up to where it is complete from its beginning.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk;

/// The position up to which a file is complete from its beginning.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    reached: u64,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    /// The file is complete.
    Complete,
    /// The file is no longer written.
    Abandoned,
}

impl Frontier {
    /// Reports that everything before a position is written.
    pub(crate) fn reach(&self, position: u64) {
        let mut state = self.state();
        if position > state.reached {
            state.reached = position;
            self.changed.notify_one();
        }
    }

    /// Reports that the file is complete.
    pub(crate) fn complete(&self, length: u64) {
        let mut state = self.state();
        (state.reached, state.end) = (length, Some(End::Complete));
        self.changed.notify_one();
    }

    /// Reports that nothing more follows; a waiting reader fails.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.end.get_or_insert(End::Abandoned);
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there are bytes after a position; returns their number, or 0 at the end of the
    /// file.
    fn after(&self, position: u64) -> io::Result<u64> {
        let mut state = self.state();
        loop {
            if state.reached > position {
                return Ok(state.reached - position);
            }
            match state.end {
                Some(End::Complete) => return Ok(0),
                Some(End::Abandoned) => return Err(io::Error::other("the download was abandoned")),
                None => {}
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Reads a file while it is being written, up to its end.
#[derive(Debug)]
pub(crate) struct Following {
    file: Arc<File>,
    frontier: Arc<Frontier>,
    position: u64,
}

impl Following {
    /// Reads an open file from its first byte.
    pub(crate) fn new(file: Arc<File>, frontier: Arc<Frontier>) -> Self {
        Self {
            file,
            frontier,
            position: 0,
        }
    }
}

impl Read for Following {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.frontier.after(self.position)?;
        if there == 0 {
            // Bytes after the announced end would be part of the file, too.
            let read = disk::read_at(&self.file, buffer, self.position)?;
            self.position += read as u64;
            return Ok(read);
        }
        let length = usize::try_from(there).unwrap_or(usize::MAX);
        let length = length.min(buffer.len());
        let read = disk::read_at(&self.file, &mut buffer[..length], self.position)?;
        if read == 0 && length > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_reader_never_passes_the_written_bytes_and_ends_with_them() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(6).unwrap();
        let frontier = Arc::new(Frontier::default());
        let reader = Arc::new(file.reopen().unwrap());
        let mut following = Following::new(reader, frontier.clone());
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            following.read_to_string(&mut text).map(|_| text)
        });
        for (text, reached) in [("abc", 3), ("de", 5), ("f", 6)] {
            file.write_all(text.as_bytes()).unwrap();
            frontier.reach(reached);
        }
        frontier.complete(6);
        assert_eq!(reading.join().unwrap().unwrap(), "abcdef");
    }

    #[test]
    fn a_reader_of_an_abandoned_or_truncated_file_fails() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (reached, is_abandoned) in [(0, true), (4, false)] {
            let frontier = Arc::new(Frontier::default());
            let reader = Arc::new(file.reopen().unwrap());
            let mut following = Following::new(reader, frontier.clone());
            frontier.reach(reached);
            if is_abandoned {
                frontier.abandon();
            }
            assert!(following.read(&mut [0; 8]).is_err(), "{reached}");
        }
    }
}
