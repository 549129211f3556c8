//! Reading a snapshot's file to its end: checksums on one thread, the gzip stream and the tar in it
//! on another, even while the file is being downloaded.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use flate2::bufread::GzDecoder;
use tokio::sync::{oneshot, watch};

use crate::checksums::{Checksums, Computing};
use crate::disk;
use crate::error::Error;
use crate::fault::Fault;
use crate::following::{Following, Frontier};
use crate::progress::{Event, Progress};
use crate::tar_walk::walk;

/// The properties of a sound file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The defect of the archive, as soon as it is known.
pub(crate) type Broken = Arc<OnceLock<Fault>>;

/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// How many chunks may wait to be decompressed.
const WAITING: usize = 16;
/// The interval of progress reports, in bytes.
pub(crate) const TOLD: u64 = 8 << 20;
/// How much of the archive is decompressed at once. The rest is copied each time, so smaller pieces
/// cost more.
const INFLATED: usize = 256 << 10;

/// A check that follows a file while it is written. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Inspection {
    frontier: Arc<Frontier>,
    broken: Broken,
    checked: watch::Receiver<u64>,
    result: oneshot::Receiver<Result<Found, Error>>,
}

impl Inspection {
    /// Starts to follow an open file from its first byte.
    pub(crate) fn follow(
        path: &Path,
        file: Arc<File>,
        announced: &Checksums,
    ) -> Result<Self, Error> {
        let frontier = Arc::new(Frontier::default());
        let reader = Following::new(file, frontier.clone());
        Self::start(path, reader, frontier, announced)
    }

    /// Starts to read from a reader until its end.
    pub(crate) fn read(
        name: &Path,
        reader: impl Read + Send + 'static,
        announced: &Checksums,
    ) -> Result<Self, Error> {
        Self::start(name, reader, Arc::default(), announced)
    }

    fn start(
        name: &Path,
        reader: impl Read + Send + 'static,
        frontier: Arc<Frontier>,
        announced: &Checksums,
    ) -> Result<Self, Error> {
        let broken = Broken::default();
        let found = broken.clone();
        let (told, checked) = watch::channel(0);
        let (sender, result) = oneshot::channel();
        let (path, announced) = (name.to_owned(), announced.clone());
        thread::Builder::new()
            .name("checksums".to_owned())
            .spawn(move || {
                let tell = |bytes| {
                    let _ = told.send(bytes);
                };
                let _ = sender.send(inspect_reader(&path, reader, &announced, &found, tell));
            })
            .map_err(|error| Error::file(name, "cannot be verified", error))?;
        Ok(Self {
            frontier,
            broken,
            checked,
            result,
        })
    }

    /// The defect of the archive, as soon as it is known: the rest need not be downloaded then.
    pub(crate) fn broken(&self) -> &Broken {
        &self.broken
    }

    /// Sets the position up to which the file can be read.
    pub(crate) fn reach(&self, position: u64) {
        self.frontier.reach(position);
    }

