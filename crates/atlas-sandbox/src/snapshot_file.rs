//! A snapshot's file: a gzipped tar, the same for the same id and size.

use std::io::{self, Write};

use atlas_model::SnapshotId;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Builds the file around `size` bytes that do not compress.
pub(crate) fn build(snapshot: SnapshotId, size: usize) -> Vec<u8> {
    // Writing to memory does not fail, and the names fit their headers.
    write(snapshot, size).unwrap_or_default()
}

fn write(snapshot: SnapshotId, size: usize) -> io::Result<Vec<u8>> {
    let gzip = GzEncoder::new(Vec::with_capacity(size + 1024), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let metadata = format!("{{\"snapshotId\":\"{snapshot}\",\"bytes\":{size}}}\n");
    append(&mut tar, "metadata.json", metadata.as_bytes())?;
    append(&mut tar, "collection-0.wt", &noise(snapshot, size))?;
    tar.into_inner()?.finish()
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, data: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(data.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, name, data)
}

/// Bytes without a pattern, by xorshift.
fn noise(snapshot: SnapshotId, size: usize) -> Vec<u8> {
    let mut state = snapshot
        .to_bytes()
        .iter()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
            state.rotate_left(8) ^ u64::from(*byte)
        })
        | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
