//! Builds the snapshot file of download cases.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Returns a gzipped tar with one file of this many incompressible bytes.
pub(crate) fn archive(bytes: usize) -> io::Result<Vec<u8>> {
    // xorshift64; any fixed sequence without repetition will do.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut content = Vec::new();
    while content.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend(state.to_le_bytes());
    }
    content.truncate(bytes);
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes as u64);
    header.set_mode(0o600);
    header.set_cksum();
    tar.append_data(&mut header, "snapshot/collection.wt", &content[..])?;
    let mut gzip = tar.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}
