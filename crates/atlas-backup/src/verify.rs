//! Whether a file is a sound snapshot: its checksums, its gzip stream and the tar in it, all read
//! to the end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::checksums::{Checksums, Computing};
use crate::error::Error;
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::tar_walk::walk;

/// Checks a file against a manifest.
pub(crate) fn verify_as(path: &Path, manifest: &Manifest) -> Result<(), Error> {
    let mut announced = Checksums::default();
    announced
        .0
        .insert("sha256".to_owned(), manifest.sha256.clone());
    let found = inspect(path, &announced)?;
    if found.bytes != manifest.bytes {
        return Err(Fault::Length {
            found: found.bytes,
            expected: manifest.bytes,
        }
        .into());
    }
    Ok(())
}

/// What was seen of a sound file.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Reads a file to its end.
pub(crate) fn inspect(path: &Path, announced: &Checksums) -> Result<Found, Error> {
    let file = File::open(path).map_err(|error| Error::file(path, "cannot be read", error))?;
    match inspect_reader(file, announced) {
        Err(Error::File { source, .. }) => Err(Error::file(path, "cannot be read", source)),
        found => found,
    }
}

/// Reads a stream to its end.
pub(crate) fn inspect_reader(file: impl Read, announced: &Checksums) -> Result<Found, Error> {
    let unreadable = |source| Error::file(Path::new("the stream"), "cannot be read", source);
    let mut reader = Summing {
        file,
        computing: Computing::new(announced),
        bytes: 0,
        failed: None,
    };
    let structure = structure(&mut reader);
    if let Some(source) = reader.failed.take() {
        return Err(unreadable(source));
    }
    // Even of a broken file, so that a checksum can tell that it is broken.
    io::copy(&mut reader, &mut io::sink()).map_err(unreadable)?;
    let bytes = reader.bytes;
    let sha256 = reader.computing.finish(announced)?;
    structure?;
    Ok(Found { bytes, sha256 })
}

fn structure(reader: &mut Summing<impl Read>) -> Result<(), Fault> {
    let mut magic = [0; 2];
    if reader.read_exact(&mut magic).is_err() || magic != GZIP {
        return Err(Fault::NotGzip);
    }
    let mut gzip = Marking {
        inner: MultiGzDecoder::new(magic.chain(reader)),
        broken: false,
    };
    let walked = walk(&mut gzip);
    let rest = io::copy(&mut gzip, &mut io::sink());
    if gzip.broken || rest.is_err() {
        return Err(Fault::Gzip);
    }
    walked.map_err(|_| Fault::Tar)
}

/// What a gzip file begins with (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Tells a broken gzip stream from a broken tar in a sound one.
struct Marking<R> {
    inner: R,
    broken: bool,
}

impl<R: Read> Read for Marking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        self.broken |= read.is_err();
        read
    }
}

/// A file whose bytes are summed up as they are read.
struct Summing<R> {
    file: R,
    computing: Computing,
    bytes: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            Ok(read) => {
                self.computing.update(&buffer[..read]);
                self.bytes += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}