    /// Waits for the end of the check of a complete file, and reports its progress.
    pub(crate) async fn finish(
        mut self,
        length: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<Found, Error> {
        if let Some(length) = length {
            self.frontier.complete(length);
        }
        loop {
            tokio::select! {
                biased;
                result = &mut self.result => {
                    return result.unwrap_or_else(|_| Err(abandoned()));
                }
                Ok(()) = self.checked.changed() => {
                    let verified = *self.checked.borrow_and_update();
                    progress.tell(Event::Verified { verified, length });
                }
            }
        }
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        self.frontier.abandon();
    }
}

/// The error of a check whose thread ended early.
fn abandoned() -> Error {
    let error = io::Error::other("the check of the file was abandoned");
    Error::file(Path::new("the download"), "cannot be verified", error)
}

/// Reads a file to its end. `tell` receives the number of bytes read and the length: before the
/// first byte, every 8 MiB or more, and at the end of a sound file.
pub(crate) fn inspect(
    path: &Path,
    announced: &Checksums,
    tell: impl Fn(u64, u64),
) -> Result<Found, Error> {
    let unreadable = |error| Error::file(path, "cannot be read", error);
    let file = disk::open_regular(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let last = Cell::new(0);
    tell(0, length);
    let told = |read| {
        last.set(read);
        tell(read, length);
    };
    let found = inspect_reader(path, file, announced, &Broken::default(), told)?;
    if last.get() < found.bytes {
        tell(found.bytes, length);
    }
    Ok(found)
}

/// Reads a stream to its end. Its structure is checked on a second thread, in the same order.
fn inspect_reader(
    path: &Path,
    mut reader: impl Read,
    announced: &Checksums,
    broken: &Broken,
    tell: impl Fn(u64),
) -> Result<Found, Error> {
    let unreadable = |source| Error::file(path, "cannot be read", source);
    let (chunks, received) = sync_channel::<Vec<u8>>(WAITING);
    let (used, empty) = channel::<Vec<u8>>();
    thread::scope(|scope| {
        let walking = thread::Builder::new()
            .name("archive".to_owned())
            .spawn_scoped(scope, move || {
                let structure = structure(Handed::new(received, used));
                if let Err(fault) = &structure {
                    let _ = broken.set(fault.clone());
                }
                structure
            })
            .map_err(unreadable)?;
        let summed = sum_up(&mut reader, announced, &chunks, &empty, tell);
        // The other thread reads to the end of the chunks it received.
        drop(chunks);
        let walked = walking
            .join()
            .map_err(|_| unreadable(io::ErrorKind::Other.into()));
        let (bytes, computing) = summed.map_err(unreadable)?;
        walked??;
        let sha256 = computing.finish(announced)?;
        Ok(Found { bytes, sha256 })
    })
}

/// Reads to the end, or until the archive is found to be damaged.
fn sum_up(
    reader: &mut impl Read,
    announced: &Checksums,
    chunks: &SyncSender<Vec<u8>>,
    empty: &Receiver<Vec<u8>>,
    tell: impl Fn(u64),
) -> io::Result<(u64, Computing)> {
    let mut computing = Computing::new(announced);
    let (mut bytes, mut told) = (0_u64, 0_u64);
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let read = match reader.read(&mut chunk) {
            Ok(0) => return Ok((bytes, computing)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        chunk.truncate(read);
        bytes = bytes.saturating_add(read as u64);
        computing.update(&chunk);
        if chunks.send(chunk).is_err() {
            return Ok((bytes, computing));
        }
        if bytes - told >= TOLD {
            told = bytes;
            tell(bytes);
        }
    }
}

/// A reader of received chunks, which returns them for reuse.
struct Handed {
    received: Receiver<Vec<u8>>,
    used: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    position: usize,
}

impl Handed {
    fn new(received: Receiver<Vec<u8>>, used: Sender<Vec<u8>>) -> Self {
        Self {
            received,
            used,
            chunk: Vec::new(),
            position: 0,
        }
    }
}

impl BufRead for Handed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.chunk.len() {
            let Ok(next) = self.received.recv() else {
                return Ok(&[]);
            };
            let _ = self.used.send(std::mem::replace(&mut self.chunk, next));
            self.position = 0;
        }
        Ok(&self.chunk[self.position..])
    }

    fn consume(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes).min(self.chunk.len());
    }
}

impl Read for Handed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let read = ready.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Reads an archive to its end.
fn structure(mut chunks: Handed) -> Result<(), Fault> {
    let mut magic = [0; 2];
    if chunks.read_exact(&mut magic).is_err() || magic != GZIP {
        return Err(Fault::NotGzip);
    }
    let gzip = Members::new(magic.chain(chunks));
    let mut archive = Marking {
        inner: BufReader::with_capacity(INFLATED, gzip),
        is_broken: false,
    };
    let Err(_) = walk(&mut archive) else {
        return Ok(());
    };
    Err(if archive.inner.get_ref().is_followed {
        Fault::Trailing
    } else if archive.is_broken {
        Fault::Gzip
    } else {
        Fault::Tar
    })
}

/// The magic number of a gzip file (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The members of a gzip stream, one after another (RFC 1952 section 2.2).
struct Members<R> {
    member: Option<GzDecoder<R>>,
    /// Whether other data follows them.
    is_followed: bool,
}

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
            is_followed: false,
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(mut member) = self.member.take() else {
                return Ok(0);
            };
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(read);
            }
            let mut rest = member.into_inner();
            match rest.fill_buf()?.first() {
                None => return Ok(0),
                Some(byte) if *byte == GZIP[0] => self.member = Some(GzDecoder::new(rest)),
                Some(_) => {
                    self.is_followed = true;
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
    }
}

/// Distinguishes a damaged gzip stream from a damaged tar in a valid one.
struct Marking<R> {
    inner: R,
    is_broken: bool,
}

impl<R: BufRead> Read for Marking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        self.is_broken |= read.is_err();
        read
    }
}

impl<R: BufRead> BufRead for Marking<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.inner.fill_buf();
        self.is_broken |= filled.is_err();
        filled
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
    }
}
